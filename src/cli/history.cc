#include <algorithm>

#include "cli/commands.h"
#include "cli/followed.h"

namespace tandem::cli {

namespace {

constexpr size_t kValueColumns = 60;
constexpr int kHistoryPage = 1000;

struct HistoryOptions {
    std::string execution;
    bool reverse = false;
    bool full = false;
};

/// What matters of an event in one line: the members of its details, payloads shortened.
std::string details_text(const json::Value& event, bool full) {
    const json::Value* details = event_details(event);
    std::string text;
    if (details == nullptr || !details->is_object()) return text;
    for (const auto& [name, value] : details->as_object()) {
        if (value.is_object() || name == "name") continue;  // sizes; the name is part of the place
        const std::string shown =
            printable(value.is_string() ? value.as_string() : json::print(value));
        text +=
            (text.empty() ? "" : "  ") + name + "=" + (full ? shown : fit(shown, kValueColumns));
    }
    return text;
}

Style style_of_event(std::string_view type) {
    if (type.ends_with("Failed") || type.ends_with("TimedOut")) return Style::kRed;
    if (type.ends_with("Aborted")) return Style::kYellow;
    if (type == "ExecutionSucceeded") return Style::kGreen;
    return Style::kPlain;
}

void print_events(const Output& out, const Followed& followed, const json::Array& events,
                  const HistoryOptions& options) {
    const json::Value* start = followed.description().find("startDate");
    print_line(styled(out, Style::kBold, printable(followed.name())) + "  " +
               styled(out, style_of_status(followed.status()), followed.status()) + "  started " +
               time_text(start) + "  " + counted(int64_t(events.size()), "event"));
    std::vector<std::vector<Cell>> rows{{{"ID"}, {"AFTER"}, {"EVENT"}, {"WHERE"}, {"DETAILS"}}};
    for (const json::Value& event : events) {
        const std::string type(event.string_or("type", ""));
        const Duration after = time_of(event.find("timestamp")) - time_of(start);
        rows.push_back({{std::to_string(event.int_or("id", 0))},
                        {human_duration(after), Style::kDim},
                        {type, style_of_event(type)},
                        {followed.progress().path(event.int_or("id", 0))},
                        {details_text(event, options.full)}});
    }
    Output table = out;
    if (options.full) table.terminal = false;  // rows are not cut
    print_table(table, rows, rows.front().size());
}

int run_history(const Context& context, const HistoryOptions& options) {
    auto client = Client::make(context.client);
    if (!client) return report(context.out, client.error());
    auto arn = resolve_execution(*client, options.execution);
    if (!arn) return report(context.out, arn.error());
    if (context.out.as_json) {
        const json::Value request = json::Value::object({{"executionArn", *arn},
                                                         {"reverseOrder", options.reverse},
                                                         {"maxResults", kHistoryPage}});
        auto events = list_all(*client, "GetExecutionHistory", request, "events", SIZE_MAX);
        if (!events) return report(context.out, events.error());
        print_json(json::Value(std::move(*events)));
        return kDone;
    }
    auto followed = Followed::open(*client, *arn, EventData::kIncluded);
    if (!followed) return report(context.out, followed.error());
    if (auto ok = followed->read(*client); !ok) return report(context.out, ok.error());
    json::Array events = followed->take_fresh_events();
    if (options.reverse) std::reverse(events.begin(), events.end());
    print_events(context.out, *followed, events, options);
    return kDone;
}

}  // namespace

void add_history(Command app, std::shared_ptr<Context> context, std::function<int()>& run) {
    Command command = app.command("history", "Show the events of an execution");
    auto options = std::make_shared<HistoryOptions>();
    command.option("EXECUTION", options->execution, kExecutionHelp).required();
    command.flag("--reverse", options->reverse, "Newest first");
    command.flag("--full", options->full, "Do not shorten inputs and outputs");
    command.footer("With --json: the events as GetExecutionHistory gives them.");
    command.chosen([=, &run] { run = [=] { return run_history(*context, *options); }; });
}

}  // namespace tandem::cli
