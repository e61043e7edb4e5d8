#include "sim/checks.h"

#include <map>
#include <set>

#include "base/ids.h"

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
        if (closed_) return "events after the end";
        if (e.id != 0 && e.id != ++id_) return "a gap in the visible ids";
        if (e.id != 0 && e.previous_id >= e.id) return "an event before its cause";
        if (e.time < last_) return "time runs backwards";
        if (e.time > latest_) return "an event from the future";
        last_ = e.time;
        closed_ = is_closing(e.type);
        if (std::string wrong = read_timer(e); !wrong.empty()) return wrong;
        return read_task(e);
    }
    bool closed() const { return closed_; }

private:
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
    bool closed_ = false;
    std::set<uint64_t> open_;
    std::map<uint32_t, Timestamp> due_;
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
