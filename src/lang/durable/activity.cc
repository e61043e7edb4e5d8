// The answer of an activity. Whatever it is, its orchestration hears of it, once.
#include "base/encoding.h"
#include "json/value.h"
#include "lang/durable/decider.h"
#include "lang/durable/wire.h"

namespace tandem::durable {

namespace {

/// What a function said of its failure, as Lambda words it.
TaskFailureDetails failure_of_function(const TaskResult& result) {
    const auto said = json::parse(result.payload.view());
    const bool is_object = said && said->is_object();
    const std::string name =
        result.error.empty() ? std::string(to_string(result.outcome)) : result.error;
    TaskFailureDetails failure = failure_of(
        to_valid_utf8(is_object ? std::string(said->string_or("errorType", name)) : name),
        to_valid_utf8(is_object ? std::string(said->string_or("errorMessage", result.cause))
                                : result.cause));
    const json::Value* trace = is_object ? said->find("stackTrace") : nullptr;
    if (trace != nullptr) failure.mutable_stacktrace()->set_value(json::print(*trace));
    return failure;
}

/// Of a state machine that did not succeed: its error, where it gave one.
TaskFailureDetails failure_of_execution(const ExecutionSummary& child) {
    const std::string_view status = child.status == ExecutionStatus::kTimedOut  ? "TimedOut"
                                    : child.status == ExecutionStatus::kAborted ? "Aborted"
                                                                                : "Failed";
    const std::string type = "Execution" + std::string(status);
    return failure_of(child.error.value_or(type),
                      child.cause.value_or("the execution '" + child.name + "' ended " +
                                           std::string(to_string(child.status))));
}

}  // namespace

/// A function knows nothing of the contract, nor does a state machine: its result is the
/// activity's. Texts of the contract are valid UTF-8, whatever a process says.
void Decider::answer_function(int32_t id, HistoryEvent event) {
    const TaskResult& result = input_.result;
    if (result.outcome == TaskOutcome::kSucceeded) {
        event.mutable_taskcompleted()->set_taskscheduledid(id);
        event.mutable_taskcompleted()->mutable_result()->set_value(
            to_valid_utf8(result.payload.str()));
    } else {
        event.mutable_taskfailed()->set_taskscheduledid(id);
        *event.mutable_taskfailed()->mutable_failuredetails() = failure_of_function(result);
    }
    receive({{std::move(event), input_.task - o_.base, {}, {}}});
}

void Decider::answer_activity(const OpenActivity& activity) {
    const TaskResult& result = input_.result;
    const int32_t id = activity.id;
    if (!activity.child.empty()) return;  // its call has been answered
    HistoryEvent event = history_event();
    if (!activity.machine.empty() && result.outcome == TaskOutcome::kSucceeded &&
        !result.execution.empty())
        return watch_execution(activity);
    if (activity.is_function || !activity.machine.empty())
        return answer_function(id, std::move(event));
    const auto fail = [&](TaskFailureDetails failure) {
        event.mutable_taskfailed()->set_taskscheduledid(id);
        *event.mutable_taskfailed()->mutable_failuredetails() = std::move(failure);
    };
    ActivityResponse response;
    if (result.outcome != TaskOutcome::kSucceeded) {
        const std::string error =
            result.error.empty() ? std::string(to_string(result.outcome)) : result.error;
        fail(failure_of(error,
                        result.cause.empty() ? "the activity could not be run" : result.cause));
    } else if (!parse_answer(result.payload.view(), &response)) {
        fail(failure_of("InvalidWorkerResponse",
                        "the answer of the activity's worker is malformed"));
    } else if ((!response.instanceid().empty() && response.instanceid() != o_.instance()) ||
               response.taskid() != id) {
        fail(failure_of("InvalidWorkerResponse",
                        "the answer of the activity's worker is of task " +
                            std::to_string(response.taskid()) + " of instance '" +
                            shortened(response.instanceid(), kShownChars) + "'"));
    } else if (response.has_failuredetails()) {
        fail(std::move(*response.mutable_failuredetails()));
    } else {
        event.mutable_taskcompleted()->set_taskscheduledid(id);
        if (response.has_result())
            event.mutable_taskcompleted()->mutable_result()->Swap(response.mutable_result());
    }
    receive({{std::move(event), input_.task - o_.base, {}, {}}});
}

/// The execution has begun; its end is the activity's.
void Decider::watch_execution(const OpenActivity& activity) {
    Event e = event_of(EventType::kNote);
    e.name = kActivityBegun;
    e.ref = input_.task - o_.base;
    e.detail = Payload(input_.result.execution.str());
    emit(std::move(e));
    run_activity(input_.task);
}

void Decider::execution_ended() {
    const auto activity = o_.activities.find(input_.task);
    if (activity == o_.activities.end() || activity->second.child.empty()) return;
    HistoryEvent event = history_event();
    if (input_.child->status == ExecutionStatus::kSucceeded) {
        event.mutable_taskcompleted()->set_taskscheduledid(activity->second.id);
        event.mutable_taskcompleted()->mutable_result()->set_value(input_.child->output.str());
    } else {
        event.mutable_taskfailed()->set_taskscheduledid(activity->second.id);
        *event.mutable_taskfailed()->mutable_failuredetails() = failure_of_execution(*input_.child);
    }
    receive({{std::move(event), input_.task - o_.base}});
}

/// What the call began, when its activity is not waited for any more.
void Decider::stop_orphan() {
    if (!input_.owns_child || input_.result.execution.empty()) return;
    Action action;
    action.type = ActionType::kStop;
    action.task = input_.task;
    action.child = input_.result.execution;
    out_.actions.push_back(std::move(action));
}

/// Executions of state machines end with the orchestration that waits for them.
void Decider::stop_executions() {
    for (const auto& [task, activity] : o_.activities) {
        if (activity.child.empty()) continue;
        Action action;
        action.type = ActionType::kStop;
        action.task = task;
        action.child = activity.child;
        out_.actions.push_back(std::move(action));
    }
}

}  // namespace tandem::durable
