#include "lang/durable/entities/decider.h"

#include <algorithm>

#include "lang/durable/decider.h"
#include "lang/durable/entities/limits.h"
#include "lang/durable/outbox.h"
#include "lang/durable/wire.h"

namespace tandem::durable {

Decision EntityDecider::decide() {
    if (input_.type == InputType::kStart) {
        start();
    } else if (!e_.is_open() || e_.seq == 0) {
        return {};
    } else if (input_.type == InputType::kStop) {
        if (e_.is_empty()) emit(event_of(EventType::kExecutionSucceeded));
    } else if (input_.type == InputType::kTaskCompleted) {
        if (input_.task == 0 || input_.task != e_.task) return {};
        answer();
    } else if (input_.type == InputType::kTimer) {
        if (e_.next_due() > input_.now) return {};
        Event due = event_of(EventType::kNote);
        due.name = kDue;
        due.due = input_.now;
        emit(std::move(due));
    } else if (input_.type == InputType::kSignal || input_.type == InputType::kMessage) {
        Message message;
        if (message.ParseFromString(input_.data.str())) take(message);
    }
    go_on();
    return std::move(out_);
}

void EntityDecider::start() {
    EntityStart start;
    if (!start.ParseFromString(input_.attributes.str())) {
        if (e_.seq != 0) return;
        // An execution that nobody can reach; it is empty, and goes when somebody cleans up.
        start.Clear();
    }
    Message message;
    message.Swap(start.mutable_message());
    const bool has_message = start.has_message();
    start.clear_message();
    if (e_.seq == 0 || !e_.is_open()) begin(std::move(start));
    if (has_message) take(message);
}

void EntityDecider::begin(EntityStart start) {
    if (start.execution_id().empty()) start.set_execution_id(execution_id_from(input_.entropy));
    Event e = event_of(EventType::kExecutionStarted);
    e.seq = 1;
    e.length = task_base_from(input_.entropy);
    e.detail = encode_payload(start);
    emit(std::move(e));
}

void EntityDecider::take(const Message& message) {
    const HistoryEvent& event = message.event();
    if (event.has_entityunlocksent()) return release(message);
    Timestamp due{};
    if (event.has_entityoperationsignaled() && event.entityoperationsignaled().has_scheduledtime())
        due = from_proto(event.entityoperationsignaled().scheduledtime());
    else if (event.has_entityoperationcalled() && event.entityoperationcalled().has_scheduledtime())
        due = from_proto(event.entityoperationcalled().scheduledtime());
    const EventKind kind = event.eventType_case();
    const bool is_call = kind == HistoryEvent::kEntityOperationCalled;
    if (!is_call && kind != HistoryEvent::kEntityOperationSignaled &&
        kind != HistoryEvent::kEntityLockRequested)
        return;
    if (kind != HistoryEvent::kEntityLockRequested && e_.waiting_bytes > kWaitingBytes) {
        if (!is_call) return;
        EntityWork work;
        work.bytes = encode(event);
        work.owner = event.entityoperationcalled().parentinstanceid().value();
        work.owner_generation = event.entityoperationcalled().parentexecutionid().value();
        OperationResult refusal;
        *refusal.mutable_failure()->mutable_failuredetails() =
            failure_of("LimitExceeded", "too many bytes of operations wait for the entity");
        return answer_call(work, refusal);
    }
    receive(message, kind, due > input_.now ? due : Timestamp{});
}

void EntityDecider::receive(const Message& message, EventKind kind, Timestamp due) {
    HistoryEvent event = message.event();
    event.set_eventid(-1);
    if (!event.has_timestamp()) to_proto(input_.now, event.mutable_timestamp());
    Event e = event_of(EventType::kMessageReceived);
    e.index = uint64_t(kind);
    e.name = message.sender_execution();
    e.due = due;
    e.detail = encode_payload(event);
    emit(std::move(e));
}

/// One that follows its request may come before the lock was granted everywhere: it goes on to
/// where the request has gone from here.
void EntityDecider::release(const Message& message) {
    const std::string& section = message.event().entityunlocksent().criticalsectionid();
    const std::string& owner = message.event().entityunlocksent().parentinstanceid().value();
    const bool holds = e_.lock.section() == section && e_.lock.owner() == owner;
    const bool waits = std::any_of(e_.queue.begin(), e_.queue.end(), [&](const EntityWork& work) {
        return work.is_lock() && work.section == section && work.owner == owner;
    });
    if (!holds && !waits) return;
    const int next = e_.lock.position() + 1;
    if (holds && message.follows_request() && next < e_.lock.lock_set_size())
        send(tell_entity(e_.hub(), e_.lock.lock_set(next), message));
    note(kUnlocked, section);
}

void EntityDecider::go_on() {
    if (!e_.is_open() || e_.seq == 0) return;
    while (e_.task == 0) {
        if (const size_t count = e_.runnable(); count > 0) {
            Event e = event_of(EventType::kTurnScheduled);
            e.length = count;
            emit(std::move(e));
            is_new_batch_ = true;
        } else if (!e_.is_locked() && !e_.queue.empty() && e_.queue.front().is_lock()) {
            grant();
        } else {
            break;
        }
    }
    if (e_.task != 0 && !is_new_batch_) return;
    rewrite();
    for (Action& action : pending_actions(e_)) send(std::move(action));
}

/// The next entity of the set is asked, or else the orchestration has them all.
void EntityDecider::grant() {
    HistoryEvent request;
    request.ParseFromString(e_.queue.front().bytes);
    note(kLocked);
    Message message;
    const int next = e_.lock.position() + 1;
    if (next < e_.lock.lock_set_size()) {
        request.mutable_entitylockrequested()->set_position(next);
        *message.mutable_event() = std::move(request);
        message.set_sender_execution(e_.lock.owner_execution());
        return send(tell_entity(e_.hub(), e_.lock.lock_set(next), message));
    }
    *message.mutable_event() = history_event();
    message.mutable_event()->mutable_entitylockgranted()->set_criticalsectionid(e_.lock.section());
    message.set_execution_id(e_.lock.owner_execution());
    if (auto action = tell_orchestration(e_.hub(), e_.lock.owner(), message))
        send(*std::move(action));
}

/// A log that has become much longer than what it adds up to begins again with that: of an entity
/// that is told a million things the last few are kept.
void EntityDecider::rewrite() {
    const size_t rest = e_.waiting_bytes + e_.state.size();
    const bool is_long = e_.log_bytes >= kLogBytes && e_.log_bytes / kLogShare >= rest;
    if (!is_long && e_.seq < kLogEvents) return;
    // The batch that has just begun begins in the new log instead.
    const size_t batch = e_.batch.size();
    Entity before = e_;
    std::move(before.batch.rbegin(), before.batch.rend(),
              std::front_inserter(before.is_locked() ? before.owned : before.queue));
    before.batch.clear();
    Event e = event_of(EventType::kExecutionStarted);
    e.seq = 1;
    e.index = kGoesOn;
    e.ref = batch;
    e.length = task_base_from(input_.entropy);
    e.detail = encode_payload(before.start);
    e.output = encode_payload(before.snapshot());
    out_.events.clear();
    emit(std::move(e));
}

Event EntityDecider::event_of(EventType type) const {
    Event e;
    e.type = type;
    e.seq = e_.seq + 1;
    e.time = input_.now;
    return e;
}

void EntityDecider::emit(Event event) {
    evolve(e_, event);
    out_.events.push_back(std::move(event));
}

void EntityDecider::note(std::string_view name, std::string_view detail) {
    Event e = event_of(EventType::kNote);
    e.name = name;
    if (!detail.empty()) e.detail = Payload(std::string(detail));
    emit(std::move(e));
}

HistoryEvent EntityDecider::history_event() const {
    HistoryEvent event;
    event.set_eventid(-1);
    to_proto(input_.now, event.mutable_timestamp());
    return event;
}

}  // namespace tandem::durable
