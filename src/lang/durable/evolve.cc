#include <algorithm>

#include "lang/durable/events.h"
#include "lang/durable/orchestration.h"
#include "lang/durable/reading.h"
#include "lang/durable/wire.h"
#include "model/task_hub.h"

namespace tandem::durable {

namespace {

void into_inbox(Orchestration& o, EventKind kind, std::string bytes) {
    o.inbox_bytes += bytes.size();
    o.inbox.push_back({kind, std::move(bytes)});
}

void open_turn(Orchestration& o, const Event& e, size_t events) {
    o.turn = {o.task_of(e.seq), std::min(events, o.inbox.size()), e.time};
}

void open_activity(Orchestration& o, const Event& e, size_t place, size_t size) {
    OpenActivity activity{int32_t(e.ref), place, size, e.time, e.resource == kFunction, {}, {}};
    if (!activity.is_function) activity.machine = e.resource;
    o.activities[o.task_of(e.seq)] = std::move(activity);
}

HistoryEvent execution_started(const Orchestration& o, Timestamp time) {
    const CreateInstanceRequest& request = o.start.request();
    HistoryEvent event;
    event.set_eventid(-1);
    to_proto(time, event.mutable_timestamp());
    ExecutionStartedEvent& started = *event.mutable_executionstarted();
    started.set_name(request.name());
    if (request.has_version()) *started.mutable_version() = request.version();
    if (!o.input.is_null()) started.mutable_input()->set_value(o.input.str());
    started.mutable_orchestrationinstance()->set_instanceid(request.instanceid());
    started.mutable_orchestrationinstance()->mutable_executionid()->set_value(o.execution_id);
    if (o.start.has_parent()) *started.mutable_parentinstance() = o.start.parent();
    if (request.has_scheduledstarttimestamp())
        *started.mutable_scheduledstarttimestamp() = request.scheduledstarttimestamp();
    if (request.has_parenttracecontext())
        *started.mutable_parenttracecontext() = request.parenttracecontext();
    *started.mutable_tags() = request.tags();
    return event;
}

void begin(Orchestration& o, const Event& e) {
    o = Orchestration();
    o.base = e.length;
    o.input = e.input;
    o.custom_status = e.output;
    o.created = e.index == kKeepsStartTime ? e.due : e.time;
    if (e.index == kKeepsStartTime) o.status = ORCHESTRATION_STATUS_RUNNING;
    if (!o.start.ParseFromString(e.detail.str())) o.start.Clear();
    o.execution_id = o.start.execution_id();
    into_inbox(o, HistoryEvent::kExecutionStarted, encode(execution_started(o, e.time)));
    for (const HistoryEvent& event : o.start.carryover())
        into_inbox(o, event.eventType_case(), encode(event));
    o.start.clear_carryover();
    if (o.start.request().has_scheduledstarttimestamp()) {
        const Timestamp due = from_proto(o.start.request().scheduledstarttimestamp());
        if (due > e.time) o.start_due = due;
    }
    o.seq = e.seq;
    if (o.start_due == kNever) open_turn(o, e, std::min(o.inbox.size(), kTurnEvents));
}

void receive(Orchestration& o, const Event& e) {
    const auto kind = EventKind(e.index);
    // What it answers is not open any more.
    if (kind == HistoryEvent::kTaskCompleted || kind == HistoryEvent::kTaskFailed) {
        o.activities.erase(o.task_of(e.ref));
    } else if (kind == HistoryEvent::kTimerFired) {
        o.timers.erase({e.due, int32_t(e.ref)});
    } else if (kind == HistoryEvent::kSubOrchestrationInstanceCompleted ||
               kind == HistoryEvent::kSubOrchestrationInstanceFailed) {
        o.children.erase(int32_t(e.ref));
    } else if (kind == HistoryEvent::kExecutionRewound) {
        HistoryEvent event;
        if (event.ParseFromString(e.detail.str()) && o.start.has_parent() &&
            event.executionrewound().has_parentexecutionid())
            *o.start.mutable_parent()->mutable_orchestrationinstance()->mutable_executionid() =
                event.executionrewound().parentexecutionid();
    }
    if (kind == HistoryEvent::kEntityOperationCompleted ||
        kind == HistoryEvent::kEntityOperationFailed)
        o.calls.erase(e.name);
    else if (kind == HistoryEvent::kEntityLockGranted) o.sections[e.name].is_granted = true;
    into_inbox(o, kind, e.detail.str());
    if (e.length != 0) open_turn(o, e, e.length);
}

/// From now on the history is what the worker has made of it: what in it has no answer is waited
/// for again. Activities are opened by events of their own, which number their tasks.
void install(Orchestration& o, std::string_view history) {
    o.history = with_field(history, EventField::kPastEvents);
    const Reading reading = read_history(o.history);
    o.ids = reading.ids;
    o.timers = reading.timers;
    for (const auto& [id, child] : reading.children) o.children.emplace(id, child.instance);
    for (const auto& [id, request] : reading.requests) {
        if (request.locks.empty()) o.calls.insert(id);
        else o.sections[id].locks = request.locks;
    }
    if (!reading.execution_id.empty()) o.execution_id = reading.execution_id;
}

void end_turn(Orchestration& o, const Event& e) {
    if (o.status == ORCHESTRATION_STATUS_PENDING) o.status = ORCHESTRATION_STATUS_RUNNING;
    o.start_due = kNever;
    HistoryEvent began;
    began.set_eventid(-1);
    to_proto(o.turn.task != 0 ? o.turn.began : e.time, began.mutable_timestamp());
    began.mutable_orchestratorstarted();
    append_event(o.history, EventField::kPastEvents, encode(began));
    for (uint64_t i = 0; i < e.index && !o.inbox.empty(); ++i) {
        const InboxEvent& event = o.inbox.front();
        if (event.kind == HistoryEvent::kExecutionSuspended)
            o.status = ORCHESTRATION_STATUS_SUSPENDED;
        else if (event.kind == HistoryEvent::kExecutionResumed)
            o.status = ORCHESTRATION_STATUS_RUNNING;
        append_event(o.history, EventField::kPastEvents, event.bytes);
        o.inbox_bytes -= event.bytes.size();
        o.inbox.pop_front();
    }
    // That of the generation before stays until this one has said something.
    o.has_said_status = o.has_said_status || !e.output.is_null();
    if (o.has_said_status) o.custom_status = e.output;
    o.trace = e.detail;
    o.turn = {};
    if (!e.input.is_null()) install(o, e.input.view());
    if (e.length != 0) open_turn(o, e, e.length);
}

void add_entity_message(Orchestration& o, EventKind kind, const Event& e) {
    if (kind == HistoryEvent::kEntityOperationCalled) o.calls.insert(e.name);
    if (kind != HistoryEvent::kEntityLockRequested && kind != HistoryEvent::kEntityUnlockSent)
        return;
    HistoryEvent event;
    event.ParseFromString(e.detail.str());
    if (kind == HistoryEvent::kEntityLockRequested) {
        o.sections[e.name].locks = locks_in_order(event.entitylockrequested());
    } else if (const auto it = o.sections.find(e.name); it != o.sections.end()) {
        std::erase(it->second.locks,
                   entity_instance(event.entityunlocksent().targetinstanceid().value()));
        if (it->second.locks.empty()) o.sections.erase(it);
    }
}

void add_history(Orchestration& o, const Event& e) {
    const size_t place = append_event(o.history, EventField::kPastEvents, e.detail.view());
    const auto id = int32_t(e.ref);
    const auto kind = EventKind(e.index);
    if (kind == HistoryEvent::kTaskScheduled) {
        open_activity(o, e, place, e.detail.size());
    } else if (kind == HistoryEvent::kTimerCreated) {
        o.timers.emplace(e.due, id);
    } else if (kind == HistoryEvent::kSubOrchestrationInstanceCreated) {
        o.children[id] = e.name;
    }
    if (takes_answer(kind)) o.ids.insert(id);
    if (!e.name.empty()) add_entity_message(o, kind, e);
}

void close(Orchestration& o, const Event& e) {
    o.is_open_ = false;
    o.start_due = kNever;
    o.inbox.clear();
    o.inbox_bytes = 0;
    o.turn = {};
    o.activities.clear();
    o.timers.clear();
    o.children.clear();
    o.calls.clear();
    o.sections.clear();
    o.output = e.output;
    o.failure = e.detail;
    if (e.type == EventType::kExecutionSucceeded) o.status = ORCHESTRATION_STATUS_COMPLETED;
    else if (e.type == EventType::kExecutionFailed) o.status = ORCHESTRATION_STATUS_FAILED;
    else if (e.index == ORCHESTRATION_STATUS_CANCELED) o.status = ORCHESTRATION_STATUS_CANCELED;
    else o.status = ORCHESTRATION_STATUS_TERMINATED;
}

}  // namespace

void evolve(Orchestration& o, const Event& e) {
    if (e.type == EventType::kExecutionStarted) begin(o, e);
    else if (is_closing(e.type)) close(o, e);
    else if (e.type == EventType::kMessageReceived) receive(o, e);
    else if (e.type == EventType::kTurnCompleted) end_turn(o, e);
    else if (e.type == EventType::kHistoryEvent) add_history(o, e);
    else if (e.type == EventType::kTurnScheduled) {
        o.start_due = kNever;
        open_turn(o, e, e.length);
    } else if (e.type == EventType::kExecutionRedriven) {
        o.is_open_ = true;
        o.status = ORCHESTRATION_STATUS_RUNNING;
        o.output = {};
        o.failure = {};
        o.rewinds = e.index;
    } else if (e.type == EventType::kNote) {
        const size_t size = o.history.size();
        if (e.name == kActivityAgain && e.index <= size && e.length <= size - e.index) {
            open_activity(o, e, e.index, e.length);
        } else if (e.name == kActivityBegun) {
            const auto activity = o.activities.find(o.task_of(e.ref));
            if (activity != o.activities.end())
                activity->second.child = ExecutionId(e.detail.str());
        } else if (e.name == kParentRewound) {
            o.start.mutable_parent()
                ->mutable_orchestrationinstance()
                ->mutable_executionid()
                ->set_value(e.detail.str());
        }
    }
    o.seq = e.seq;
    o.updated = e.time;
}

}  // namespace tandem::durable
