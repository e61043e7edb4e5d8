// Simulation: one execution run as a pure fold, under a simulated clock, with task answers given by
// the test. Holds every decision to the law: a fold of all events from the start is the same state,
// and pending() is what was issued and not answered. For tests only.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lang/asl/execution.h"
#include "lang/asl/language.h"

namespace tandem::asl::testing {

/// What those hear of an execution who wait for its end; of its log the first event and the last.
std::shared_ptr<ExecutionSummary> summary_of(const ExecutionId& id, const Event& first,
                                             const Event& last);

class Simulation {
public:
    /// nullopt leaves the task without an answer.
    using Worker = std::function<std::optional<TaskResult>(const Action&)>;
    /// What the holder of a token says, and how an execution ended that a task began.
    using Holder = std::function<TaskResult(const TaskTicket&)>;
    using Children = std::function<std::shared_ptr<const ExecutionSummary>(const ExecutionId&)>;

    Simulation(const Language& language, std::shared_ptr<const Program> program);

    void start(std::string input, std::string attributes);
    /// Answers tasks (the oldest first) and moves the clock from timer to timer until the execution
    /// has closed, nothing is to come, or `stop` says so.
    void run(const Worker& worker, const std::function<bool(const Simulation&)>& stop = nullptr);
    void feed(Input input);
    /// For run(): tasks that are answered by their tokens or end with a child. Activities' tasks
    /// are the holder's, too.
    void set_later(Holder holder, Children children) {
        holder_ = std::move(holder);
        children_ = std::move(children);
    }

    /// For run(): how the map run ends that the action begins or lets go on.
    using MapRuns = std::function<std::shared_ptr<const ExecutionSummary>(const Action&)>;
    void set_map_runs(MapRuns map_runs) { map_runs_ = std::move(map_runs); }

    const std::vector<Event>& events() const { return events_; }
    const Execution& execution() const { return static_cast<const Execution&>(*state_); }
    const std::map<TaskId, Action>& open() const { return open_; }
    /// Executions that were to be stopped with the tasks that began them.
    const std::vector<ExecutionId>& stopped() const { return stopped_; }
    Timestamp now() const { return now_; }
    void set_now(Timestamp now) { now_ = now; }
    void set_seed(uint64_t seed) { seed_ = seed; }
    /// Whether laws are checked after each input (quadratic in the events) or only at the end.
    void set_checks_each_input(bool on) { checks_each_input_ = on; }
    /// Whether each decision finds a state that was just folded from all events, without the caches
    /// of the one before.
    void set_leaves_memory(bool on) { leaves_memory_ = on; }
    /// Empty, or how the law was broken.
    const std::string& broken_law() const { return broken_law_; }
    void check_laws();

private:
    std::unique_ptr<State> refold() const;
    std::optional<Input> answer_to(const Action& action, const Worker& worker) const;
    bool answer_awaited();

    const Language& language_;
    std::shared_ptr<const Program> program_;
    std::unique_ptr<State> state_;
    std::vector<Event> events_;
    std::map<TaskId, Action> open_;
    std::vector<ExecutionId> stopped_;
    Holder holder_;
    Children children_;
    MapRuns map_runs_;
    Timestamp now_ = from_millis(1'700'000'000'000);
    uint64_t seed_ = 1;
    bool checks_each_input_ = true;
    bool leaves_memory_ = false;
    std::string broken_law_;
};

std::optional<TaskResult> succeed_with(std::string payload);
TaskResult fail_with(std::string payload);

}  // namespace tandem::asl::testing
