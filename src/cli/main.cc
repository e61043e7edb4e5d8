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
    command->add_option("--config", options->config, "TOML file; docs/configuration.md lists the settings");
    command->add_option("--data", options->data, "Data directory (default: tandem-data)");
    command->add_option("--listen", options->address, "IP address (default: 127.0.0.1)");
    command->add_option("--port", options->port, "Port; 0 picks a free one (default: 8470)")->check(CLI::Range(0, 65535));
    command->add_option("--ready-file", options->ready_file, "Write the URL and the access key here once the server answers");
    command->add_option("--tls-certificate", options->tls_certificate, "PEM certificate chain: serve HTTPS");
    command->add_option("--tls-key", options->tls_key, "PEM private key");
    command->add_flag("--no-auth", options->no_auth, "Accept any signature (loopback only)");
    CLI::App* limits = command->add_subcommand("limits", "Print every limit with its default, unit and range");
    limits->callback([&run] { run = [] { std::fputs(describe_limits().c_str(), stdout); return 0; }; });
    command->callback([=, &run] { if (!run) run = [=] { return run_serve(*options); }; });
}

int main_of(int argc, char** argv) {
    CLI::App app("Tandem: durable workflows and functions on your own machines", "tandem");
    app.set_version_flag("--version", std::string("tandem ") + TANDEM_VERSION);
    app.require_subcommand(1);
    auto context = std::make_shared<cli::Context>();
    app.add_option("--endpoint", context->client.endpoint, "URL of the server (TANDEM_ENDPOINT; default http://127.0.0.1:8470)");
    app.add_option("--credentials", context->client.credentials_file, "Credentials file (TANDEM_CREDENTIALS, or AWS_ACCESS_KEY_ID ...)");
    app.add_option("--ready-file", context->client.ready_file, "What `tandem serve --ready-file` wrote (TANDEM_READY_FILE)");
    app.add_option("--region", context->client.region, "Region to sign for (AWS_REGION)");
    app.add_option("--ca-file", context->client.ca_file, "Certificate to trust (PEM)");
    app.add_flag("--json", context->out.as_json, "Print JSON");
    app.fallthrough();
    context->out.terminal = ::isatty(STDOUT_FILENO) == 1;
    context->out.colour = context->out.terminal && std::getenv("NO_COLOR") == nullptr;
    std::function<int()> run;
    add_serve(app, run);
    cli::add_commands(app, context, run);
    CLI11_PARSE(app, argc, argv);
    return run ? run() : 0;
}

}  // namespace

}  // namespace tandem

int main(int argc, char** argv) { return tandem::main_of(argc, argv); }
