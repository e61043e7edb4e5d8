// The answer of a batch: it counts as a whole. One that makes no sense fails the operations, and
// leaves the state as it was.
#include "lang/durable/decider.h"
#include "lang/durable/entities/decider.h"
#include "lang/durable/entities/limits.h"
#include "lang/durable/outbox.h"
#include "lang/durable/wire.h"
#include "model/task_hub.h"

namespace tandem::durable {

namespace {

/// What went wrong with all of it; none: the answer counts.
std::optional<TaskFailureDetails> failure_of_batch(const TaskResult& result, size_t operations,
                                                   EntityBatchResult& answer) {
    constexpr const char* kBadAnswer = "InvalidWorkerResponse";
    if (result.outcome != TaskOutcome::kSucceeded) {
        const std::string error =
            result.error.empty() ? std::string(to_string(result.outcome)) : result.error;
        return failure_of(error,
                          result.cause.empty() ? "the entity could not be run" : result.cause);
    }
    if (!parse_answer(result.payload.view(), &answer))
        return failure_of(kBadAnswer, "the answer of the entity's worker is malformed");
    if (answer.has_failuredetails()) return answer.failuredetails();
    const auto results = size_t(answer.results_size());
    if (results == 0 || results > operations)
        return failure_of(kBadAnswer, "the answer of the entity's worker has " +
                                          std::to_string(results) + " results of " +
                                          std::to_string(operations) + " operations");
    if (size_t(answer.actions_size()) > kBatchActions)
        return failure_of(kBadAnswer, "the answer of the entity's worker has too many actions");
    return std::nullopt;
}

}  // namespace

void EntityDecider::answer() {
    EntityBatchResult answer;
    const auto failure = failure_of_batch(input_.result, e_.batch.size(), answer);
    Event e = event_of(EventType::kTurnCompleted);
    if (failure) {
        OperationResult failed;
        *failed.mutable_failure()->mutable_failuredetails() = *failure;
        for (const EntityWork& work : e_.batch) answer_call(work, failed);
        e.index = e_.batch.size();
        e.ref = kKeepsState;
        return emit(std::move(e));
    }
    for (int i = 0; i < answer.results_size(); ++i)
        answer_call(e_.batch[size_t(i)], answer.results(i));
    for (const OperationAction& action : answer.actions()) apply(action);
    e.index = uint64_t(answer.results_size());
    const Payload state = value_of(answer.has_entitystate(), answer.entitystate());
    if (state == e_.state) e.ref = kKeepsState;
    else e.output = state;
    emit(std::move(e));
}

/// A signal has nobody to answer.
void EntityDecider::answer_call(const EntityWork& work, const OperationResult& result) {
    if (work.owner.empty()) return;
    HistoryEvent asked;
    asked.ParseFromString(work.bytes);
    Message message;
    message.set_execution_id(work.owner_generation);
    HistoryEvent& event = *message.mutable_event();
    event = history_event();
    const std::string& request = asked.entityoperationcalled().requestid();
    if (result.has_failure()) {
        event.mutable_entityoperationfailed()->set_requestid(request);
        *event.mutable_entityoperationfailed()->mutable_failuredetails() =
            result.failure().failuredetails();
    } else {
        event.mutable_entityoperationcompleted()->set_requestid(request);
        if (result.success().has_result())
            *event.mutable_entityoperationcompleted()->mutable_output() = result.success().result();
    }
    if (auto action = tell_orchestration(e_.hub(), work.owner, message)) send(*std::move(action));
}

/// What is for nobody, because there can be no such id, is dropped.
void EntityDecider::apply(const OperationAction& action) {
    if (action.has_sendsignal()) {
        const SendSignalAction& asked = action.sendsignal();
        Message message;
        *message.mutable_event() = history_event();
        auto& signal = *message.mutable_event()->mutable_entityoperationsignaled();
        // From the entity's generation, its batch and the action: the same if it is sent again.
        signal.set_requestid(e_.start.execution_id() + ":" + std::to_string(e_.task) + ":" +
                             std::to_string(out_.actions.size()));
        signal.set_operation(asked.name());
        if (asked.has_scheduledtime()) *signal.mutable_scheduledtime() = asked.scheduledtime();
        if (asked.has_input()) *signal.mutable_input() = asked.input();
        const std::string target = entity_instance(asked.instanceid());
        signal.mutable_targetinstanceid()->set_value(target);
        if (is_entity_id(e_.hub(), target)) send(tell_entity(e_.hub(), target, message));
    } else if (action.has_startneworchestration()) {
        const StartNewOrchestrationAction& asked = action.startneworchestration();
        Start start;
        start.set_hub(e_.hub());
        CreateInstanceRequest& request = *start.mutable_request();
        request.set_instanceid(asked.instanceid());
        if (asked.instanceid().empty())
            request.set_instanceid(e_.start.execution_id() + ":" + std::to_string(e_.task) + ":" +
                                   std::to_string(out_.actions.size()));
        request.set_name(asked.name());
        if (asked.has_version()) *request.mutable_version() = asked.version();
        if (asked.has_scheduledtime())
            *request.mutable_scheduledstarttimestamp() = asked.scheduledtime();
        if (asked.has_parenttracecontext())
            *request.mutable_parenttracecontext() = asked.parenttracecontext();
        if (bad_orchestration_id(e_.hub(), request.instanceid())) return;
        send(begin_orchestration(start, value_of(asked.has_input(), asked.input())));
    }
}

}  // namespace tandem::durable
