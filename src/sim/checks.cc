#include "sim/checks.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "base/ids.h"
#include "base/limits.h"

namespace tandem::sim {

namespace {

bool answers_task(EventType type) {
    return type == EventType::kTaskSucceeded || type == EventType::kTaskFailed ||
           type == EventType::kTaskTimedOut || type == EventType::kTaskScheduleFailed ||
           type == EventType::kTaskStartFailed || type == EventType::kTaskSubmitFailed;
}

/// One pass over a history; the first thing that is wrong.
class Reader {
public:
    explicit Reader(Timestamp latest) : latest_(latest) {}

    std::string read(const Event& e) {
        if (e.seq != ++seq_) return "a gap in the log";
        if (e.id != 0 && e.id != ++id_) return "a gap in the visible ids";
        if (e.id != 0 && e.previous_id >= e.id) return "an event before its cause";
        if (e.time < last_) return "time runs backwards";
        if (e.time > latest_) return "an event from the future";
        last_ = e.time;
        if (e.type == EventType::kExecutionRedriven) return read_redrive(e);
        if (end_) return "events after the end";
        if (is_closing(e.type)) close(e);
        if (std::string wrong = read_place(e); !wrong.empty()) return wrong;
        if (std::string wrong = read_timer(e); !wrong.empty()) return wrong;
        return read_task(e);
    }

private:
    /// Nothing is owed to an execution that has ended, and a redrive begins with nothing under way.
    void close(const Event& e) {
        end_ = e.type;
        open_.clear();
        due_.clear();
    }

    std::string read_redrive(const Event& e) {
        if (!end_ || *end_ == EventType::kExecutionSucceeded)
            return "a redrive of what runs or has succeeded";
        if (e.index != redrives_.size() + 1) return "redrives are counted wrongly";
        if (e.id != 0 && e.previous_id + 1 != e.id) return "a redrive that does not follow the end";
        size_t later = 0;
        for (auto it = redrives_.rbegin(); it != redrives_.rend() && !e.name.empty(); ++it) {
            if (it->first.empty()) continue;
            const bool is_remembered =
                later++ < kRedriveTokens &&
                it->second + std::chrono::seconds(kRedriveTokenSeconds) >= e.time;
            if (is_remembered && it->first == e.name) return "a redrive was done twice";
        }
        redrives_.emplace_back(e.name, e.time);
        scope_of_.resize(e.id + 1);
        end_.reset();
        return {};
    }

    /// What a scope does follows something of its own, of one around it or of one inside it, also
    /// over a redrive; and one that is done does nothing more.
    std::string read_place(const Event& e) {
        if (done_.count(e.scope) != 0) return "a branch goes on that was done";
        if (e.type == EventType::kStateExited && e.scope != 0 && e.index == 1)
            done_.insert(e.scope);
        if (e.id == 0) return {};
        scope_of_.resize(e.id + 1);
        if (is_closing(e.type)) return {};
        scope_of_[e.id] = e.scope;
        if (e.previous_id == 0) return {};
        const std::optional<uint32_t> before = scope_of_[e.previous_id];
        if (!before) return "an event that follows an end or a redrive";
        parent_.try_emplace(e.scope, *before);
        if (is_around(*before, e.scope) || is_around(e.scope, *before)) return {};
        return "an event that follows another branch's";
    }

    bool is_around(uint32_t outer, uint32_t inner) const {
        while (inner > outer) inner = parent_.at(inner);  // a child has a higher number
        return inner == outer;
    }

    std::string read_timer(const Event& e) {
        // A scope that waits can do nothing but be woken or ended; whatever it does next must not
        // be before the time.
        if (e.type == EventType::kWaitSet || e.type == EventType::kRetrySet) {
            due_[e.scope] = e.due;
            return {};
        }
        const auto it = due_.find(e.scope);
        if (it == due_.end() || e.type <= EventType::kExecutionTimedOut) return {};
        const bool ends = e.type == EventType::kStateAborted || e.type == EventType::kStateFailed;
        const bool wakes = e.type == EventType::kStateExited ||
                           e.type == EventType::kTaskScheduled ||
                           e.type == EventType::kStateStarted;
        if (wakes && e.time < it->second) return "a timer fired early";
        if (wakes || ends) due_.erase(it);
        return {};
    }

    std::string read_task(const Event& e) {
        if (e.type == EventType::kTaskScheduled) open_.insert(e.seq);
        if (e.type == EventType::kTaskCancelled) open_.erase(e.ref);
        if (answers_task(e.type) && e.ref != 0 && open_.erase(e.ref) == 0) {
            return "a task was answered twice";
        }
        return {};
    }

    const Timestamp latest_;
    uint64_t seq_ = 0, id_ = 0;
    Timestamp last_{};
    std::optional<EventType> end_;  // how it ended, while it is not open
    std::set<uint64_t> open_;
    std::map<uint32_t, Timestamp> due_;
    std::vector<std::pair<std::string, Timestamp>> redrives_;  // their tokens and times
    std::vector<std::optional<uint32_t>> scope_of_;  // by visible id; none of ends and redrives
    std::map<uint32_t, uint32_t> parent_;            // of scopes
    std::set<uint32_t> done_;
};

}  // namespace

std::string check_history(const std::vector<Event>& events, Timestamp latest) {
    Reader reader(latest);
    for (const Event& e : events) {
        if (std::string wrong = reader.read(e); !wrong.empty()) {
            return wrong + " at event " + std::to_string(e.seq) + " (" +
                   std::string(to_string(e.type)) + ")";
        }
    }
    if (events.empty() || events.front().type != EventType::kExecutionStarted) {
        return "the log does not begin with the start";
    }
    return {};
}

std::string check_fold(const Language& language, const Program& program,
                       const std::vector<Event>& events, const ExecutionSummary& summary) {
    const auto state = language.initial(program);
    for (const Event& e : events) language.evolve(program, *state, e);
    const bool is_open = summary.status == ExecutionStatus::kRunning;
    if (summary.last_seq != events.size()) return "the summary counts other events";
    const auto redrives = std::count_if(events.begin(), events.end(), [](const Event& e) {
        return e.type == EventType::kExecutionRedriven;
    });
    if (summary.redrives != uint64_t(redrives)) return "the summary counts other redrives";
    if (state->is_open() != is_open) return "summary and fold disagree about the end";
    if (!is_open) return {};
    if (state->next_due() != summary.next_due)
        return "summary and fold disagree about the next timer";
    if (state->open_tasks() != summary.open_tasks)
        return "summary and fold disagree about open tasks";
    return {};
}

uint64_t hash_of(const std::vector<Event>& events, size_t count) {
    std::string bytes;
    for (size_t i = 0; i < count && i < events.size(); ++i) encode_event(events[i], bytes);
    return stable_hash(bytes);
}

}  // namespace tandem::sim
