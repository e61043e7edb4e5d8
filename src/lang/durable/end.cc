// How executions end: because the orchestrator says so, or by the server itself, which needs no
// worker for it.
#include "lang/durable/decider.h"
#include "lang/durable/wire.h"

namespace tandem::durable {

std::string shortened(const std::string& text, size_t bytes) {
    if (text.size() <= bytes) return text;
    while (bytes > 0 && (text[bytes] & 0xc0) == 0x80) --bytes;
    return text.substr(0, bytes);
}

/// The last events of a turn: the turn itself has been recorded.
void Decider::end(const Ending& ending) {
    HistoryEvent event = history_event();
    ExecutionCompletedEvent& completed = *event.mutable_executioncompleted();
    completed.set_orchestrationstatus(ending.status);
    if (!ending.result.is_null()) completed.mutable_result()->set_value(ending.result.str());
    if (ending.failure) *completed.mutable_failuredetails() = *ending.failure;
    add_history(std::move(event), ending.event_id);
    release_locks();
    tell_parent(ending);
    const bool succeeded = ending.status == ORCHESTRATION_STATUS_COMPLETED;
    const bool failed = ending.status == ORCHESTRATION_STATUS_FAILED;
    Event e = event_of(succeeded ? EventType::kExecutionSucceeded
                       : failed  ? EventType::kExecutionFailed
                                 : EventType::kExecutionAborted);
    e.index = ending.status;
    e.output = ending.result;
    if (ending.failure) {
        e.detail = encode_payload(*ending.failure);
        e.error = shortened(ending.failure->errortype(), kErrorChars);
        e.cause = shortened(ending.failure->errormessage(), kCauseChars);
    } else if (failed) {
        e.error = "Failed";
    } else if (!succeeded) {
        e.error = ending.status == ORCHESTRATION_STATUS_CANCELED ? "CANCELED" : "TERMINATED";
    }
    emit(std::move(e));
}

/// The execution of the parent's that began this one; a later one does not want to know.
void Decider::tell_parent(const Ending& ending) {
    if (o_.start.has_parent()) tell(o_.start.parent(), ending);
}

void Decider::tell(const ParentInstanceInfo& parent, const Ending& ending) {
    Message message;
    message.set_execution_id(parent.orchestrationinstance().executionid().value());
    HistoryEvent& event = *message.mutable_event();
    event = history_event();
    if (ending.status == ORCHESTRATION_STATUS_COMPLETED) {
        auto& completed = *event.mutable_suborchestrationinstancecompleted();
        completed.set_taskscheduledid(parent.taskscheduledid());
        if (!ending.result.is_null()) completed.mutable_result()->set_value(ending.result.str());
    } else {
        auto& failed = *event.mutable_suborchestrationinstancefailed();
        failed.set_taskscheduledid(parent.taskscheduledid());
        TaskFailureDetails& failure = *failed.mutable_failuredetails();
        if (ending.failure) {
            failure = *ending.failure;
        } else if (ending.status == ORCHESTRATION_STATUS_FAILED) {
            failure = failure_of("OrchestrationFailed",
                                 "the orchestration '" + o_.instance() + "' failed");
        } else {
            std::string text = "the orchestration '" + o_.instance() + "' was terminated";
            if (!ending.result.is_null()) text += ": " + ending.result.str();
            failure = failure_of("OrchestrationTerminated", std::move(text));
        }
    }
    send(parent.orchestrationinstance().instanceid(), message);
}

/// A turn that no worker takes: the history is whole all the same.
void Decider::end_now(Ending ending) {
    cancel_tasks();
    Event e = event_of(EventType::kTurnCompleted);
    e.index = o_.inbox.size();
    e.output = o_.custom_status;
    e.detail = o_.trace;
    emit(std::move(e));
    end(ending);
}

void Decider::fail_now(std::string type, std::string message) {
    Ending ending;
    ending.status = ORCHESTRATION_STATUS_FAILED;
    ending.failure = failure_of(std::move(type), std::move(message));
    end_now(std::move(ending));
}

void Decider::terminate(const HistoryEvent& event) {
    const ExecutionTerminatedEvent& terminated = event.executionterminated();
    Ending ending;
    ending.status = ORCHESTRATION_STATUS_TERMINATED;
    ending.result = value_of(terminated.has_input(), terminated.input());
    if (terminated.recurse()) {
        for (const auto& child : o_.children) {
            Message message;
            *message.mutable_event() = event;
            send(child.second, message);
        }
    }
    Event e = event_of(EventType::kMessageReceived);
    e.index = uint64_t(event.eventType_case());
    e.detail = encode_payload(event);
    emit(std::move(e));
    end_now(std::move(ending));
}

/// By whoever stops executions of all languages: with it end those that it has begun.
void Decider::stop() {
    HistoryEvent event = history_event();
    event.mutable_executionterminated()->set_recurse(true);
    if (input_.cause)
        event.mutable_executionterminated()->mutable_input()->set_value(*input_.cause);
    terminate(event);
}

}  // namespace tandem::durable
