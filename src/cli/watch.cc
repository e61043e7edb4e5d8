#include <CLI/CLI.hpp>
#include <sys/ioctl.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "base/encoding.h"
#include "cli/commands.h"
#include "cli/progress.h"

namespace tandem::cli {

namespace {

constexpr auto kRefresh = std::chrono::milliseconds(250);
constexpr size_t kWaitingLines = 8;

size_t terminal_columns() {
    winsize size{};
    return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 100;
}

/// The watcher of one execution: what it has read so far and what it has drawn.
class Watcher {
public:
    Watcher(Client& client, const Output& out, std::string arn) : client_(client), out_(out), arn_(std::move(arn)) {}

    Result<std::string> run() {
        auto machine = client_.states("DescribeStateMachineForExecution", json::Value::object({{"executionArn", arn_}}));
        if (!machine) return tl::unexpected<Error>(machine.error());
        auto definition = json::parse(machine->string_or("definition", "{}"));
        if (!definition) return tl::unexpected<Error>(definition.error());
        Progress progress(*definition);
        while (true) {
            auto execution = client_.states("DescribeExecution", json::Value::object({{"executionArn", arn_}}));
            if (!execution) return tl::unexpected<Error>(execution.error());
            if (auto read = read_events(progress); !read) return tl::unexpected<Error>(read.error());
            const std::string status(execution->string_or("status", ""));
            if (!out_.as_json && (out_.terminal || status != "RUNNING")) draw(progress, *execution, status);
            if (status != "RUNNING") {
                if (out_.as_json) print_json(*execution);
                return status;
            }
            std::this_thread::sleep_for(kRefresh);
        }
    }

private:
    /// Pages through the history from where the last read ended; tokens of full pages are kept.
    Result<void> read_events(Progress& progress) {
        while (true) {
            json::Value request = json::Value::object({{"executionArn", arn_}, {"maxResults", 1000}, {"includeExecutionData", false}});
            if (!token_.empty()) request.set("nextToken", token_);
            auto page = client_.states("GetExecutionHistory", request);
            if (!page) return tl::unexpected<Error>(page.error());
            const json::Value* events = page->find("events");
            if (events != nullptr && events->is_array()) {
                for (const json::Value& event : events->as_array()) {
                    if (event.int_or("id", 0) <= progress.events()) continue;
                    progress.add(event);
                    if (out_.as_json) print_line(json::print(event));
                }
            }
            const std::string next(page->string_or("nextToken", ""));
            if (next.empty()) return {};
            token_ = next;
        }
    }

    std::vector<std::string> waiting_lines() {
        auto text = client_.admin("/tandem/v1/executions/" + percent_encode(arn_) + "/waiting");
        auto reply = text ? json::parse(*text) : Result<json::Value>(tl::unexpected<Error>(text.error()));
        std::vector<std::string> lines;
        const json::Value* waiting = reply ? reply->find("waiting") : nullptr;
        if (waiting == nullptr || !waiting->is_array()) return lines;
        for (const json::Value& w : waiting->as_array()) {
            if (lines.size() == kWaitingLines) {
                lines.push_back("  … and " + std::to_string(waiting->as_array().size() - kWaitingLines) + " more");
                break;
            }
            lines.push_back("  " + std::string(w.string_or("text", "")));
        }
        return lines;
    }

    void draw(const Progress& progress, const json::Value& execution, const std::string& status) {
        std::vector<std::string> lines;
        const json::Value* start = execution.find("startDate");
        const json::Value* stop = execution.find("stopDate");
        const double end = stop != nullptr && stop->is_number() ? stop->as_double() : to_seconds(system_clock().now());
        const double begin = start != nullptr && start->is_number() ? start->as_double() : end;
        lines.push_back(styled(out_, Style::kBold, std::string(execution.string_or("name", ""))) + "  " +
                        styled(out_, style_of_status(status), status) + "  " +
                        human_duration(Duration(int64_t((end - begin) * 1e6))) + "  " +
                        std::to_string(progress.events()) + " events");
        for (std::string& line : progress.render(out_, status, terminal_columns())) lines.push_back(std::move(line));
        if (status == "RUNNING") {
            for (std::string& line : waiting_lines()) lines.push_back(std::move(line));
        } else if (execution.find("error") != nullptr || execution.find("cause") != nullptr) {
            lines.push_back(styled(out_, Style::kRed, std::string(execution.string_or("error", "")) + ": " + std::string(execution.string_or("cause", ""))));
        } else if (const std::string_view output = execution.string_or("output", ""); !output.empty()) {
            lines.push_back(std::string(output.substr(0, 2000)));
        }
        if (out_.terminal && drawn_ > 0) print_raw("\033[" + std::to_string(drawn_) + "A\033[J");
        for (const std::string& line : lines) print_line(line);
        drawn_ = lines.size();
    }

    static void print_raw(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); }

    Client& client_;
    const Output& out_;
    std::string arn_;
    std::string token_;
    size_t drawn_ = 0;
};

int run_watch(const Context& context, const std::string& name) {
    auto client = Client::make(context.client);
    if (!client) return report(context.out, client.error());
    auto arn = resolve_execution(*client, name);
    if (!arn) return report(context.out, arn.error());
    return watch_execution(*client, context.out, *arn);
}

}  // namespace

int watch_execution(Client& client, const Output& out, const std::string& execution_arn) {
    auto status = Watcher(client, out, execution_arn).run();
    if (!status) return report(out, status.error());
    return *status == "SUCCEEDED" ? 0 : 1;
}

void add_watch(CLI::App& app, std::shared_ptr<Context> context, std::function<int()>& run) {
    CLI::App* command = app.add_subcommand("watch", "Follow an execution live; exit status 0 when it succeeds");
    auto name = std::make_shared<std::string>();
    command->add_option("EXECUTION", *name, "ARN, WORKFLOW/NAME, or WORKFLOW for its latest")->required();
    command->callback([=, &run] { run = [=] { return run_watch(*context, *name); }; });
}

}  // namespace tandem::cli
