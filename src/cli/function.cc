#include "base/encoding.h"
#include "cli/commands.h"

namespace tandem::cli {

namespace {

int run_invoke(const Context& context, const std::string& name, const std::string& payload) {
    auto input = read_argument(payload);
    if (!input) return report(context.out, input.error());
    ClientOptions options = context.client;
    options.timeout_ms = kInvocationTimeoutMs;
    auto client = Client::make(options);
    if (!client) return report(context.out, client.error());
    auto reply = client->lambda(
        "POST", "/2015-03-31/functions/" + percent_encode(name) + "/invocations", *input);
    if (!reply) return report(context.out, reply.error());
    print_line(reply->body.view());
    const std::string* error = reply->headers.find("X-Amz-Function-Error");
    if (error == nullptr) return kDone;
    const auto document = json::parse(reply->body.view());
    remark(context.out,
           "the function failed: " +
               printable(document ? document->string_or("errorType", *error) : *error));
    return kFailed;
}

}  // namespace

void add_function(Command app, std::shared_ptr<Context> context, std::function<int()>& run) {
    Command function = app.command("function", "Deploy and call functions");
    function.needs_command();
    add_deploy_function(function, context, run);
    Command invoke = function.command("invoke", "Call a function and print its answer");
    auto name = std::make_shared<std::string>();
    auto payload = std::make_shared<std::string>("{}");
    invoke.option("FUNCTION", *name, "Name or ARN").required();
    invoke.option("--payload,-p", *payload,
                  "JSON text, @FILE, or - for standard input (default: {})");
    invoke.footer("Exit status 1 when the function fails; its error document is printed.");
    invoke.chosen([=, &run] { run = [=] { return run_invoke(*context, *name, *payload); }; });
}

}  // namespace tandem::cli
