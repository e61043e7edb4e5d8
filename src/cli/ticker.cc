#include "cli/ticker.h"

#include "cli/failure.h"
#include "cli/progress_view.h"

namespace tandem::cli {

namespace {

constexpr size_t kTimeColumns = 10;
constexpr size_t kCauseColumns = 200;
constexpr int64_t kSteps = 10;

bool is_in_map(const Outline& outline, const OutlineState& state) {
    for (int at = state.parent; at >= 0; at = outline.states()[size_t(at)].parent) {
        if (outline.states()[size_t(at)].type == "Map") return true;
    }
    return false;
}

}  // namespace

void Ticker::line(Duration since_start, std::string_view where, std::string_view what) {
    print_line(styled(out_, Style::kDim, pad("+" + human_duration(since_start), kTimeColumns)) +
               "  " + printable(where) + "  " + std::string(what));
}

void Ticker::event(const Followed& followed, const json::Value& event) {
    const std::string_view type = event.string_or("type", "");
    const json::Value* details = event_details(event);
    const Progress& progress = followed.progress();
    const Duration at =
        time_of(event.find("timestamp")) - time_of(followed.description().find("startDate"));
    const std::string where = progress.path(event.int_or("id", 0));
    const std::string_view name = details != nullptr ? details->string_or("name", "") : "";
    const std::optional<int> state = progress.outline().find(name);
    const OutlineState* known = state ? &progress.outline().states()[size_t(*state)] : nullptr;
    if (type.ends_with("StateEntered") || type.ends_with("StateExited")) {
        if (known != nullptr && is_in_map(progress.outline(), *known)) return;
        line(at, where,
             type.ends_with("StateEntered") ? "started" : styled(out_, Style::kGreen, "done"));
    } else if (details != nullptr && (type.ends_with("Failed") || type.ends_with("TimedOut"))) {
        const std::string error(
            details->string_or("error", type.ends_with("TimedOut") ? "States.Timeout" : ""));
        if (error.empty() || type.starts_with("Execution")) return;
        const std::string message = printable(cause_message(details->string_or("cause", "")));
        line(at, where,
             styled(out_, Style::kYellow, "failed: " + printable(error)) +
                 (message.empty() ? "" : ": " + fit(message, kCauseColumns)));
    } else if (type == "MapIterationSucceeded" && known != nullptr &&
               !is_in_map(progress.outline(), *known)) {
        // Counted here: the progress has folded what comes after this event already.
        const int64_t done = ++iterations_[known->name];
        const int64_t total = progress.states()[size_t(*state)].inside.length;
        const bool tenth = total > 0 && done * kSteps / total > (done - 1) * kSteps / total;
        if (tenth) line(at, known->name, progress_bar(done, total, kSteps));
    }
}

void Ticker::print(const Followed& followed, const json::Array& events, const Waits& waits) {
    for (const json::Value& e : events) event(followed, e);
    for (const Wait& wait : waits.list) {
        if (!followed.progress().is_open(wait.path)) continue;
        if (wait.kind == WaitKind::kTask) {
            // A batch job's, where it changes; Slurm expects its begin at another time each time.
            const std::string stage = wait.stage.substr(0, wait.stage.find(", expected"));
            if (!stage.empty() && told_.insert(wait.path + " " + stage).second)
                line(followed.age(waits.now), wait.path, printable(wait.stage));
            continue;
        }
        if (!told_.insert(wait.path + " " + format_iso8601(wait.due)).second) continue;
        line(wait.since - time_of(followed.description().find("startDate")), wait.path,
             wait_text(wait, followed.progress(), wait.since));
    }
}

}  // namespace tandem::cli
