// Run: one decision under way. It emits events (each folded at once into the execution), collects
// actions and walks every scope until all are blocked. State kinds live in files of their own
// (pass.cc, task.cc, ...), as members of this class declared below by topic.
// Lives on the stack of decide(); after the execution has closed, emit() does nothing more.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <utility>

#include "base/rng.h"
#include "lang/asl/data/environment.h"
#include "lang/asl/execution.h"
#include "lang/asl/failure.h"
#include "lang/asl/probe.h"
#include "lang/asl/program.h"
#include "model/language.h"

namespace tandem::asl {

/// A number without fraction that is not negative: 2 and 2.0.
std::optional<int64_t> whole_number_of(const json::Value& value);

class Run {
public:
    Run(const LanguageOptions& options, const Definition& definition, Execution& execution,
        const Input& input, Probe* probe = nullptr);

    /// Does what the input asks for. Called once.
    Decision decide();

private:
    friend class ScopeEnvironment;
    struct Step {
        ScopeId scope = 0;
        int state = kEnd;
        Payload input;
    };

    Timestamp now() const { return input_.now; }
    /// For a test of the state: a value on its way through it.
    void see(std::string_view name, const json::Value& value) {
        if (probe_ != nullptr) probe_->see(name, value);
    }
    bool is_mocked() const { return probe_ != nullptr && probe_->test.is_mocked(); }
    /// A Map or Parallel without its children.
    void run_mocked(Scope& scope);

    // run.cc: events and the walk
    /// Numbers, folds and keeps the event. Returns its id; 0 if hidden or the execution has closed.
    uint64_t emit(Event event);
    Event event_in(const Scope& scope, EventType type) const;
    void close(EventType type, Failure failure, uint64_t previous);
    void drop_open_tasks();
    void walk();
    /// Whether this decision has done its part; what is left is then deferred.
    bool is_spent() const;
    /// From here on the expressions of another state are evaluated.
    void begin_work();
    void defer_steps();
    void defer_children(const Scope& scope, Payload input);
    /// When a deferred scope goes on: later than this decision, or it would never end.
    Timestamp soon() const { return now() + Duration(1); }
    void step(const Step& step);
    void go(const Scope& scope, int state, Payload input);
    void go_later(const Scope& scope, int state, Payload input);

    // input.cc: what came in
    void start();
    void stop();
    void task_started();
    void task_completed();
    void task_answered();
    void child_ended();
    void stop_orphan();
    void task_heartbeat();
    void timers();
    void due_scopes();
    void timer(Scope& scope);
    void begin_deferred_children(Scope& scope);
    void timed_out(Scope& scope);
    Scope* scope_of(TaskId task);

    // redrive.cc
    void redrive();

    // pass.cc, choice.cc, wait.cc, finish.cc
    void run_state(Scope& scope);
    void run_pass(Scope& scope, const PassState& pass);
    void run_choice(Scope& scope, const ChoiceState& choice);
    void run_wait(Scope& scope, const WaitState& wait);
    void run_succeed(Scope& scope);
    void run_fail(Scope& scope, const FailState& fail);
    void choose_by_condition(Scope& scope, const ChoiceState& choice, const json::Value& data);
    Outcome<Timestamp> wait_until(Scope& scope, const WaitState& wait, const json::Value& data);
    Outcome<int64_t> seconds_by(const Formula& formula, const json::Value& data,
                                Environment& environment);
    Outcome<Timestamp> timestamp_by(const Formula& formula, const json::Value& data,
                                    Environment& environment);
    Outcome<int64_t> seconds_from(const Path& path, const json::Value& data,
                                  Environment& environment);
    Outcome<Timestamp> timestamp_from(const Path& path, const json::Value& data,
                                      Environment& environment);
    Outcome<std::optional<std::string>> text_of(const TextField& field, const json::Value& data,
                                                Environment& environment);

    // task.cc
    void run_task(Scope& scope, const TaskState& task);
    void answer_task(Scope& scope, const TaskResult& result);
    void mark_started(Scope& scope);
    void take_queued(Scope& scope);
    void submit_task(Scope& scope, const TaskState& task, const json::Value& answer,
                     const ExecutionId& child);
    void abandon(const OpenTask& task);
    void settle_task(Scope& scope, const TaskState& task, Outcome<json::Value> answer);
    std::optional<Outcome<json::Value>> mock_of(const Scope& scope);
    void submit_mocked(Scope& scope, const TaskState& task, const json::Value& answer);
    const json::Value& attributes();
    Event task_event(const Scope& scope, EventType type) const;

    // parallel.cc, map.cc
    void run_parallel(Scope& scope, const ParallelState& parallel);
    Outcome<Payload> branch_input(Scope& scope);
    void begin_deferred_branches(Scope& scope, const ParallelState& parallel);
    void branch_finished(Scope& parent);
    void run_map(Scope& scope, const MapState& map);
    Outcome<std::shared_ptr<MapCache>> map_cache(Scope& scope, const MapState& map);
    Outcome<std::shared_ptr<MapCache>> items_of(Scope& scope, const MapState& map, uint64_t seed,
                                                Timestamp began);
    Outcome<int64_t> concurrency_of(Scope& scope, const MapState& map);
    Outcome<std::optional<int64_t>> whole_of(const NumberField& field, std::string_view name,
                                             const json::Value& data, Environment& environment);
    /// Starts iterations until as many run as may; they follow `previous`.
    void start_iterations(Scope& scope, const MapState& map, uint64_t previous);
    bool start_iteration(Scope& scope, const MapState& map, uint64_t previous);
    void begin_deferred_iterations(Scope& scope, const MapState& map);
    Outcome<Payload> iteration_input(Scope& scope, const MapState& map, uint32_t index);
    Outcome<json::Value> item_input(Scope& scope, const MapState& map, const MapCache& cache,
                                    uint32_t index);
    void run_mocked_map(Scope& scope, const MapState& map, const MapCache& cache);
    void iteration_finished(Scope& parent, uint32_t index, uint64_t last);
    void finish_children(Scope& scope);

    // distributed.cc: a Map in distributed mode, whose items a map run works on
    void run_distributed(Scope& scope, const MapState& map);
    void redrive_map_run(Scope& scope);
    void map_run_ended(Scope& scope, const ExecutionSummary& run);
    Outcome<json::Value> map_run_facts(Scope& scope, const MapState& map, const MapCache& cache);
    Outcome<json::Value> place_of(const ItemPlace& place, const json::Value& data,
                                  Environment& environment);
    Outcome<void> add_batching(json::Value& facts, const DistributedMap& map,
                               const json::Value& data, Environment& environment);
    Outcome<std::optional<double>> percentage_of(const PercentageField& field,
                                                 const json::Value& data, Environment& environment);
    json::Value variables_of(const Scope& scope) const;
    /// In a test of the state; false: it has failed.
    bool read_test_items(Scope& scope, const MapState& map, MapCache& cache);
    bool tolerates_mocked(Scope& scope, const DistributedMap& map, const MapCache& cache);

    // error.cc: Retry and Catch
    /// The state of `scope` failed: retried, caught, or on to the scope around it.
    void fail(Scope& scope, Failure failure);
    /// The same; what follows has `previous` as its previous id.
    void fail_after(Scope& scope, Failure failure, uint64_t previous);
    /// With the place in front of the cause, if it is the interpreter's own, and cut to the API's
    /// limits.
    Failure with_place(const Scope& scope, Failure failure) const;
    void propagate(Scope& scope, Failure failure);
    bool retry(Scope& scope, const Failure& failure, uint64_t previous);
    /// Output and assigned variables of a state that a catcher takes over.
    Outcome<std::pair<Payload, Payload>> caught(Scope& scope, const Catcher& catcher,
                                                const Failure& failure);
    /// Records that an expression failed; returns what the next event follows.
    uint64_t evaluation_failed(Scope& scope, const Failure& failure, uint64_t previous);
    bool catch_failure(Scope& scope, const Failure& failure, uint64_t previous);
    /// Ends what still runs under `scope`; `failed` is the branch that began it.
    void abort_children(Scope& scope, std::optional<ScopeId> failed);
    void abort_scope(Scope& scope);
    void run_again(Scope& scope);

    // data_flow.cc
    json::Value parse(const Payload& payload);
    /// The payload that is recorded for `value`; States.DataLimitExceeded, of `what`, where it has
    /// more bytes than the limit or is nested deeper than what would be parsed again.
    Outcome<Payload> print(const json::Value& value, std::string_view what);
    Outcome<Payload> print_within(const json::Value& value, size_t limit, std::string_view what);
    /// The state's input after InputPath.
    Outcome<json::Value> effective_input(Scope& scope);
    Outcome<json::Value> with_parameters(Scope& scope, json::Value data);
    Outcome<json::Value> select(const PathField& field, json::Value data, Environment& environment);
    /// ResultSelector, ResultPath, OutputPath, Assign; then on to the next state.
    void finish(Scope& scope, json::Value result);
    /// OutputPath and Assign only: for states whose output is their input.
    void finish_with(Scope& scope, json::Value output, const std::optional<Template>& assign,
                     int next, const json::Value& assign_data);
    void leave(Scope& scope, Payload output, Payload assigned, int next);
    Outcome<json::Value> put_result(const ResultPathField& field, Scope& scope, json::Value result);
    Outcome<Payload> assign(const Scope& scope, const std::optional<Template>& assign,
                            const json::Value& data);
    /// The payload that records `values` as variables, null where there are none;
    /// States.DataLimitExceeded where they are too large, alone or with what the execution holds.
    Outcome<Payload> assigned(const Scope& scope, const json::Value& values);
    /// The state's Output (else `otherwise`) and Assign, in JSONata; then on to the next state.
    void leave_by(Scope& scope, const JsonataExit& exit, int next, const StatesData& data,
                  const json::Value& otherwise);
    Outcome<std::pair<Payload, Payload>> exit_values(Scope& scope, const JsonataExit& exit,
                                                     const StatesData& data,
                                                     const json::Value& otherwise);
    Failure too_large(std::string_view what) const;

    // context.cc
    json::Value context_of(const Scope& scope, bool with_execution_input);
    const json::Value* variable_of(const Scope& scope, std::string_view name) const;
    std::optional<json::Value> map_item_of(const Scope& scope);

    const StateDefinition& definition_of(const Scope& scope) const {
        return definition_.state(scope.state);
    }

    const LanguageOptions& options_;
    const Definition& definition_;
    Execution& execution_;
    const Input& input_;
    SplitMix64 random_;
    Probe* const probe_;  // of a test of one state, else null
    Decision decision_;
    std::deque<Step> steps_;
    json::Budget budget_{kStateWork};  // left to the expressions of the state that runs
    size_t work_ = 0;                  // spent by those before it in this decision
    size_t bytes_ = 0;                 // of payloads emitted by this decision
    uint64_t nonce_ = 0;               // of the task whose parameters are made, if it has a token
    std::optional<json::Value> attributes_, execution_input_;  // parsed when first asked for
    // The value last parsed or printed: what one state puts out, the next takes in.
    Payload cached_payload_;
    json::Value cached_value_;
};

/// The Environment of one scope of a decision.
class ScopeEnvironment final : public Environment {
public:
    ScopeEnvironment(Run& run, const Scope& scope) : run_(run), scope_(scope) {}
    json::Value context(bool with_execution_input) override {
        return run_.context_of(scope_, with_execution_input);
    }
    const json::Value* variable(std::string_view name) override {
        return run_.variable_of(scope_, name);
    }
    Timestamp now() const override { return run_.now(); }
    SplitMix64& random() override { return run_.random_; }
    json::Budget& budget() override { return run_.budget_; }

private:
    Run& run_;
    const Scope& scope_;
};

}  // namespace tandem::asl
