#include <CLI/CLI.hpp>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "cli/commands.h"
#include "server/config.h"
#include "server/serve.h"

namespace tandem {

namespace {

struct ServeOptions {
    std::string config;
    std::string data;
    std::string address;
    int port = -1;
    int grpc_port = -1;
    bool no_auth = false;
    std::string ready_file;
    std::string tls_certificate;
    std::string tls_key;
};

int run_serve(const ServeOptions& options) {
    Config config;
    config.log_format = ::isatty(STDERR_FILENO) ? LogFormat::kText : LogFormat::kJson;
    Result<void> ok;
    if (!options.config.empty()) ok = apply_file(options.config, config);
    if (!options.data.empty()) config.data = options.data;
    if (!options.address.empty()) config.address = options.address;
    if (options.port >= 0) config.port = uint16_t(options.port);
    if (options.grpc_port >= 0) config.grpc_port = uint16_t(options.grpc_port);
    else if (options.port == 0) config.grpc_port = 0;
    if (options.no_auth) config.auth = false;
    if (!options.tls_certificate.empty()) config.tls_certificate = options.tls_certificate;
    if (!options.tls_key.empty()) config.tls_key = options.tls_key;
    config.ready_file = options.ready_file;
    config.data = std::filesystem::absolute(config.data);
    if (ok) ok = serve(config);
    if (ok) return 0;
    std::fprintf(stderr, "tandem serve: %s\n", ok.error().message.c_str());
    return 1;
}

void add_serve(CLI::App& app, std::function<int()>& run) {
    CLI::App* command = app.add_subcommand("serve", "Run the server");
    auto options = std::make_shared<ServeOptions>();
    command->add_option("--config", options->config,
                        "TOML file; docs/configuration.md lists the settings");
    command->add_option("--data", options->data, "Data directory (default: tandem-data)");
    command->add_option("--listen", options->address, "IP address (default: 127.0.0.1)");
    command->add_option("--port", options->port, "Port; 0 picks a free one (default: 8470)")
        ->check(CLI::Range(0, 65535));
    command
        ->add_option("--grpc-port", options->grpc_port,
                     "Port of Durable Task clients and workers (default: 4001; with --port 0 a "
                     "free one)")
        ->check(CLI::Range(0, 65535));
    command->add_option("--ready-file", options->ready_file,
                        "Write the URL and the access key here once the server answers");
    command->add_option("--tls-certificate", options->tls_certificate,
                        "PEM certificate chain: serve HTTPS");
    command->add_option("--tls-key", options->tls_key, "PEM private key");
    command->add_flag("--no-auth", options->no_auth, "Accept any signature (loopback only)");
    CLI::App* limits =
        command->add_subcommand("limits", "Print every limit with its default, unit and range");
    limits->callback([&run] {
        run = [] {
            std::fputs(describe_limits().c_str(), stdout);
            return 0;
        };
    });
    command->callback([=, &run] {
        if (!run) run = [=] { return run_serve(*options); };
    });
}

void add_client_options(CLI::App& app, cli::Context& context) {
    cli::ClientOptions& client = context.client;
    const auto add = [&app](const char* name, std::string& value, const char* type,
                            const char* help) {
        app.add_option(name, value, help)
            ->type_name(type)
            ->group("Options of every command but serve");
    };
    add("--endpoint", client.endpoint, "URL",
        "Of the server (else TANDEM_ENDPOINT, AWS_ENDPOINT_URL,\nor http://127.0.0.1:8470)");
    add("--credentials", client.credentials_file, "FILE",
        "The server's credentials (else TANDEM_CREDENTIALS,\nAWS_ACCESS_KEY_ID ..., or "
        "tandem-data/credentials)");
    add("--ready-file", client.ready_file, "FILE",
        "What `tandem serve --ready-file` wrote: stands for both\n(else TANDEM_READY_FILE)");
    add("--region", client.region, "NAME", "To sign for (else AWS_REGION, or us-east-1)");
    add("--ca-file", client.ca_file, "FILE", "Certificate to trust (PEM)");
    app.add_flag("--json", context.out.as_json,
                 "Print JSON for programs; errors too, on standard error")
        ->group("Options of every command but serve");
}

/// CLI11 calls an unknown command a missing one.
int refuse(const CLI::App& app, const CLI::ParseError& error) {
    std::string reason = error.what();
    const std::vector<std::string> unknown = app.remaining(true);
    if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr && !unknown.empty()) {
        reason = "no such command or option: " + unknown.front();
    }
    std::fprintf(stderr, "tandem: %s (--help explains)\n", reason.c_str());
    return cli::kUsage;
}

int main_of(int argc, char** argv) {
    CLI::App app("Tandem: durable workflows and functions on your own machines", "tandem");
    app.set_version_flag("--version", std::string("tandem ") + TANDEM_VERSION, "Print the version");
    app.set_help_flag("--help,-h", "Print help; also of each command");
    app.require_subcommand(1);
    auto context = std::make_shared<cli::Context>();
    context->out = cli::output_of_process();
    add_client_options(app, *context);
    app.fallthrough();
    app.footer(
        "For example:\n"
        "  tandem function deploy my-function/\n"
        "  tandem workflow deploy my-workflow.asl.json\n"
        "  tandem start my-workflow --input '{\"x\": 1}' --watch\n"
        "  tandem explain my-workflow\n\n"
        "Exit status: 0 done; 1 refused, or the execution or function did not succeed; 2 wrong "
        "usage;\n"
        "3 no answer from the server; 130 ended by Ctrl-C.\n"
        "Colours only on a terminal, and not with NO_COLOR.");
    std::function<int()> run;
    add_serve(app, run);
    cli::add_commands(cli::Command(app), context, run);
    try {
        app.parse(argc, argv);
    } catch (const CLI::Success& asked) {  // --help, --version
        return app.exit(asked);
    } catch (const CLI::ParseError& error) {
        return refuse(app, error);
    }
    return run ? run() : 0;
}

}  // namespace

}  // namespace tandem

#ifdef TANDEM_HAS_JEMALLOC
// What a burst needed is given back by a thread of the allocator's, not by those that work.
extern "C" {
extern const char* malloc_conf;
const char* malloc_conf = "background_thread:true";
}
#endif

int main(int argc, char** argv) { return tandem::main_of(argc, argv); }
