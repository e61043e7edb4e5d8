#include "base/encoding.h"
#include "cli/commands.h"
#include "cli/failure.h"
#include "cli/followed.h"
#include "cli/waits.h"

namespace tandem::cli {

namespace {

constexpr size_t kOutputColumns = 1000;

struct ExplainOptions {
    std::string execution;
    bool all = false;
};

std::string_view name_of(WaitKind kind) {
    switch (kind) {
        case WaitKind::kTask: return "task";
        case WaitKind::kTimer: return "timer";
        case WaitKind::kRetry: return "retry";
    }
    return "task";
}

json::Value json_of(const Followed& followed, const Waits& waits) {
    json::Value list = json::Value::array();
    for (const Wait& w : waits.list) {
        const Attempt* attempt = followed.progress().attempt(w.path);
        json::Value one = json::Value::object({{"for", name_of(w.kind)},
                                               {"state", w.state},
                                               {"path", w.path},
                                               {"detail", w.detail},
                                               {"since", format_iso8601(w.since)}});
        if (!w.stage.empty()) one.set("stage", w.stage);
        if (w.due != kNever) one.set("due", format_iso8601(w.due));
        if (attempt != nullptr && w.kind != WaitKind::kTimer) {
            if (!attempt->target.empty()) one.set("target", attempt->target);
            one.set("failedAttempts", attempt->failed);
            if (!attempt->error.empty()) one.set("error", attempt->error);
            if (!attempt->cause.empty()) one.set("cause", attempt->cause);
            if (w.kind == WaitKind::kTask) {
                one.set("started", attempt->is_started);
                if (attempt->is_submitted) one.set("submitted", true);
                if (!attempt->worker.empty()) one.set("worker", attempt->worker);
            }
        }
        one.set("text", wait_text(w, followed.progress(), waits.now));
        list.push_back(std::move(one));
    }
    json::Value all = followed.description();
    all.set("waiting", std::move(list));
    if (const auto failure = followed.failure()) {
        all.set("failure", json::Value::object({{"path", failure->path},
                                                {"error", failure->error},
                                                {"message", cause_message(failure->cause)},
                                                {"attempts", failure->attempts}}));
    }
    return all;
}

void print_running(const Output& out, const Followed& followed, const Waits& waits, bool all) {
    const size_t columns = out.terminal && !all ? terminal_size().columns : SIZE_MAX / 4;
    const auto lines = wait_lines(out, waits, followed.progress(), {columns, SIZE_MAX, !all});
    if (lines.empty()) return print_line("is about to take its next step");
    print_line("waits for");
    for (const std::string& line : lines) print_line(line);
    if (const Timestamp deadline = followed.deadline(); deadline != kNever) {
        print_line("times out in " + countdown(deadline - waits.now));
    }
}

void print_text(const Output& out, const Followed& followed, const Waits& waits, bool all) {
    const std::string status = followed.status();
    const Timestamp now = followed.is_running() ? waits.now : Timestamp{};
    print_line(styled(out, Style::kBold, printable(followed.name())) + "  " +
               styled(out, style_of_status(status), status) +
               (followed.is_running() ? " for " : " after ") + human_duration(followed.age(now)));
    print_line(styled(out, Style::kDim, followed.arn()));
    std::string when = "started " + time_text(followed.description().find("startDate"));
    if (!followed.is_running())
        when += ", ended " + time_text(followed.description().find("stopDate"));
    print_line(when);
    if (followed.is_running()) return print_running(out, followed, waits, all);
    if (const auto failure = followed.failure()) {
        for (const std::string& line : failure_lines(out, *failure)) print_line(line);
        return;
    }
    const std::string_view output = followed.description().string_or("output", "");
    print_line("output: " + (all ? printable(output) : shortened(output, kOutputColumns)));
}

int run_explain(const Context& context, const ExplainOptions& options) {
    auto client = Client::make(context.client);
    if (!client) return report(context.out, client.error());
    auto arn = resolve_execution(*client, options.execution);
    if (!arn) return report(context.out, arn.error());
    auto followed = Followed::open(*client, *arn);
    if (!followed) return report(context.out, followed.error());
    // What it waits for first: the history read after it tells about each of these.
    Waits waits;
    if (followed->is_running()) {
        auto read = followed->waits(*client);
        if (!read) return report(context.out, read.error());
        waits = std::move(*read);
    }
    if (auto ok = followed->read(*client); !ok) return report(context.out, ok.error());
    if (!followed->is_running()) waits.list.clear();
    if (context.out.as_json) print_json(json_of(*followed, waits));
    else print_text(context.out, *followed, waits, options.all);
    return kDone;
}

}  // namespace

void add_explain(Command app, std::shared_ptr<Context> context, std::function<int()>& run) {
    Command command = app.command("explain", "Say what an execution waits for, or why it ended");
    auto options = std::make_shared<ExplainOptions>();
    command.option("EXECUTION", options->execution, kExecutionHelp).required();
    command.flag("--all", options->all, "A line for each task and timer, whole outputs");
    command.footer(
        "With --json: the execution as DescribeExecution gives it, with \"waiting\" (a list) and, "
        "when\n"
        "it did not succeed, \"failure\".");
    command.chosen([=, &run] { run = [=] { return run_explain(*context, *options); }; });
}

}  // namespace tandem::cli
