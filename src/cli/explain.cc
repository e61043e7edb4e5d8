#include <CLI/CLI.hpp>

#include "base/encoding.h"
#include "cli/commands.h"

namespace tandem::cli {

namespace {

void explain_end(const Output& out, const json::Value& execution) {
    const std::string status(execution.string_or("status", ""));
    print_line("It ended as " + styled(out, style_of_status(status), status) + " at " + time_text(execution.find("stopDate")) + ".");
    if (execution.find("error") != nullptr) print_line("  error: " + std::string(execution.string_or("error", "")));
    if (execution.find("cause") != nullptr) print_line("  cause: " + std::string(execution.string_or("cause", "")));
    if (execution.find("output") != nullptr) print_line("  output: " + std::string(execution.string_or("output", "")));
}

int run_explain(const Context& context, const std::string& name) {
    auto client = Client::make(context.client);
    if (!client) return report(context.out, client.error());
    auto arn = resolve_execution(*client, name);
    if (!arn) return report(context.out, arn.error());
    auto execution = client->states("DescribeExecution", json::Value::object({{"executionArn", *arn}}));
    if (!execution) return report(context.out, execution.error());
    auto text = client->admin("/tandem/v1/executions/" + percent_encode(*arn) + "/waiting");
    if (!text) return report(context.out, text.error());
    auto waiting = json::parse(*text);
    if (!waiting) return report(context.out, waiting.error());
    if (context.out.as_json) {
        execution->set("waiting", *waiting->find("waiting"));
        print_json(*execution);
        return 0;
    }
    print_line(styled(context.out, Style::kBold, *arn));
    print_line("It started at " + time_text(execution->find("startDate")) + ".");
    if (execution->string_or("status", "") != "RUNNING") {
        explain_end(context.out, *execution);
        return 0;
    }
    const json::Value* list = waiting->find("waiting");
    if (list == nullptr || !list->is_array() || list->as_array().empty()) {
        print_line("It is about to take its next step.");
        return 0;
    }
    print_line("It is running and waits for:");
    for (const json::Value& w : list->as_array()) print_line("  " + std::string(w.string_or("text", "")));
    return 0;
}

}  // namespace

void add_explain(CLI::App& app, std::shared_ptr<Context> context, std::function<int()>& run) {
    CLI::App* command = app.add_subcommand("explain", "Say what an execution waits for, or why it ended");
    auto name = std::make_shared<std::string>();
    command->add_option("EXECUTION", *name, "ARN, WORKFLOW/NAME, or WORKFLOW for its latest")->required();
    command->callback([=, &run] { run = [=] { return run_explain(*context, *name); }; });
}

}  // namespace tandem::cli
