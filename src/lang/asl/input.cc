// What an input makes of an execution: the ways into a decision.
#include "lang/asl/run.h"

namespace tandem::asl {

Decision Run::decide() {
    if (input_.type == InputType::kRedrive) {
        redrive();
        walk();
    } else if (execution_.is_open()) {
        switch (input_.type) {
            case InputType::kStart: start(); break;
            case InputType::kStop: stop(); break;
            case InputType::kTaskStarted: task_started(); break;
            case InputType::kTaskCompleted: task_completed(); break;
            case InputType::kTaskHeartbeat: task_heartbeat(); break;
            case InputType::kTimer: timers(); break;
            case InputType::kRedrive:
            case InputType::kSignal:
            case InputType::kMessage: break;
            case InputType::kTaskAnswered: task_answered(); break;
            case InputType::kChildEnded: child_ended(); break;
        }
        walk();
    }
    return std::move(decision_);
}

void Run::start() {
    if (execution_.last_seq() != 0) return;  // a repeated start
    Event event;
    event.type = EventType::kExecutionStarted;
    event.input = input_.data.is_null() ? Payload("{}") : input_.data;
    event.detail = input_.attributes;
    emit(std::move(event));
    // Doors let only JSON in; what is not must not stop a shard.
    if (auto value = json::parse(execution_.input().view())) {
        cached_payload_ = execution_.input();
        cached_value_ = std::move(*value);
        const int first = probe_ != nullptr ? probe_->start : definition_.machines[0].start;
        return go(*execution_.find(0), first, execution_.input());
    }
    close(EventType::kExecutionFailed, {std::string(kRuntime), "The input is not valid JSON."}, 0);
}

void Run::stop() {
    // Like a time-out, it follows nothing: previousEventId 0.
    close(EventType::kExecutionAborted, {input_.error, input_.cause}, 0);
}

Scope* Run::scope_of(TaskId task) {
    const auto it = execution_.tasks().find(task);
    return it == execution_.tasks().end() ? nullptr : execution_.find(it->second);
}

void Run::task_started() {
    Scope* scope = scope_of(input_.task);
    if (scope == nullptr) return;
    if (scope->task->stage == TaskStage::kQueued) take_queued(*scope);
    else mark_started(*scope);
}

void Run::task_completed() {
    begin_work();
    Scope* scope = scope_of(input_.task);
    if (scope != nullptr) answer_task(*scope, input_.result);
    stop_orphan();
}

void Run::task_heartbeat() {
    Scope* scope = scope_of(input_.task);
    if (scope == nullptr || scope->task->heartbeat_s == 0) return;
    Event event = event_in(*scope, EventType::kTaskHeartbeat);
    event.ref = input_.task;
    emit(std::move(event));
}

void Run::timers() {
    if (execution_.deadline() <= input_.now) {
        return close(EventType::kExecutionTimedOut, {std::string(kTimeout), std::nullopt}, 0);
    }
    due_scopes();
}

void Run::due_scopes() {
    // Only those that are due now: a timer that this decision sets waits for the next input.
    std::vector<std::pair<Timestamp, ScopeId>> due;
    for (const auto& timer : execution_.timers()) {
        if (timer.first > input_.now) break;
        due.push_back(timer);
    }
    for (const auto& [at, id] : due) {
        Scope* scope = execution_.find(id);
        if (scope == nullptr || scope->due != at || !execution_.is_open()) continue;
        if (is_spent()) return;  // what is still due is due in the next decision
        timer(*scope);
        walk();
    }
}

void Run::timer(Scope& scope) {
    begin_work();
    switch (scope.phase) {
        case Phase::kWait: {
            auto data = effective_input(scope);
            if (!data) return fail(scope, data.error());
            const StateDefinition& state = definition_of(scope);
            return finish_with(scope, *data, state.assign, state.next, *data);
        }
        case Phase::kRetry: return run_again(scope);
        case Phase::kTask: return timed_out(scope);
        case Phase::kDeferred: return go(scope, scope.state, scope.input);
        case Phase::kChildren: return begin_deferred_children(scope);
        case Phase::kBetween:
        case Phase::kEntered:
        case Phase::kDone: return;
    }
}

void Run::begin_deferred_children(Scope& scope) {
    emit(event_in(scope, EventType::kDeferred));  // not due any more
    const StateDefinition& state = definition_of(scope);
    if (scope.children->finished == scope.children->count) return finish_children(scope);
    if (const auto* parallel = std::get_if<ParallelState>(&state.body))
        return begin_deferred_branches(scope, *parallel);
    begin_deferred_iterations(scope, std::get<MapState>(state.body));
}

void Run::timed_out(Scope& scope) {
    const bool is_heartbeat = scope.task->heartbeat < scope.task->timeout;
    mark_started(scope);
    const OpenTask given_up = *scope.task;
    Event event = task_event(scope, EventType::kTaskTimedOut);
    event.error = std::string(kTimeout);  // for a missed heartbeat too, and without a cause
    emit(std::move(event));
    abandon(given_up);
    fail(scope, {std::string(kTimeout), std::nullopt, false, is_heartbeat});
}

}  // namespace tandem::asl
