#include <algorithm>

#include "base/limits.h"
#include "cli/commands.h"
#include "cli/failure.h"
#include "cli/watch.h"

namespace tandem::cli {

namespace {

struct StartOptions {
    std::string workflow;
    std::string input = "{}";
    std::string name;
    bool watch = false;
};

/// An Express execution leaves no record to look at later: waits for its end, prints its output.
int run_express(const Context& context, const json::Value& request) {
    ClientOptions patient = context.client;
    patient.timeout_ms = std::max(patient.timeout_ms, (kExpressSeconds + 60) * 1000);
    auto client = Client::make(patient);
    if (!client) return report(context.out, client.error());
    auto reply = client->states("StartSyncExecution", request);
    if (!reply) return report(context.out, reply.error());
    const std::string status(reply->string_or("status", ""));
    const bool succeeded = status == "SUCCEEDED";
    if (context.out.as_json) print_json(*reply);
    else if (succeeded) print_line(reply->string_or("output", ""));
    if (succeeded) return kDone;
    remark(context.out, "the execution is " + status + ": " +
                            printable(reply->string_or("error", "no error was given")));
    const std::string cause = cause_message(reply->string_or("cause", ""));
    if (!cause.empty()) remark(context.out, "  " + printable(cause));
    return kFailed;
}

int run_start(const Context& context, const StartOptions& options) {
    auto input = read_argument(options.input);
    if (!input) return report(context.out, input.error());
    auto client = Client::make(context.client);
    if (!client) return report(context.out, client.error());
    auto workflow = resolve_workflow(*client, options.workflow);
    if (!workflow) return report(context.out, workflow.error());
    json::Value request = json::Value::object({{"stateMachineArn", *workflow}, {"input", *input}});
    if (!options.name.empty()) request.set("name", options.name);
    const auto machine = client->states(
        "DescribeStateMachine",
        json::Value::object({{"stateMachineArn", *workflow}, {"includedData", "METADATA_ONLY"}}));
    if (!machine) return report(context.out, machine.error());
    if (machine->string_or("type", "") == "EXPRESS") return run_express(context, request);
    auto reply = client->states("StartExecution", request);
    if (!reply) return report(context.out, reply.error());
    const std::string arn(reply->string_or("executionArn", ""));
    if (options.watch) return watch_execution(context.client, std::move(*client), context.out, arn);
    if (context.out.as_json) print_json(*reply);
    else print_line(arn);
    return kDone;
}

}  // namespace

void add_start(Command app, std::shared_ptr<Context> context, std::function<int()>& run) {
    Command command = app.command("start", "Start an execution of a workflow");
    auto options = std::make_shared<StartOptions>();
    command.option("WORKFLOW", options->workflow, "Name or ARN").required();
    command.option("--input,-i", options->input,
                   "JSON text, @FILE, or - for standard input (default: {})");
    command.option("--name", options->name, "Of the execution (default: a fresh UUID)");
    command.flag("--watch,-w", options->watch, "Follow it until it ends, as `tandem watch`");
    command.footer("Prints the execution's ARN; of an Express workflow, the output at its end.");
    command.chosen([=, &run] { run = [=] { return run_start(*context, *options); }; });
}

}  // namespace tandem::cli
