#include "model/callable.h"
#include "model/event.h"
#include "model/execution.h"
#include "model/task.h"

namespace tandem {

std::string_view to_string(EventType type) {
    switch (type) {
        case EventType::kExecutionStarted: return "ExecutionStarted";
        case EventType::kExecutionSucceeded: return "ExecutionSucceeded";
        case EventType::kExecutionFailed: return "ExecutionFailed";
        case EventType::kExecutionAborted: return "ExecutionAborted";
        case EventType::kExecutionTimedOut: return "ExecutionTimedOut";
        case EventType::kExecutionRedriven: return "ExecutionRedriven";
        case EventType::kStateEntered: return "StateEntered";
        case EventType::kStateExited: return "StateExited";
        case EventType::kStateStarted: return "StateStarted";
        case EventType::kStateSucceeded: return "StateSucceeded";
        case EventType::kStateFailed: return "StateFailed";
        case EventType::kStateAborted: return "StateAborted";
        case EventType::kIterationStarted: return "IterationStarted";
        case EventType::kIterationSucceeded: return "IterationSucceeded";
        case EventType::kIterationFailed: return "IterationFailed";
        case EventType::kIterationAborted: return "IterationAborted";
        case EventType::kTaskScheduled: return "TaskScheduled";
        case EventType::kTaskScheduleFailed: return "TaskScheduleFailed";
        case EventType::kTaskStarted: return "TaskStarted";
        case EventType::kTaskStartFailed: return "TaskStartFailed";
        case EventType::kTaskSubmitted: return "TaskSubmitted";
        case EventType::kTaskSubmitFailed: return "TaskSubmitFailed";
        case EventType::kTaskSucceeded: return "TaskSucceeded";
        case EventType::kTaskFailed: return "TaskFailed";
        case EventType::kTaskTimedOut: return "TaskTimedOut";
        case EventType::kEvaluationFailed: return "EvaluationFailed";
        case EventType::kMapRunStarted: return "MapRunStarted";
        case EventType::kMapRunSucceeded: return "MapRunSucceeded";
        case EventType::kMapRunFailed: return "MapRunFailed";
        case EventType::kMapRunAborted: return "MapRunAborted";
        case EventType::kMapRunRedriven: return "MapRunRedriven";
        case EventType::kWaitSet: return "WaitSet";
        case EventType::kRetrySet: return "RetrySet";
        case EventType::kTaskHeartbeat: return "TaskHeartbeat";
        case EventType::kTaskCancelled: return "TaskCancelled";
        case EventType::kNote: return "Note";
        case EventType::kDeferred: return "Deferred";
        case EventType::kMessageReceived: return "MessageReceived";
        case EventType::kTurnCompleted: return "TurnCompleted";
        case EventType::kHistoryEvent: return "HistoryEvent";
        case EventType::kTurnScheduled: return "TurnScheduled";
    }
    return "Unknown";
}

std::string_view to_string(StateKind kind) {
    switch (kind) {
        case StateKind::kNone: return "None";
        case StateKind::kPass: return "Pass";
        case StateKind::kTask: return "Task";
        case StateKind::kChoice: return "Choice";
        case StateKind::kWait: return "Wait";
        case StateKind::kSucceed: return "Succeed";
        case StateKind::kFail: return "Fail";
        case StateKind::kParallel: return "Parallel";
        case StateKind::kMap: return "Map";
    }
    return "Unknown";
}

std::string_view to_string(CallableKind kind) {
    switch (kind) {
        case CallableKind::kFunction: return "function";
        case CallableKind::kWorkflow: return "workflow";
        case CallableKind::kActivity: return "activity";
        case CallableKind::kService: return "service";
        case CallableKind::kTaskHub: return "taskhub";
        case CallableKind::kJob: return "job";
    }
    return "unknown";
}

std::string_view to_string(ExecutionStatus status) {
    switch (status) {
        case ExecutionStatus::kRunning: return "RUNNING";
        case ExecutionStatus::kSucceeded: return "SUCCEEDED";
        case ExecutionStatus::kFailed: return "FAILED";
        case ExecutionStatus::kTimedOut: return "TIMED_OUT";
        case ExecutionStatus::kAborted: return "ABORTED";
    }
    return "UNKNOWN";
}

std::string_view to_string(TaskOutcome outcome) {
    switch (outcome) {
        case TaskOutcome::kSucceeded: return "succeeded";
        case TaskOutcome::kFailed: return "failed";
        case TaskOutcome::kTimedOut: return "timed_out";
        case TaskOutcome::kLost: return "lost";
        case TaskOutcome::kNotFound: return "not_found";
        case TaskOutcome::kThrottled: return "throttled";
        case TaskOutcome::kRejected: return "rejected";
    }
    return "unknown";
}

}  // namespace tandem
