#include "exec/orchestrations/orchestration_functions.h"

#include "base/encoding.h"
#include "base/stable_uuid.h"
#include "json/value.h"
#include "model/orchestration_function.h"

namespace tandem {

namespace {

Payload timeout_document(const std::string& request_id, int timeout_s, Timestamp now) {
    return Payload(json::print(json::Value::object(
        {{"errorType", "Sandbox.Timedout"},
         {"errorMessage", format_iso8601(now) + " " + request_id + " Task timed out after " +
                              std::to_string(timeout_s) + ".00 seconds"}})));
}

ServiceCall call_of(const Task& task, const FunctionSpec& spec) {
    ServiceCall call;
    call.key = task.key;
    call.service = "durable-task";
    call.action = "runOrchestration";
    // Of a call that is made again after a crash the id is the same; of one that nobody makes
    // again it is the request's, by which the caller finds it.
    const bool is_direct = task.key == task.request_id;
    call.parameters = Payload(json::print(
        json::Value::object({{"Name", spec.handler},
                             {"TaskHub", task_hub_of(spec)},
                             {"InstanceId", is_direct ? task.key : stable_uuid(task.key)},
                             {"TimeoutMs", int64_t(spec.timeout_s) * 1000}})));
    call.context = task.payload;
    return call;
}

}  // namespace

Result<void> OrchestrationFunctions::admit(const Callable& callable) {
    if (!is_orchestration(callable)) return processes_.admit(callable);
    const auto spec = decode_function_spec(callable.definition.view());
    if (!spec) return fail(ErrorCode::kInvalidArgument, spec.error().message);
    if (spec->handler.empty())
        return fail(ErrorCode::kInvalidArgument, "Handler names no orchestrator.");
    if (!is_task_hub_name(task_hub_of(*spec))) {
        return fail(ErrorCode::kInvalidArgument, std::string(kTaskHubVariable) +
                                                     " has to be of letters, digits, '-', '_' and "
                                                     "'.', at most " +
                                                     std::to_string(kTaskHubChars) + ".");
    }
    return {};
}

void OrchestrationFunctions::activate(std::shared_ptr<const Callable> callable) {
    if (is_orchestration(*callable)) return processes_.retire(callable->name);
    processes_.activate(std::move(callable));
}

void OrchestrationFunctions::run(Task task, TaskCallbacks callbacks) {
    if (!is_orchestration(*task.callable))
        return processes_.run(std::move(task), std::move(callbacks));
    const auto spec = decode_function_spec(task.callable->definition.view());
    if (!spec) {
        TaskResult result;
        result.outcome = TaskOutcome::kRejected;
        result.error = "ServiceException";
        result.cause = spec.error().message;
        return callbacks.completed(std::move(result));
    }
    if (callbacks.started) callbacks.started();
    services_.call(call_of(task, *spec),
                   [this, completed = std::move(callbacks.completed), id = task.request_id,
                    timeout_s = spec->timeout_s](TaskResult result) {
                       result.request_id = id;
                       if (result.outcome == TaskOutcome::kTimedOut)
                           result.payload = timeout_document(id, timeout_s, clock_.now());
                       completed(std::move(result));
                   });
}

void OrchestrationFunctions::cancel(std::string_view key) {
    services_.cancel(key);
    processes_.cancel(key);
}

}  // namespace tandem
