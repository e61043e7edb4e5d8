// The answer of a turn. It is checked as a whole before anything of it counts: an answer that makes
// no sense ends the instance, visibly, since asking again would most likely ask for ever.
#include <algorithm>

#include "lang/durable/callee.h"
#include "lang/durable/decider.h"
#include "lang/durable/language.h"
#include "lang/durable/outbox.h"
#include "lang/durable/wire.h"

namespace tandem::durable {

namespace {

constexpr const char* kBadAnswer = "InvalidWorkerResponse";

bool is_ending(OrchestrationStatus status) {
    return status == ORCHESTRATION_STATUS_COMPLETED || status == ORCHESTRATION_STATUS_FAILED ||
           status == ORCHESTRATION_STATUS_CANCELED || status == ORCHESTRATION_STATUS_TERMINATED ||
           status == ORCHESTRATION_STATUS_CONTINUED_AS_NEW;
}

bool takes_answer(const OrchestratorAction& action) {
    return action.has_scheduletask() || action.has_createtimer() ||
           action.has_createsuborchestration();
}

std::string child_id_of(const OrchestratorAction& action, const Orchestration& o) {
    const std::string& id = action.createsuborchestration().instanceid();
    return id.empty() ? derived_child_id(o.execution_id, action.id()) : id;
}

/// Why the action cannot be carried out; `ids` are those in use.
std::optional<std::string> objection(const OrchestratorAction& action, const Orchestration& o,
                                     const IdSet& ids) {
    if (action.orchestratorActionType_case() == OrchestratorAction::ORCHESTRATORACTIONTYPE_NOT_SET)
        return "it is of an unknown type";
    if (takes_answer(action) && ids.contains(action.id())) return "its id is in use";
    if (action.has_createtimer() && !action.createtimer().has_fireat())
        return "the timer has no time";
    if (action.has_createsuborchestration()) {
        return bad_orchestration_id(o.hub(), child_id_of(action, o));
    }
    if (action.has_completeorchestration() &&
        !is_ending(action.completeorchestration().orchestrationstatus()))
        return "an orchestration cannot end with status " +
               std::to_string(int(action.completeorchestration().orchestrationstatus()));
    if (action.has_rewindorchestration() && !o.is_rewinding()) return "nobody asked for a rewind";
    return std::nullopt;
}

/// Why the answer does not count.
std::optional<std::string> objection(const OrchestratorResponse& response, const Orchestration& o) {
    if (!response.instanceid().empty() && response.instanceid() != o.instance())
        return "it is of instance '" + shortened(response.instanceid(), kShownChars) + "'";
    if (response.has_numeventsprocessed()) {
        const int64_t processed = response.numeventsprocessed().value();
        if (processed < 0 || processed > int64_t(o.turn.events))
            return "it has processed " + std::to_string(processed) + " of " +
                   std::to_string(o.turn.events) + " events";
    }
    if (size_t(response.actions_size()) > kTurnActions) return "it has too many actions";
    IdSet ids = o.ids;
    std::set<std::string> calls = o.calls, sections;
    for (const auto& section : o.sections) sections.insert(section.first);
    int completions = 0;
    for (const OrchestratorAction& action : response.actions()) {
        auto why = objection(action, o, ids);
        if (!why && action.has_sendentitymessage())
            why = objection_to(action.sendentitymessage(), o.hub(), calls, sections);
        if (why) return "action " + std::to_string(action.id()) + " is refused: " + *why;
        if (takes_answer(action)) ids.insert(action.id());
        completions += action.has_completeorchestration();
        if (action.has_rewindorchestration() && response.actions_size() != 1)
            return "a rewind comes with other actions";
    }
    if (completions > 1) return "it completes the orchestration twice";
    return std::nullopt;
}

}  // namespace

void Decider::answer_turn() {
    const TaskResult& result = input_.result;
    if (result.outcome != TaskOutcome::kSucceeded) {
        const std::string error =
            result.error.empty() ? std::string(to_string(result.outcome)) : result.error;
        return fail_now(error,
                        result.cause.empty() ? "the orchestrator could not be run" : result.cause);
    }
    OrchestratorResponse response;
    if (!parse_answer(result.payload.view(), &response))
        return fail_now(kBadAnswer, "the answer of the orchestrator's worker is malformed");
    if (const auto why = objection(response, o_))
        return fail_now(kBadAnswer, "the answer of the orchestrator's worker is refused: " + *why);
    // None at all would be given the same events again for ever: a worker that says so means that
    // it does not count them.
    size_t consumed = o_.turn.events;
    if (response.has_numeventsprocessed() && response.numeventsprocessed().value() > 0)
        consumed = size_t(response.numeventsprocessed().value());
    if (response.actions_size() == 1 && response.actions(0).has_rewindorchestration())
        return install(response, consumed);
    apply(response, consumed);
}

void Decider::apply(const OrchestratorResponse& response, size_t consumed) {
    const OrchestratorAction* completion = nullptr;
    for (const OrchestratorAction& action : response.actions()) {
        if (action.has_completeorchestration()) completion = &action;
    }
    if (completion != nullptr && completion->completeorchestration().orchestrationstatus() ==
                                     ORCHESTRATION_STATUS_CONTINUED_AS_NEW)
        return continue_as_new(response, consumed);
    const size_t left = completion != nullptr ? 0 : o_.inbox.size() - consumed;
    end_turn(consumed, response, std::min(left, kTurnEvents));
    for (const OrchestratorAction& action : response.actions()) {
        if (!action.has_completeorchestration()) apply(action);
    }
    if (completion == nullptr) return run_turn();
    const CompleteOrchestrationAction& completed = completion->completeorchestration();
    Ending ending;
    ending.status = completed.orchestrationstatus();
    ending.result = value_of(completed.has_result(), completed.result());
    if (completed.has_failuredetails()) ending.failure = completed.failuredetails();
    ending.event_id = completion->id();
    stop_executions();
    end(ending);
}

void Decider::end_turn(size_t consumed, const OrchestratorResponse& response, uint64_t next,
                       Payload history) {
    Event e = event_of(EventType::kTurnCompleted);
    e.index = consumed;
    e.length = next;
    e.output = value_of(response.has_customstatus(), response.customstatus());
    if (response.has_orchestrationtracecontext())
        e.detail = encode_payload(response.orchestrationtracecontext());
    e.input = std::move(history);
    emit(std::move(e));
}

void Decider::apply(const OrchestratorAction& action) {
    const int32_t id = action.id();
    if (action.has_scheduletask()) add(action.scheduletask(), id);
    else if (action.has_createsuborchestration()) add(action.createsuborchestration(), id);
    else if (action.has_createtimer()) add(action.createtimer(), id);
    else if (action.has_sendevent()) add(action.sendevent(), id);
    else if (action.has_terminateorchestration()) add(action.terminateorchestration());
    else if (action.has_sendentitymessage()) add(action.sendentitymessage(), id);
}

void Decider::add_history(HistoryEvent event, int32_t id, Timestamp due, std::string name,
                          std::string_view resource) {
    event.set_eventid(id);
    Event e = event_of(EventType::kHistoryEvent);
    e.index = uint64_t(event.eventType_case());
    e.ref = uint32_t(id);
    e.due = due;
    e.name = std::move(name);
    e.resource = resource;
    e.detail = encode_payload(event);
    emit(std::move(e));
}

void Decider::add(const ScheduleTaskAction& action, int32_t id) {
    HistoryEvent event = history_event();
    TaskScheduledEvent& scheduled = *event.mutable_taskscheduled();
    scheduled.set_name(action.name());
    if (action.has_version()) *scheduled.mutable_version() = action.version();
    if (action.has_input()) *scheduled.mutable_input() = action.input();
    if (action.has_parenttracecontext())
        *scheduled.mutable_parenttracecontext() = action.parenttracecontext();
    *scheduled.mutable_tags() = action.tags();
    add_history(std::move(event), id, {}, {},
                resource_of(action.name(), input_.callables, options_));
    run_activity(o_.task_of(o_.seq));
}

void Decider::add(const CreateSubOrchestrationAction& action, int32_t id) {
    HistoryEvent event = history_event();
    auto& created = *event.mutable_suborchestrationinstancecreated();
    created.set_instanceid(action.instanceid().empty() ? derived_child_id(o_.execution_id, id)
                                                       : action.instanceid());
    created.set_name(action.name());
    if (action.has_version()) *created.mutable_version() = action.version();
    if (action.has_input()) *created.mutable_input() = action.input();
    if (action.has_parenttracecontext())
        *created.mutable_parenttracecontext() = action.parenttracecontext();
    *created.mutable_tags() = action.tags();
    begin_child(created, id, nullptr);
    std::string child = created.instanceid();
    add_history(std::move(event), id, {}, std::move(child));
}

/// One that is there already says so itself. `rewound`: it goes on, if it has failed.
void Decider::begin_child(const SubOrchestrationInstanceCreatedEvent& created, int32_t id,
                          const HistoryEvent* rewound) {
    if (bad_instance_id(o_.hub(), created.instanceid())) return;
    Start start;
    start.set_hub(o_.hub());
    CreateInstanceRequest& request = *start.mutable_request();
    request.set_instanceid(created.instanceid());
    request.set_name(created.name());
    if (created.has_version()) *request.mutable_version() = created.version();
    if (created.has_parenttracecontext())
        *request.mutable_parenttracecontext() = created.parenttracecontext();
    *request.mutable_tags() = created.tags();
    ParentInstanceInfo& parent = *start.mutable_parent();
    parent.set_taskscheduledid(id);
    parent.mutable_name()->set_value(o_.start.request().name());
    if (o_.start.request().has_version()) *parent.mutable_version() = o_.start.request().version();
    parent.mutable_orchestrationinstance()->set_instanceid(o_.instance());
    parent.mutable_orchestrationinstance()->mutable_executionid()->set_value(o_.execution_id);
    if (rewound != nullptr) *start.mutable_rewound() = *rewound;
    out_.actions.push_back(
        begin_orchestration(start, value_of(created.has_input(), created.input())));
}

void Decider::add(const CreateTimerAction& action, int32_t id) {
    HistoryEvent event = history_event();
    *event.mutable_timercreated()->mutable_fireat() = action.fireat();
    add_history(std::move(event), id, from_proto(action.fireat()));
}

/// Whoever is not there does not hear of it.
void Decider::add(const SendEventAction& action, int32_t id) {
    Message message;
    *message.mutable_event() = history_event();
    EventRaisedEvent& raised = *message.mutable_event()->mutable_eventraised();
    raised.set_name(action.name());
    if (action.has_data()) *raised.mutable_input() = action.data();
    send(action.instance().instanceid(), message);
    HistoryEvent event = history_event();
    EventSentEvent& sent = *event.mutable_eventsent();
    sent.set_instanceid(action.instance().instanceid());
    sent.set_name(action.name());
    if (action.has_data()) *sent.mutable_input() = action.data();
    add_history(std::move(event), id);
}

void Decider::add(const TerminateOrchestrationAction& action) {
    Message message;
    *message.mutable_event() = history_event();
    ExecutionTerminatedEvent& terminated = *message.mutable_event()->mutable_executionterminated();
    if (action.has_reason()) *terminated.mutable_input() = action.reason();
    terminated.set_recurse(action.recurse());
    send(action.instanceid(), message);
}

}  // namespace tandem::durable
