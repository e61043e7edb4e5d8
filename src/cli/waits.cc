#include "cli/waits.h"

#include <algorithm>
#include <map>

#include "cli/failure.h"

namespace tandem::cli {

namespace {

constexpr size_t kGroupFrom = 4;  // so many alike share a line
constexpr size_t kWaitCauseColumns = 60;

/// "Sweep[3]/Train" -> "Sweep[*]/Train": what one of many has in common with the others.
std::string pattern_of(std::string_view path) {
    std::string out;
    bool number = false;
    for (const char c : path) {
        if (c == ']') number = false;
        if (number) continue;
        out += c;
        if (c == '[') {
            out += '*';
            number = true;
        }
    }
    return out;
}

/// "22:50:30", with the date when it is not within the day.
std::string clock_text(Timestamp t, Timestamp now) {
    const std::string iso = format_iso8601(t);
    const bool near = t - now < std::chrono::hours(24);
    return (near ? "" : iso.substr(0, 10) + " ") + iso.substr(11, 8) + " UTC";
}

std::string target_of(const Wait& wait, const Progress& progress, const Attempt* attempt) {
    if (attempt != nullptr && !attempt->target.empty()) return printable(attempt->target);
    const std::optional<int> state = progress.outline().find(wait.state);
    if (state) return printable(progress.outline().states()[size_t(*state)].target);
    return printable(target_text(wait.detail));
}

bool is_activity(const Wait& wait) { return wait.detail.find(":activity:") != std::string::npos; }

bool is_queued(const Attempt* attempt) {
    return attempt != nullptr && attempt->is_scheduled && !attempt->is_started;
}

/// What a task is at, and for how long.
std::string stage_text(const Wait& wait, const Attempt* attempt, Timestamp now) {
    const std::string all = elapsed(now - wait.since);
    if (!wait.stage.empty()) return printable(wait.stage) + ", for " + all;
    if (is_queued(attempt))
        return std::string(is_activity(wait) ? "waits for a worker" : "waits for a process") +
               " for " + all;
    if (attempt == nullptr) return "runs for " + all;
    const std::string latest = elapsed(now - attempt->since);
    if (attempt->is_submitted) {
        const bool by_token = wait.detail.ends_with(".waitForTaskToken");
        return (by_token ? "waits for an answer by its task token for "
                         : "waits for the end of what it started for ") +
               latest;
    }
    if (!is_activity(wait)) return "runs for " + all;
    const std::string worker = attempt->worker.empty() ? "a worker" : "worker " + attempt->worker;
    return printable(worker) + " has it for " + latest;
}

std::string task_text(const Wait& wait, const Progress& progress, Timestamp now) {
    const Attempt* attempt = progress.attempt(wait.path);
    std::string text = target_of(wait, progress, attempt) + ", " + stage_text(wait, attempt, now);
    if (attempt != nullptr && attempt->failed > 0) {
        text += ", attempt " + std::to_string(attempt->failed + 1) + " after " +
                printable(attempt->error);
    }
    if (wait.due != kNever) text += ", times out in " + countdown(wait.due - now);
    return text;
}

std::string retry_text(const Wait& wait, const Progress& progress, Timestamp now) {
    const Attempt* attempt = progress.attempt(wait.path);
    // A Map or Parallel tells of its failure only by beginning again.
    const std::optional<int> state = progress.outline().find(wait.state);
    const bool has_inside = state && progress.outline().states()[size_t(*state)].type != "Task";
    const int64_t failed = (attempt != nullptr ? attempt->failed : 0) + (has_inside ? 1 : 0);
    std::string text = "attempt " + (failed > 0 ? std::to_string(failed + 1) + " " : "");
    text += "in " + countdown(wait.due - now) + " after " + printable(wait.detail) + " (at " +
            clock_text(wait.due, now) + ")";
    const std::string cause = attempt != nullptr ? cause_message(attempt->cause) : std::string();
    return text + (cause.empty() ? "" : ": " + fit(printable(cause), kWaitCauseColumns));
}

struct Group {
    std::vector<const Wait*> waits;  // of one kind and pattern
};

std::string group_text(const Group& group, const Progress& progress, Timestamp now) {
    const auto earlier = [](const Wait* a, const Wait* b) { return a->since < b->since; };
    const auto sooner = [](const Wait* a, const Wait* b) { return a->due < b->due; };
    const std::string count = grouped(int64_t(group.waits.size()));
    const Wait& next = **std::min_element(group.waits.begin(), group.waits.end(), sooner);
    switch (next.kind) {
        case WaitKind::kTimer:
            return count + " timers, the next due in " + countdown(next.due - now);
        case WaitKind::kRetry: {
            return count + " retries, the next in " + countdown(next.due - now) + " after " +
                   printable(next.detail);
        }
        case WaitKind::kTask: break;
    }
    const Wait& oldest = **std::min_element(group.waits.begin(), group.waits.end(), earlier);
    const auto queued = std::count_if(group.waits.begin(), group.waits.end(), [&](const Wait* w) {
        return is_queued(progress.attempt(w->path));
    });
    std::string text = count + " tasks on " + target_of(oldest, progress, nullptr);
    const char* whom = is_activity(oldest) ? "a worker" : "a process";
    if (queued > 0) text += " (" + grouped(queued) + " waiting for " + whom + ")";
    const auto submitted =
        std::count_if(group.waits.begin(), group.waits.end(), [&](const Wait* w) {
            const Attempt* attempt = progress.attempt(w->path);
            return attempt != nullptr && attempt->is_submitted;
        });
    if (submitted > 0 && oldest.detail.ends_with(".waitForTaskToken"))
        text += " (" + grouped(submitted) + " waiting for an answer by task token)";
    return text + ", the oldest for " + elapsed(now - oldest.since);
}

/// In order of first appearance; each of a few alike has a group of its own.
std::vector<Group> groups_of(const Waits& waits, bool group_alike) {
    std::map<std::pair<WaitKind, std::string>, std::vector<const Wait*>> alike;
    for (const Wait& w : waits.list) alike[{w.kind, pattern_of(w.path)}].push_back(&w);
    std::vector<Group> groups;
    for (const Wait& w : waits.list) {
        const auto& same = alike[{w.kind, pattern_of(w.path)}];
        if (!group_alike || same.size() < kGroupFrom) groups.push_back({{&w}});
        else if (same.front() == &w) groups.push_back({same});
    }
    return groups;
}

/// Items of Map states that no place is free for.
std::vector<std::pair<std::string, std::string>> held_back(const Progress& progress) {
    std::vector<std::pair<std::string, std::string>> lines;
    for (size_t i = 0; i < progress.states().size(); ++i) {
        const StateProgress& p = progress.states()[i];
        const OutlineState& s = progress.outline().states()[i];
        if (s.type != "Map" || p.open() <= 0 || p.inside.started >= p.inside.length) continue;
        const int64_t running = p.inside.started - p.inside.finished - p.inside.failed;
        lines.emplace_back(s.name, counted(p.inside.length - p.inside.started, "item") +
                                       " to start as others end: " + grouped(running) + " run" +
                                       (running == 1 ? "s" : "") +
                                       (s.max_concurrency > 0
                                            ? " (MaxConcurrency " + grouped(s.max_concurrency) + ")"
                                            : ""));
    }
    return lines;
}

}  // namespace

Result<Waits> parse_waits(const json::Value& answer) {
    const json::Value* list = answer.find("waiting");
    if (list == nullptr || !list->is_array())
        return fail(ErrorCode::kCorrupt, "not a waiting list");
    Waits waits;
    const auto now = parse_rfc3339(answer.string_or("now", ""));
    waits.now = now ? *now : system_clock().now();
    for (const json::Value& w : list->as_array()) {
        const std::string_view kind = w.string_or("for", "task");
        Wait wait;
        wait.kind = kind == "timer"   ? WaitKind::kTimer
                    : kind == "retry" ? WaitKind::kRetry
                                      : WaitKind::kTask;
        wait.state = w.string_or("state", "");
        wait.path = w.string_or("path", wait.state);
        wait.detail = w.string_or("detail", "");
        wait.stage = w.string_or("stage", "");
        if (const auto since = parse_rfc3339(w.string_or("since", ""))) wait.since = *since;
        if (const auto due = parse_rfc3339(w.string_or("due", ""))) wait.due = *due;
        waits.list.push_back(std::move(wait));
    }
    return waits;
}

std::string wait_text(const Wait& wait, const Progress& progress, Timestamp now) {
    switch (wait.kind) {
        case WaitKind::kTask: return task_text(wait, progress, now);
        case WaitKind::kRetry: return retry_text(wait, progress, now);
        case WaitKind::kTimer: break;
    }
    return "timer, due in " + countdown(wait.due - now) + " (at " + clock_text(wait.due, now) + ")";
}

std::vector<std::string> wait_lines(const Output& out, const Waits& waits, const Progress& progress,
                                    const WaitView& view) {
    std::vector<std::pair<std::string, std::string>> entries;
    for (const Group& group : groups_of(waits, view.grouped)) {
        const Wait& first = *group.waits.front();
        if (group.waits.size() > 1) {
            entries.emplace_back(pattern_of(first.path), group_text(group, progress, waits.now));
        } else {
            entries.emplace_back(first.path, wait_text(first, progress, waits.now));
        }
    }
    for (auto& entry : held_back(progress)) entries.push_back(std::move(entry));
    size_t columns = 0;
    for (auto& [where, what] : entries) {
        where = printable(where);
        columns = std::max(columns, display_width(where));
    }
    columns = std::min(columns, view.columns / 3);
    std::vector<std::string> lines;
    for (size_t i = 0; i < entries.size(); ++i) {
        if (lines.size() + 1 >= view.rows && i + 1 < entries.size()) {
            lines.push_back(styled(out, Style::kDim,
                                   "  … and " + grouped(int64_t(entries.size() - i)) + " more"));
            break;
        }
        const std::string where = pad(fit_middle(entries[i].first, columns), columns);
        lines.push_back(
            fit("  " + styled(out, Style::kBold, where) + "  " + entries[i].second, view.columns));
    }
    return lines;
}

}  // namespace tandem::cli
