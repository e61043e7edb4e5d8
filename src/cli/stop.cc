#include "cli/commands.h"

namespace tandem::cli {

namespace {

struct StopOptions {
    std::string execution;
    std::string error;
    std::string cause;
};

int run_stop(const Context& context, const StopOptions& options) {
    auto client = Client::make(context.client);
    if (!client) return report(context.out, client.error());
    auto arn = resolve_execution(*client, options.execution);
    if (!arn) return report(context.out, arn.error());
    json::Value request = json::Value::object({{"executionArn", *arn}});
    if (!options.error.empty()) request.set("error", options.error);
    if (!options.cause.empty()) request.set("cause", options.cause);
    auto reply = client->states("StopExecution", request);
    if (!reply) return report(context.out, reply.error());
    if (context.out.as_json) {
        print_json(*reply);
        return kDone;
    }
    // One that had ended before is left as it was.
    auto execution =
        client->states("DescribeExecution", json::Value::object({{"executionArn", *arn}}));
    if (!execution) return report(context.out, execution.error());
    print_line(*arn + " is " + std::string(execution->string_or("status", "")));
    return kDone;
}

}  // namespace

void add_stop(Command app, std::shared_ptr<Context> context, std::function<int()>& run) {
    Command command = app.command("stop", "End a running execution as ABORTED");
    auto options = std::make_shared<StopOptions>();
    command.option("EXECUTION", options->execution, kExecutionHelp).required();
    command.option("--error", options->error, "Error name to record");
    command.option("--cause", options->cause, "Reason to record");
    command.chosen([=, &run] { run = [=] { return run_stop(*context, *options); }; });
}

}  // namespace tandem::cli
