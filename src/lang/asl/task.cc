#include <charconv>

#include "lang/asl/integration/integration.h"
#include "lang/asl/mock.h"
#include "lang/asl/run.h"

namespace tandem::asl {

namespace {

std::string hex_of(uint64_t number) {
    char text[16];
    return {text, std::to_chars(text, text + sizeof text, number, 16).ptr};
}

}  // namespace

Event Run::task_event(const Scope& scope, EventType type) const {
    const TaskState& task = std::get<TaskState>(definition_of(scope).body);
    Event event;
    event.type = type;
    event.scope = scope.id;
    event.previous_id = scope.previous;
    event.kind = StateKind::kTask;
    event.family = task.integration->family();
    event.resource = task.action;
    event.resource_type = task.service;
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
    // Who is to answer later needs a token, which the parameters may hold.
    nonce_ = task.pattern == Pattern::kRequestResponse ? 0 : random_.next() | 1;
    data = with_parameters(scope, std::move(*data));
    const uint64_t nonce = std::exchange(nonce_, 0);
    if (!data) return fail(scope, data.error());
    const auto parameters = print(*data, task.integration->limit_name(task));
    if (!parameters) return fail(scope, parameters.error());
    auto mock = mock_of(scope);
    Outcome<Call> call = Call();
    if (!mock) {
        const std::string refusal = task.integration->refusal(task, *parameters);
        if (!refusal.empty()) return fail(scope, unusable(*parameters, refusal));
        call = task.integration->call(task, *parameters);
    }
    if (!call) return fail(scope, call.error());
    const bool is_missing = !mock && task.pattern == Pattern::kActivity && input_.callables &&
                            !input_.callables->has(call->target);
    if (is_missing)
        return fail(scope, {std::string(kRuntime),
                            "The activity " + task.resource + " does not exist.", true});

    Event event = task_event(scope, EventType::kTaskScheduled);
    if (task.integration->family() == TaskFamily::kTask) event.region = options_.region;
    event.input = *parameters;
    event.timeout_s = *timeout;
    event.heartbeat_s = *heartbeat;
    if (nonce != 0) event.detail = Payload(hex_of(nonce));
    if (emit(std::move(event)) == 0) return;
    if (mock) {
        mark_started(scope);
        if (execution_.is_open() && *mock) submit_mocked(scope, task, **mock);
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
    action.owns_child = waits_for_child(task.pattern);
    decision_.actions.push_back(std::move(action));
}

/// The answer that the execution's attributes give in place of the task's next one.
std::optional<Outcome<json::Value>> Run::mock_of(const Scope& scope) {
    if (is_mocked()) return probe_->mocked();
    if (!execution_.is_mocked()) return std::nullopt;
    return mocked_answer(attributes(), definition_of(scope).name, execution_.calls_of(scope.state));
}

/// The call of a task whose result comes later is answered, too: nobody mocks that, so alike.
void Run::submit_mocked(Scope& scope, const TaskState& task, const json::Value& answer) {
    const bool is_submitted =
        task.pattern != Pattern::kRequestResponse && task.pattern != Pattern::kActivity;
    const auto output = print(answer, task.integration->limit_name(task));
    if (is_mocked() || !is_submitted || !output) return;
    Event event = task_event(scope, EventType::kTaskSubmitted);
    event.output = *output;
    emit(std::move(event));
}

/// A task's answer, or the end of its time, may come before the news that a worker took it.
void Run::mark_started(Scope& scope) {
    if (scope.task->is_started || scope.task->stage == TaskStage::kQueued) return;
    emit(task_event(scope, EventType::kTaskStarted));
}

/// A worker has polled for the task.
void Run::take_queued(Scope& scope) {
    Event event = task_event(scope, EventType::kTaskStarted);
    event.detail = input_.data;
    emit(std::move(event));
}

void Run::answer_task(Scope& scope, const TaskResult& result) {
    if (scope.task->stage != TaskStage::kCalled && scope.task->stage != TaskStage::kQueued) return;
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
    const bool has_begun = answer && task.pattern != Pattern::kRequestResponse;
    if (has_begun) return submit_task(scope, task, *answer, result.execution);
    settle_task(scope, task, std::move(answer));
}

/// The call was answered, but the task's result comes later.
void Run::submit_task(Scope& scope, const TaskState& task, const json::Value& answer,
                      const ExecutionId& child) {
    auto output = print(answer, task.integration->limit_name(task));
    if (!output) return settle_task(scope, task, tl::unexpected(output.error()));
    const bool watches = waits_for_child(task.pattern);
    Event event = task_event(scope, EventType::kTaskSubmitted);
    event.output = *output;
    if (watches) event.detail = Payload(child.str());
    if (emit(std::move(event)) == 0 || scope.task->stage != TaskStage::kWatches) return;
    Action action;
    action.type = ActionType::kWatch;
    action.task = scope.task->id;
    action.child = child;
    decision_.actions.push_back(std::move(action));
}

/// Somebody has answered the task by its token.
void Run::task_answered() {
    begin_work();
    Scope* scope = scope_of(input_.task);
    if (scope == nullptr) return;
    mark_started(*scope);
    if (!execution_.is_open()) return;
    const TaskState& task = std::get<TaskState>(definition_of(*scope).body);
    settle_task(*scope, task, token_answer(input_.result));
}

/// The execution that the task began has ended.
void Run::child_ended() {
    begin_work();
    Scope* scope = scope_of(input_.task);
    if (scope == nullptr || scope->task->stage != TaskStage::kWatches) return;
    if (definition_of(*scope).kind == StateKind::kMap) return map_run_ended(*scope, *input_.child);
    const TaskState& task = std::get<TaskState>(definition_of(*scope).body);
    const ExecutionSummary& child = *input_.child;
    settle_task(*scope, task,
                task.service == kDurableTask ? orchestration_result(child)
                : task.service == kSlurm || task.service == kBatch
                    ? job_result(child, task.service)
                    : child_result(child, task.pattern));
}

/// Stops what the call began, if the task has come to its end meanwhile and does not wait for it.
void Run::stop_orphan() {
    const Scope* scope = scope_of(input_.task);
    const bool is_awaited = scope != nullptr && scope->task->stage == TaskStage::kWatches;
    if (!input_.owns_child || is_awaited || input_.result.execution.empty()) return;
    Action action;
    action.type = ActionType::kStop;
    action.task = input_.task;
    action.child = input_.result.execution;
    decision_.actions.push_back(std::move(action));
}

/// Nobody wants the task's answer any more.
void Run::abandon(const OpenTask& task) {
    const auto is_its = [&](const Action& action) { return action.task == task.id; };
    const bool has_left = std::erase_if(decision_.actions, is_its) == 0;
    Action action;
    action.task = task.id;
    action.child = task.child;
    switch (task.stage) {
        case TaskStage::kCalled:
        case TaskStage::kQueued:
            if (!has_left) return;
            action.type = ActionType::kCancelTask;
            break;
        case TaskStage::kWatches: action.type = ActionType::kStop; break;
        case TaskStage::kAwaited: return;
    }
    decision_.actions.push_back(std::move(action));
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
