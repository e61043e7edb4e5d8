#include "lang/asl/integration/integration.h"
#include "lang/asl/run.h"

namespace tandem::asl {

Event Run::task_event(const Scope& scope, EventType type) const {
    const TaskState& task = std::get<TaskState>(definition_of(scope).body);
    Event event;
    event.type = type;
    event.scope = scope.id;
    event.previous_id = scope.previous;
    event.kind = StateKind::kTask;
    event.family = task.integration->family();
    event.resource = task.integration->resource(task);
    event.resource_type = task.integration->resource_type();
    if (scope.task) event.ref = scope.task->id;
    return event;
}

void Run::run_task(Scope& scope, const TaskState& task) {
    auto data = effective_input(scope);
    if (!data) return fail(scope, data.error());
    ScopeEnvironment environment(*this, scope);
    // The Path forms of the limits look at the input, not at the parameters made of it.
    const auto timeout = whole_of(task.timeout, "TimeoutSeconds", *data, environment);
    if (!timeout) return fail(scope, timeout.error());
    const auto heartbeat = whole_of(task.heartbeat, "HeartbeatSeconds", *data, environment);
    if (!heartbeat) return fail(scope, heartbeat.error());
    data = with_parameters(scope, std::move(*data));
    if (!data) return fail(scope, data.error());
    const Payload parameters(json::print(*data));
    if (is_too_large(parameters)) return fail(scope, too_large(task.integration->limit_name(task)));
    auto call = task.integration->call(task, parameters);
    if (!call) return fail(scope, call.error());

    Event event = task_event(scope, EventType::kTaskScheduled);
    if (task.integration->family() == TaskFamily::kTask) event.region = options_.region;
    event.input = parameters;
    event.timeout_s = *timeout;
    event.heartbeat_s = *heartbeat;
    if (emit(std::move(event)) == 0) return;
    Action action;
    action.type = ActionType::kRunTask;
    action.task = scope.task->id;
    action.target = std::move(call->target);
    action.payload = std::move(call->payload);
    action.client_context = std::move(call->client_context);
    decision_.actions.push_back(std::move(action));
}

/// A task's answer, or the end of its time, may come before the news that a worker took it.
void Run::mark_started(Scope& scope) {
    if (!scope.task->is_started) emit(task_event(scope, EventType::kTaskStarted));
}

void Run::answer_task(Scope& scope, const TaskResult& result) {
    mark_started(scope);
    if (!execution_.is_open()) return;
    const TaskState& task = std::get<TaskState>(definition_of(scope).body);
    AnswerContext context{options_, random_, now()};
    auto answer = task.integration->answer(task, scope.task->parameters, result, context);
    Payload output;
    if (answer) {
        output = print(*answer);
        if (is_too_large(output))
            answer = tl::unexpected(too_large(task.integration->limit_name(task)));
    }
    Event event = task_event(scope, answer ? EventType::kTaskSucceeded : EventType::kTaskFailed);
    if (answer) {
        event.output = std::move(output);
    } else {
        event.error = answer.error().error;
        event.cause = answer.error().cause;
    }
    if (emit(std::move(event)) == 0) return;
    if (!answer) return fail(scope, answer.error());
    finish(scope, std::move(*answer));
}

}  // namespace tandem::asl
