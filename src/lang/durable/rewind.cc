// Rewind: an orchestration that failed goes on from before its failures. The worker is asked to
// rewrite the history; what in the new one has no answer is asked for again.
#include "lang/durable/callee.h"
#include "lang/durable/decider.h"
#include "lang/durable/reading.h"
#include "lang/durable/wire.h"

namespace tandem::durable {

using google::protobuf::StringValue;

/// The worker's next turn is this request and nothing else.
void Decider::rewind(HistoryEvent event, std::string token) {
    if (o_.is_open() || o_.status != ORCHESTRATION_STATUS_FAILED) return;
    Event redriven = event_of(EventType::kExecutionRedriven);
    redriven.index = o_.rewinds + 1;
    redriven.name = std::move(token);
    emit(std::move(redriven));
    ExecutionRewoundEvent rewound = event.executionrewound();
    event = history_event();
    *event.mutable_executionrewound() = std::move(rewound);
    receive({{std::move(event), 0, {}, {}}});
}

/// The parent was rewound and waits for this execution still: under another execution id, and its
/// end may have come to nobody.
void Decider::rewind_again(const HistoryEvent& event) {
    if (o_.status == ORCHESTRATION_STATUS_FAILED) return rewind(event, {});
    if (!o_.start.has_parent()) return;
    const StringValue& execution = event.executionrewound().parentexecutionid();
    if (!o_.is_open()) {
        ParentInstanceInfo parent = o_.start.parent();
        *parent.mutable_orchestrationinstance()->mutable_executionid() = execution;
        Ending ending;
        ending.status = o_.status;
        ending.result = o_.output;
        if (!o_.failure.is_null()) ending.failure.emplace().ParseFromString(o_.failure.str());
        return tell(parent, ending);
    }
    Event e = event_of(EventType::kNote);
    e.name = kParentRewound;
    e.detail = Payload(execution.value());
    emit(std::move(e));
}

void Decider::install(const OrchestratorResponse& response, size_t consumed) {
    std::string history;
    for (const HistoryEvent& event : response.actions(0).rewindorchestration().newhistory())
        append_event(history, EventField::kPastEvents, encode(event));
    const Reading reading = read_history(history);
    if (!reading.is_whole)
        return fail_now("InvalidWorkerResponse", "the history of the rewind begins no execution");
    HistoryEvent rewound;
    for (size_t i = 0; i < consumed; ++i) {
        if (o_.inbox[i].kind == HistoryEvent::kExecutionRewound)
            rewound.ParseFromString(o_.inbox[i].bytes);
    }
    for (const auto& child : reading.children) {
        if (const auto why = bad_orchestration_id(o_.hub(), child.second.instance))
            return fail_now("InvalidWorkerResponse",
                            "the history of the rewind is refused: " + *why);
    }
    std::set<std::string> calls, sections;
    for (const auto& [id, request] : reading.requests) {
        SendEntityMessageAction again;
        HistoryEvent event;
        event.ParseFromArray(history.data() + request.place, int(request.size));
        if (event.has_entityoperationcalled())
            *again.mutable_entityoperationcalled() = event.entityoperationcalled();
        else *again.mutable_entitylockrequested() = event.entitylockrequested();
        if (const auto why = objection_to(again, o_.hub(), calls, sections))
            return fail_now("InvalidWorkerResponse",
                            "the history of the rewind is refused: " + *why);
    }
    end_turn(consumed, response, 0, Payload(with_field(history, EventField::kChunk)));
    for (const auto& [id, activity] : reading.activities) {
        Event e = event_of(EventType::kNote);
        e.name = kActivityAgain;
        e.ref = uint32_t(id);
        e.index = activity.place;
        e.length = activity.size;
        HistoryEvent scheduled;
        scheduled.ParseFromArray(o_.history.data() + activity.place, int(activity.size));
        e.resource = resource_of(scheduled.taskscheduled().name(), input_.callables, options_);
        emit(std::move(e));
        run_activity(o_.task_of(o_.seq));
    }
    for (const auto& [id, child] : reading.children) {
        HistoryEvent created;
        created.ParseFromArray(o_.history.data() + child.place, int(child.size));
        HistoryEvent event = history_event();
        ExecutionRewoundEvent& again = *event.mutable_executionrewound();
        again = rewound.executionrewound();
        again.mutable_parentexecutionid()->set_value(o_.execution_id);
        again.mutable_instanceid()->set_value(child.instance);
        begin_child(created.suborchestrationinstancecreated(), id, &event);
    }
    for (const auto& request : reading.requests) {
        HistoryEvent event;
        event.ParseFromArray(o_.history.data() + request.second.place, int(request.second.size));
        ask(event);
    }
    Event e = event_of(EventType::kTurnScheduled);
    e.length = std::min(o_.inbox.size(), kTurnEvents);
    emit(std::move(e));
    run_turn();
}

}  // namespace tandem::durable
