#include "lang/asl/integration/integration.h"
#include "lang/asl/mock.h"
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
    event.resource_type = task.integration->resource_type_of(task);
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
    const auto parameters = print(*data, task.integration->limit_name(task));
    if (!parameters) return fail(scope, parameters.error());
    auto mock = mock_of(scope);
    Outcome<Call> call = Call();
    if (!mock) call = task.integration->call(task, *parameters);
    if (!call) return fail(scope, call.error());

    Event event = task_event(scope, EventType::kTaskScheduled);
    if (task.integration->family() == TaskFamily::kTask) event.region = options_.region;
    event.input = *parameters;
    event.timeout_s = *timeout;
    event.heartbeat_s = *heartbeat;
    if (emit(std::move(event)) == 0) return;
    if (mock) {
        mark_started(scope);
        if (execution_.is_open()) settle_task(scope, task, *std::move(mock));
        return;
    }
    Action action;
    action.type = ActionType::kRunTask;
    action.task = scope.task->id;
    action.target = std::move(call->target);
    action.payload = std::move(call->payload);
    action.client_context = std::move(call->client_context);
    action.want_log_tail = call->want_log_tail;
    decision_.actions.push_back(std::move(action));
}

/// The answer that the execution's attributes give in place of the task's next one.
std::optional<Outcome<json::Value>> Run::mock_of(const Scope& scope) {
    if (is_mocked()) return probe_->mocked();
    if (!execution_.is_mocked()) return std::nullopt;
    return mocked_answer(attributes(), definition_of(scope).name, execution_.calls_of(scope.state));
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
    const std::string_view name = task.integration->limit_name(task);
    Outcome<json::Value> answer = tl::unexpected(too_large(name));
    // What is too large as text need not be parsed to find out.
    const bool has_failed = result.outcome != TaskOutcome::kSucceeded;
    if (has_failed || result.payload.size() <= options_.payload_bytes) {
        answer = task.integration->answer(task, scope.task->parameters, result, context);
    }
    settle_task(scope, task, std::move(answer));
}

/// What a task came to, by its own answer or by one in its place.
void Run::settle_task(Scope& scope, const TaskState& task, Outcome<json::Value> answer) {
    Outcome<Payload> output = answer ? print(*answer, task.integration->limit_name(task))
                                     : Outcome<Payload>(tl::unexpected(answer.error()));
    Event event = task_event(scope, output ? EventType::kTaskSucceeded : EventType::kTaskFailed);
    if (output) {
        event.output = *output;
    } else {
        event.error = output.error().error;
        event.cause = output.error().cause;
    }
    if (emit(std::move(event)) == 0) return;
    if (!output) return fail(scope, output.error());
    see("result", *answer);
    finish(scope, std::move(*answer));
}

}  // namespace tandem::asl
