// What comes from outside: messages of clients and of other executions, and timers that are due.
// It goes into the inbox, which the next turn is given.
#include <algorithm>

#include "lang/durable/decider.h"
#include "lang/durable/wire.h"

namespace tandem::durable {

void Decider::take_message() {
    Message message;
    const std::string_view bytes = input_.data.view();
    if (!message.ParseFromArray(bytes.data(), int(bytes.size()))) return;
    // A generation that is over, or was replaced, was meant.
    if (!message.execution_id().empty() && message.execution_id() != o_.execution_id) return;
    if (o_.inbox_bytes > kInboxBytes && !message.event().has_executionterminated())
        return fail_now("LimitExceeded", "too many bytes of events wait for the orchestrator");
    if (message.spares_owners() && !o_.sections.empty()) return;
    take(std::move(message));
}

void Decider::take(Message message) {
    HistoryEvent& event = *message.mutable_event();
    event.set_eventid(-1);
    if (!event.has_timestamp()) to_proto(input_.now, event.mutable_timestamp());
    std::optional<int32_t> child;
    if (event.has_suborchestrationinstancecompleted())
        child = event.suborchestrationinstancecompleted().taskscheduledid();
    else if (event.has_suborchestrationinstancefailed())
        child = event.suborchestrationinstancefailed().taskscheduledid();
    if (event.has_executionterminated()) return terminate(event);
    if (child) {
        if (!o_.children.contains(*child)) return;  // it has been answered
        return receive({{std::move(event), uint32_t(*child), {}, {}}});
    }
    std::string entity;  // the request, or the critical section, that it answers
    if (event.has_entityoperationcompleted()) entity = event.entityoperationcompleted().requestid();
    else if (event.has_entityoperationfailed()) entity = event.entityoperationfailed().requestid();
    if (!entity.empty() && !o_.calls.contains(entity)) return;
    if (event.has_entitylockgranted()) {
        entity = event.entitylockgranted().criticalsectionid();
        const auto section = o_.sections.find(entity);
        if (section == o_.sections.end() || section->second.is_granted) return;
    }
    if (!entity.empty()) return receive({{std::move(event), 0, {}, std::move(entity)}});
    if (event.has_eventraised() || event.has_executionsuspended() || event.has_executionresumed())
        receive({{std::move(event), 0, {}, {}}});
}

void Decider::fire_timers() {
    if (o_.start_due <= input_.now) {
        Event e = event_of(EventType::kTurnScheduled);
        e.length = std::min(o_.inbox.size(), kTurnEvents);
        emit(std::move(e));
        return run_turn();
    }
    std::vector<Received> fired;
    for (const auto& [due, id] : o_.timers) {
        if (due > input_.now || fired.size() == kFiredTimers) break;
        Received timer{history_event(), uint32_t(id), due, {}};
        to_proto(due, timer.event.mutable_timerfired()->mutable_fireat());
        timer.event.mutable_timerfired()->set_timerid(id);
        fired.push_back(std::move(timer));
    }
    receive(std::move(fired));
}

/// A turn that can begin is given all of it.
void Decider::receive(std::vector<Received> received) {
    const bool is_idle = o_.is_idle();
    for (size_t i = 0; i < received.size(); ++i) {
        Event e = event_of(EventType::kMessageReceived);
        e.index = uint64_t(received[i].event.eventType_case());
        e.ref = received[i].ref;
        e.due = received[i].due;
        e.name = received[i].name;
        e.detail = encode_payload(received[i].event);
        if (is_idle && i + 1 == received.size())
            e.length = std::min(o_.inbox.size() + 1, kTurnEvents);
        emit(std::move(e));
    }
    if (is_idle) run_turn();
}

}  // namespace tandem::durable
