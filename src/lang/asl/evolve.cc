#include <algorithm>
#include <charconv>

#include "base/check.h"
#include "lang/asl/execution.h"
#include "lang/asl/mock.h"

namespace tandem::asl {

namespace {

constexpr int64_t kLongestSeconds = 100'000'000'000;  // 3,000 years: as good as never

// More than any configuration allows a payload: results beyond it can only fail and are not kept.
constexpr size_t kResultBytes = 64 * 1024 * 1024;

void add_result(Children& children, uint32_t index, const Payload& result) {
    children.finished += 1;
    children.result_bytes += result.size();
    if (children.result_bytes <= kResultBytes) children.results[index] = result;
    else std::fill(children.results.begin(), children.results.end(), Payload());
}

Timestamp after(Timestamp from, int64_t seconds) {
    return seconds > kLongestSeconds ? kNever : from + std::chrono::seconds(seconds);
}

}  // namespace

/// One event on its way into the execution.
class Fold {
public:
    Fold(const Definition& definition, Execution& execution, const Event& event)
        : definition_(definition), execution_(execution), event_(event) {}

    void run();

private:
    void fold_execution();
    void redrive();
    void set_deadline();
    void reopen(Scope& scope);
    void fold_scope(Scope& scope);
    void fold_iteration(Scope& scope);
    void end_activity(Scope& scope);

    void start_execution();
    void enter(Scope& scope);
    void leave(Scope& scope);
    void start_children(Scope& scope);
    void start_map_run(Scope& scope);
    void schedule(Scope& scope);
    void start_task(Scope& scope);
    void submit(Scope& scope);
    void set_stage(OpenTask& task, TaskStage stage);
    void set_retry(Scope& scope);
    void defer(Scope& scope);
    void heartbeat(Scope& scope);

    Scope& add_child(Scope& parent, uint32_t index, int machine);
    void set_phase(Scope& scope, Phase phase);
    void set_due(Scope& scope, Timestamp due);
    void drop_task(Scope& scope);
    void drop_children(Scope& scope);
    void drop_scope(ScopeId id);
    void follow(Scope& scope) { scope.previous = event_.id; }
    const StateDefinition& definition_of(const Scope& scope) const {
        return definition_.state(scope.state);
    }

    const Definition& definition_;
    Execution& execution_;
    const Event& event_;
};

void Fold::run() {
    CHECK(event_.seq == execution_.last_seq_ + 1);
    CHECK(event_.id == 0 || event_.id == execution_.last_id_ + 1);
    execution_.last_seq_ = event_.seq;
    if (event_.id != 0) execution_.last_id_ = event_.id;
    if (event_.type <= EventType::kExecutionRedriven) return fold_execution();
    Scope* scope = execution_.find(event_.scope);
    CHECK(scope != nullptr);
    fold_scope(*scope);
}

void Fold::fold_scope(Scope& scope) {
    switch (event_.type) {
        case EventType::kStateEntered: return enter(scope);
        case EventType::kStateExited: return leave(scope);
        case EventType::kStateStarted: return start_children(scope);
        case EventType::kStateSucceeded: return;  // StateExited has the same previous id
        case EventType::kStateFailed:
            // "If the state failed because of a States.DataLimitExceeded error, [it] is rerun,
            // including the branches that were successful": a redrive finds no children then.
            if (event_.error == kDataLimitExceeded) drop_children(scope);
            return end_activity(scope);
        case EventType::kStateAborted: return end_activity(scope);
        case EventType::kIterationStarted:
        case EventType::kIterationSucceeded:
        case EventType::kIterationFailed:
        case EventType::kIterationAborted: return fold_iteration(scope);
        case EventType::kTaskScheduled: return schedule(scope);
        case EventType::kTaskStarted: return start_task(scope);
        case EventType::kTaskSubmitted: return submit(scope);
        case EventType::kEvaluationFailed: return follow(scope);
        case EventType::kTaskScheduleFailed:
        case EventType::kTaskStartFailed:
        case EventType::kTaskSubmitFailed:
        case EventType::kTaskSucceeded:
        case EventType::kTaskFailed:
        case EventType::kTaskTimedOut: return end_activity(scope);
        case EventType::kWaitSet: set_phase(scope, Phase::kWait); return set_due(scope, event_.due);
        case EventType::kRetrySet: return set_retry(scope);
        case EventType::kTaskHeartbeat: return heartbeat(scope);
        case EventType::kTaskCancelled: return drop_task(scope);
        case EventType::kMapRunStarted:
        case EventType::kMapRunRedriven: return start_map_run(scope);
        case EventType::kMapRunSucceeded:
            // What leaves the state follows its start.
            drop_task(scope);
            drop_children(scope);
            return set_phase(scope, Phase::kEntered);
        case EventType::kMapRunFailed:
        case EventType::kMapRunAborted: return end_activity(scope);
        case EventType::kNote: return;
        case EventType::kDeferred: return defer(scope);
        case EventType::kExecutionStarted:
        case EventType::kExecutionSucceeded:
        case EventType::kExecutionFailed:
        case EventType::kExecutionAborted:
        case EventType::kExecutionTimedOut:
        case EventType::kExecutionRedriven:
        case EventType::kMessageReceived:
        case EventType::kTurnCompleted:
        case EventType::kHistoryEvent:
        case EventType::kTurnScheduled: break;
    }
    CHECK(false);  // not of a scope, or of a newer language than this one
}

/// What the scope did is over; what comes of it is another event. Its children stay: a redrive of
/// the execution goes on with those that have not succeeded.
void Fold::end_activity(Scope& scope) {
    drop_task(scope);
    set_phase(scope, Phase::kEntered);
    follow(scope);
}

void Fold::fold_execution() {
    if (event_.type == EventType::kExecutionStarted) return start_execution();
    if (event_.type == EventType::kExecutionRedriven) return redrive();
    // Scopes stay: whoever emitted this may still hold one. Nothing is owed to a closed execution.
    execution_.is_open_ = false;
    execution_.has_succeeded_ = event_.type == EventType::kExecutionSucceeded;
    execution_.tasks_.clear();
    execution_.stages_ = {};
    execution_.timers_.clear();
}

void Fold::start_execution() {
    execution_.input_ = event_.input;
    execution_.attributes_ = event_.detail;
    execution_.is_mocked_ = has_mocks(event_.detail);
    execution_.started_ = event_.time;
    set_deadline();
    // The first state follows nothing: ids 1 and 2 both have previousEventId 0.
    Scope& root = execution_.scopes_[0];
    root.since = event_.time;
}

void Fold::set_deadline() {
    execution_.deadline_ = after(event_.time, definition_.machines[0].timeout_s);
    execution_.has_no_timeout_ = definition_.machines[0].has_no_timeout;
}

void Fold::redrive() {
    execution_.is_open_ = true;
    execution_.redrives_ = event_.index;
    execution_.redriven_ = event_.time;
    set_deadline();
    for (auto& [id, scope] : execution_.scopes_) reopen(scope);
}

/// Makes the scope due at once, in the phase from which it goes on. Parents come before children.
/// What it does next follows its own last event: only by that does a reader know where it happens.
void Fold::reopen(Scope& scope) {
    scope.task.reset();
    scope.due = kNever;
    scope.retries = 0;
    scope.attempts.clear();
    scope.retried_error.clear();
    switch (scope.phase) {
        case Phase::kBetween:
            // Not begun, but its Parallel or Map was: that begins it.
            if (scope.id != 0) set_due(*execution_.find(scope.parent), event_.time);
            return;
        case Phase::kDeferred: return set_due(scope, event_.time);
        case Phase::kEntered:
        case Phase::kTask:
        case Phase::kWait:
        case Phase::kRetry:
        case Phase::kChildren: break;
        case Phase::kDone: return;
    }
    const bool has_scopes = scope.children && !scope.children->run;
    set_phase(scope, has_scopes ? Phase::kChildren : Phase::kRetry);
    const bool waits = scope.children && scope.children->started > scope.children->finished &&
                       scope.children->started == scope.children->count;
    if (!waits) set_due(scope, event_.time);
}

void Fold::enter(Scope& scope) {
    const auto it = definition_.by_name.find(event_.name);
    CHECK(it != definition_.by_name.end());
    scope.state = it->second;
    scope.entered_id = event_.id;
    scope.entered_previous = event_.previous_id;
    scope.entered = event_.time;
    scope.input = event_.input;
    scope.output = Payload();
    scope.retries = 0;
    scope.attempts.clear();
    scope.retried_error.clear();
    set_phase(scope, Phase::kEntered);
    follow(scope);
}

void Fold::leave(Scope& scope) {
    drop_task(scope);
    drop_children(scope);
    set_phase(scope, Phase::kBetween);
    scope.output = event_.output;
    scope.input = Payload();
    follow(scope);
    if (!event_.detail.is_null()) {
        const auto assigned = json::parse(event_.detail.view());
        CHECK(assigned && assigned->is_object());
        if (scope.variables.is_null()) scope.variables = json::Value::object();
        const auto& members = assigned->as_object();
        const size_t replaced = bytes_of_variables(scope.variables, members);
        for (const auto& [name, value] : members) scope.variables.set(name, value);
        const size_t added = bytes_of_variables(scope.variables, members);
        scope.variable_bytes += added - replaced;
        execution_.variable_bytes_ += added - replaced;
    }
    if (scope.id == 0 || event_.index == 0) return;
    // `index` of the exit is 1 where the scope's machine ends with this state.
    scope.phase = Phase::kDone;
    Scope& parent = *execution_.find(scope.parent);
    if (definition_of(parent).kind != StateKind::kParallel) return;
    add_result(*parent.children, scope.index, event_.output);
    follow(parent);
    drop_scope(scope.id);
}

void Fold::start_children(Scope& scope) {
    const StateDefinition& state = definition_of(scope);
    drop_children(scope);
    const auto* map = std::get_if<MapState>(&state.body);
    if (map && map->distributed) {
        set_phase(scope, Phase::kEntered);
        return follow(scope);
    }
    set_phase(scope, Phase::kChildren);
    follow(scope);
    scope.output = Payload();
    scope.children = std::make_unique<Children>();
    Children& children = *scope.children;
    const auto* parallel = std::get_if<ParallelState>(&state.body);
    children.count = parallel ? uint32_t(parallel->machines.size()) : uint32_t(event_.length);
    children.seed = event_.index;
    children.began = event_.time;
    children.base = execution_.next_scope_;
    execution_.next_scope_ += children.count;
    children.results.resize(children.count);
    if (!parallel) return;
    children.started = children.count;
    for (uint32_t i = 0; i < children.count; ++i) add_child(scope, i, parallel->machines[i]);
}

/// Nothing is owed but that the run is there; its end will be told.
void Fold::start_map_run(Scope& scope) {
    set_phase(scope, Phase::kTask);
    follow(scope);
    if (event_.type == EventType::kMapRunStarted) {
        scope.children = std::make_unique<Children>();
        scope.children->run = std::make_unique<MapRunRef>();
        scope.map_run()->id = ExecutionId(event_.detail.str());
        scope.map_run()->arn = event_.resource;
        scope.map_run()->facts = event_.input;
    } else {
        scope.map_run()->redrives = event_.index;
    }
    scope.task = std::make_unique<OpenTask>();
    scope.task->id = event_.seq;
    scope.task->is_started = true;
    scope.task->stage = TaskStage::kWatches;
    scope.task->child = scope.map_run()->id;
    ++execution_.stages_[size_t(TaskStage::kWatches)];
    execution_.tasks_[scope.task->id] = scope.id;
}

Scope& Fold::add_child(Scope& parent, uint32_t index, int machine) {
    const ScopeId id = parent.children->base + index;
    Scope& child = execution_.scopes_[id];
    child.id = id;
    child.parent = parent.id;
    child.index = index;
    child.machine = machine;
    child.previous = event_.id;
    child.since = event_.time;
    return child;
}

void Fold::fold_iteration(Scope& scope) {
    CHECK(scope.children != nullptr);
    Children& children = *scope.children;
    const auto index = uint32_t(event_.index);
    const ScopeId child = children.base + index;
    if (event_.type == EventType::kIterationStarted) {
        CHECK(index == children.started && index < children.count);
        children.started += 1;
        add_child(scope, index, std::get<MapState>(definition_of(scope).body).machine);
        return;
    }
    if (event_.type == EventType::kIterationSucceeded) {
        const Scope* done = execution_.find(child);
        CHECK(done != nullptr);
        add_result(children, index, done->output);
        follow(scope);
    }
    if (event_.type == EventType::kIterationFailed) {
        // What follows the failure follows the iteration's own last event.
        scope.previous = event_.previous_id;
    }
    if (event_.type == EventType::kIterationSucceeded) drop_scope(child);
}

void Fold::schedule(Scope& scope) {
    set_phase(scope, Phase::kTask);
    follow(scope);
    if (execution_.is_mocked_) ++execution_.calls_[scope.state];
    scope.task = std::make_unique<OpenTask>();
    OpenTask& task = *scope.task;
    task.id = event_.seq;
    task.parameters = event_.input;
    const bool is_activity = event_.family == TaskFamily::kActivity;
    if (event_.timeout_s) task.timeout = after(event_.time, *event_.timeout_s);
    if (event_.heartbeat_s) {
        task.heartbeat_s = *event_.heartbeat_s;
        // A worker owes no sign of life before it has taken the task.
        if (!is_activity) task.heartbeat = after(event_.time, task.heartbeat_s);
    }
    if (!event_.detail.is_null()) {
        const std::string_view nonce = event_.detail.view();
        std::from_chars(nonce.data(), nonce.data() + nonce.size(), task.nonce, 16);
    }
    task.stage = is_activity ? TaskStage::kQueued : TaskStage::kCalled;
    ++execution_.stages_[size_t(task.stage)];
    execution_.tasks_[task.id] = scope.id;
    set_due(scope, std::min(task.timeout, task.heartbeat));
}

void Fold::start_task(Scope& scope) {
    follow(scope);
    if (!scope.task) return;
    scope.task->is_started = true;
    if (event_.family != TaskFamily::kActivity) return;
    set_stage(*scope.task, TaskStage::kAwaited);
    heartbeat(scope);
}

/// The call was answered; the task's result is still to come.
void Fold::submit(Scope& scope) {
    follow(scope);
    if (!scope.task) return;
    scope.task->child = ExecutionId(event_.detail.str());
    set_stage(*scope.task, scope.task->child.empty() ? TaskStage::kAwaited : TaskStage::kWatches);
}

void Fold::set_stage(OpenTask& task, TaskStage stage) {
    --execution_.stages_[size_t(task.stage)];
    task.stage = stage;
    ++execution_.stages_[size_t(stage)];
}

void Fold::set_retry(Scope& scope) {
    drop_children(scope);  // a retry begins another map run too
    set_phase(scope, Phase::kRetry);
    set_due(scope, event_.due);
    scope.previous = event_.previous_id;
    scope.attempts.resize(std::max(scope.attempts.size(), size_t(event_.index) + 1));
    scope.attempts[event_.index] = uint32_t(event_.length);
    scope.retries += 1;
    scope.retried_error = event_.error.value_or("");
}

/// Of a Parallel or Map, its branches or iterations that have not begun; else the next state.
void Fold::defer(Scope& scope) {
    const Timestamp due = event_.due == Timestamp() ? kNever : event_.due;
    if (scope.phase == Phase::kChildren) {
        if (!event_.input.is_null()) scope.output = event_.input;
        return set_due(scope, due);
    }
    const auto it = definition_.by_name.find(event_.name);
    CHECK(it != definition_.by_name.end());
    set_phase(scope, Phase::kDeferred);
    scope.state = it->second;
    scope.input = event_.input.is_null() ? scope.output : event_.input;
    set_due(scope, due);
}

void Fold::heartbeat(Scope& scope) {
    if (!scope.task || scope.task->heartbeat_s == 0) return;
    scope.task->heartbeat = after(event_.time, scope.task->heartbeat_s);
    set_due(scope, std::min(scope.task->timeout, scope.task->heartbeat));
}

void Fold::set_phase(Scope& scope, Phase phase) {
    set_due(scope, kNever);
    scope.phase = phase;
    scope.since = event_.time;
}

void Fold::set_due(Scope& scope, Timestamp due) {
    if (scope.due != kNever) execution_.timers_.erase({scope.due, scope.id});
    scope.due = due;
    if (due != kNever) execution_.timers_.insert({due, scope.id});
}

void Fold::drop_task(Scope& scope) {
    if (!scope.task) return;
    set_due(scope, kNever);
    // A closed execution has forgotten its tasks.
    if (execution_.tasks_.erase(scope.task->id) != 0)
        --execution_.stages_[size_t(scope.task->stage)];
    scope.task.reset();
}

void Fold::drop_children(Scope& scope) {
    if (!scope.children) return;
    const ScopeId begin = scope.children->base;
    const ScopeId end = begin + scope.children->count;
    // Collected first: dropping a child may drop others further on in the map.
    std::vector<ScopeId> live;
    for (auto it = execution_.scopes_.lower_bound(begin);
         it != execution_.scopes_.end() && it->first < end; ++it) {
        live.push_back(it->first);
    }
    for (const ScopeId id : live) drop_scope(id);
    scope.children.reset();
}

void Fold::drop_scope(ScopeId id) {
    const auto it = execution_.scopes_.find(id);
    if (it == execution_.scopes_.end()) return;
    drop_task(it->second);
    set_due(it->second, kNever);
    drop_children(it->second);
    execution_.variable_bytes_ -= it->second.variable_bytes;
    execution_.scopes_.erase(it);
}

void evolve(const Definition& definition, Execution& execution, const Event& event) {
    Fold(definition, execution, event).run();
}

}  // namespace tandem::asl
