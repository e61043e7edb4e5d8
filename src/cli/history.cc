#include <CLI/CLI.hpp>

#include "cli/commands.h"

namespace tandem::cli {

namespace {

/// What matters of an event in one line: the members of its details, payloads shortened.
std::string summary_of(const json::Value& event) {
    std::string text;
    for (const auto& [key, details] : event.as_object()) {
        if (!details.is_object()) continue;
        for (const auto& [name, value] : details.as_object()) {
            if (value.is_object()) continue;
            std::string shown = value.is_string() ? value.as_string() : json::print(value);
            if (display_width(shown) > 60) shown = shown.substr(0, 57) + "...";
            text += (text.empty() ? "" : "  ") + name + "=" + shown;
        }
    }
    return text;
}

int run_history(const Context& context, const std::string& name, bool reverse) {
    auto client = Client::make(context.client);
    if (!client) return report(context.out, client.error());
    auto arn = resolve_execution(*client, name);
    if (!arn) return report(context.out, arn.error());
    auto events = list_all(*client, "GetExecutionHistory", json::Value::object({{"executionArn", *arn}, {"reverseOrder", reverse}, {"maxResults", 1000}}), "events", SIZE_MAX);
    if (!events) return report(context.out, events.error());
    if (context.out.as_json) {
        print_json(json::Value(*events));
        return 0;
    }
    std::vector<std::vector<std::string>> rows{{"ID", "FROM", "TIME", "TYPE", "DETAILS"}};
    for (const json::Value& event : *events) {
        rows.push_back({std::to_string(event.int_or("id", 0)), std::to_string(event.int_or("previousEventId", 0)),
                        time_text(event.find("timestamp")), std::string(event.string_or("type", "")), summary_of(event)});
    }
    print_table(context.out, rows);
    return 0;
}

}  // namespace

void add_history(CLI::App& app, std::shared_ptr<Context> context, std::function<int()>& run) {
    CLI::App* command = app.add_subcommand("history", "Show the events of an execution");
    auto name = std::make_shared<std::string>();
    auto reverse = std::make_shared<bool>(false);
    command->add_option("EXECUTION", *name, "ARN, WORKFLOW/NAME, or WORKFLOW for its latest")->required();
    command->add_flag("--reverse", *reverse, "Newest first");
    command->callback([=, &run] { run = [=] { return run_history(*context, *name, *reverse); }; });
}

}  // namespace tandem::cli
