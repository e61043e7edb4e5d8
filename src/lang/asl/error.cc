// Retry and Catch: what happens after a state failed, and how a failure leaves a branch.
#include <cmath>

#include "base/limits.h"
#include "lang/asl/run.h"

namespace tandem::asl {

namespace {

/// States.Runtime cannot be handled at all, States.DataLimitExceeded only by its own name.
bool matches(const std::vector<std::string>& names, const Failure& failure) {
    const std::string_view error =
        failure.error ? std::string_view(*failure.error) : std::string_view();
    if (error == kRuntime) return false;
    for (const std::string& name : names) {
        if (name == error && failure.error) return true;
        if (failure.heartbeat && name == kHeartbeatTimeout) return true;
        if (error == kDataLimitExceeded) continue;
        if (name == kAll) return true;
        // "acts as a wildcard that matches any known error name except for States.Timeout"
        if (name == kTaskFailed && error != kTimeout) return true;
    }
    return false;
}

Timestamp retry_time(const Retrier& retrier, uint32_t attempts, Timestamp now, SplitMix64& random) {
    const double longest =
        double(std::clamp<int64_t>(retrier.max_delay_s.value_or(INT32_MAX), 0, INT32_MAX));
    double seconds = double(retrier.interval_s) * std::pow(retrier.backoff_rate, double(attempts));
    if (!(seconds <= longest)) seconds = longest;  // also where the power is infinite
    if (retrier.full_jitter) seconds *= random.next_double();
    return now + Duration(int64_t(seconds * 1e6));
}

/// Cuts a text to the API's limit, not within a character.
void clip(std::optional<std::string>& text, size_t limit) {
    if (!text || text->size() <= limit) return;
    while (limit > 0 && (static_cast<unsigned char>((*text)[limit]) & 0xC0) == 0x80) --limit;
    text->resize(limit);
}

bool handles_errors(StateKind kind) {
    return kind == StateKind::kTask || kind == StateKind::kParallel || kind == StateKind::kMap;
}

}  // namespace

void Run::fail(Scope& scope, Failure failure) {
    const uint64_t previous = scope.previous;
    if (scope.children) abort_children(scope, std::nullopt);
    fail_after(scope, std::move(failure), previous);
}

void Run::fail_after(Scope& scope, Failure failure, uint64_t previous) {
    const StateDefinition& state = definition_of(scope);
    const bool is_runtime = failure.error == kRuntime;
    const bool is_own = failure.in_state;
    failure = with_place(scope, std::move(failure));
    if (std::exchange(failure.is_evaluation, false))
        previous = evaluation_failed(scope, failure, previous);
    if (!execution_.is_open()) return;
    if (probe_ != nullptr) probe_->failure = failure;
    if (handles_errors(state.kind)) {
        if (retry(scope, failure, previous)) return;
        if (catch_failure(scope, failure, previous)) return;
    }
    const bool has_failed_event =
        state.kind == StateKind::kParallel || state.kind == StateKind::kMap;
    // An error of its own that nothing may handle ends the execution without MapStateFailed.
    if (has_failed_event && !(is_runtime && is_own)) {
        Event event = event_in(scope, EventType::kStateFailed);
        event.previous_id = previous;
        event.error = failure.error;
        event.cause = failure.cause;
        emit(std::move(event));
    }
    propagate(scope, std::move(failure));
}

Failure Run::with_place(const Scope& scope, Failure failure) const {
    if (failure.in_state) {
        failure.cause = "An error occurred while executing the state '" +
                        definition_of(scope).name + "' (entered at the event id #" +
                        std::to_string(scope.entered_id) + "). " + failure.cause.value_or("");
        failure.in_state = false;
    }
    clip(failure.error, kErrorChars);
    clip(failure.cause, kCauseChars);
    return failure;
}

void Run::propagate(Scope& scope, Failure failure) {
    const uint64_t previous = scope.previous;
    if (scope.id == 0) return close(EventType::kExecutionFailed, std::move(failure), previous);
    Scope& parent = *execution_.find(scope.parent);
    const ScopeId failed = scope.id;
    if (definition_of(parent).kind == StateKind::kMap) {
        Event event = event_in(parent, EventType::kIterationFailed);
        event.previous_id = previous;
        event.index = scope.index;
        emit(std::move(event));
    }
    abort_children(parent, failed);
    if (execution_.is_open()) fail_after(parent, std::move(failure), previous);
}

bool Run::retry(Scope& scope, const Failure& failure, uint64_t previous) {
    const StateDefinition& state = definition_of(scope);
    for (size_t i = 0; i < state.retriers.size(); ++i) {
        const Retrier& retrier = state.retriers[i];
        if (!matches(retrier.errors, failure)) continue;
        uint32_t attempts = i < scope.attempts.size() ? scope.attempts[i] : 0;
        if (probe_ != nullptr) attempts = probe_->test.retries;
        if (attempts >= retrier.max_attempts) return false;
        Event event = event_in(scope, EventType::kRetrySet);
        event.previous_id = previous;
        event.due = retry_time(retrier, attempts, now(), random_);
        event.index = i;
        event.length = attempts + 1;
        event.error = failure.error;
        emit(std::move(event));
        return true;
    }
    return false;
}

Outcome<std::pair<Payload, Payload>> Run::caught(Scope& scope, const Catcher& catcher,
                                                 const Failure& failure) {
    const StateDefinition& state = definition_of(scope);
    const json::Value result = json::Value::object(
        {{"Error", failure.error.value_or("")}, {"Cause", failure.cause.value_or("")}});
    if (state.is_jsonata) {
        const json::Value input = parse(scope.input);
        return exit_values(scope, catcher.exit, {&input, nullptr, &result}, result);
    }
    auto output = put_result(catcher.result_path, scope, result);
    if (!output) return tl::unexpected(output.error());
    auto payload = print(*output, state.name);
    if (!payload) return tl::unexpected(payload.error());
    auto assigned = assign(scope, catcher.assign, result);
    if (!assigned) return tl::unexpected(assigned.error());
    return std::pair(std::move(*payload), std::move(*assigned));
}

uint64_t Run::evaluation_failed(Scope& scope, const Failure& failure, uint64_t previous) {
    Event event = event_in(scope, EventType::kEvaluationFailed);
    // It follows what the state's entry follows, unless the state has done something since.
    event.previous_id = previous == scope.entered_id ? scope.entered_previous : previous;
    event.error = failure.error;
    event.cause = failure.cause;
    event.resource = failure.location;
    return emit(std::move(event));
}

bool Run::catch_failure(Scope& scope, const Failure& failure, uint64_t previous) {
    const StateDefinition& state = definition_of(scope);
    for (const Catcher& catcher : state.catchers) {
        if (!matches(catcher.errors, failure)) continue;
        auto values = caught(scope, catcher, failure);
        if (!values) {
            // The catcher itself cannot be carried out: nothing is left to handle that.
            const Failure broken = with_place(scope, values.error());
            if (broken.is_evaluation) evaluation_failed(scope, broken, previous);
            propagate(scope, broken);
            return true;
        }
        if (state.kind != StateKind::kTask) {
            Event event = event_in(scope, EventType::kStateFailed);
            event.previous_id = previous;
            event.error = failure.error;
            event.cause = failure.cause;
            emit(std::move(event));
        }
        if (probe_ != nullptr) probe_->caught_by = size_t(&catcher - state.catchers.data());
        leave(scope, std::move(values->first), std::move(values->second), catcher.next);
        return true;
    }
    return false;
}

void Run::abort_children(Scope& scope, std::optional<ScopeId> failed) {
    if (!scope.children) return;
    const bool is_map = definition_of(scope).kind == StateKind::kMap;
    const ScopeId base = scope.children->base;
    for (uint32_t i = 0; i < scope.children->count && execution_.is_open(); ++i) {
        Scope* child = execution_.find(base + i);
        if (child == nullptr) continue;
        // The task state that failed a branch is itself recorded as aborted.
        const bool is_failed = failed == child->id;
        if (is_failed && (is_map || definition_of(*child).kind != StateKind::kTask)) continue;
        abort_scope(*child);
        if (!is_map) continue;
        Event event = event_in(scope, EventType::kIterationAborted);
        event.previous_id = child->previous;
        event.index = i;
        emit(std::move(event));
    }
}

void Run::abort_scope(Scope& scope) {
    const bool is_between = scope.phase == Phase::kBetween || scope.phase == Phase::kDeferred;
    if (is_between || scope.phase == Phase::kDone || scope.state == kEnd) return;
    abort_children(scope, std::nullopt);
    if (scope.task) {
        const OpenTask given_up = *scope.task;
        Event event = event_in(
            scope, scope.map_run() ? EventType::kMapRunAborted : EventType::kTaskCancelled);
        event.ref = given_up.id;
        emit(std::move(event));
        abandon(given_up);
    }
    const StateKind kind = definition_of(scope).kind;
    if (handles_errors(kind) || kind == StateKind::kWait)
        emit(event_in(scope, EventType::kStateAborted));
}

void Run::run_again(Scope& scope) {
    // The state is not entered again; its Scheduled or Started event is repeated.
    run_state(scope);
}

}  // namespace tandem::asl
