#include <algorithm>
#include <iterator>

#include "lang/durable/entities/entity.h"
#include "lang/durable/entities/limits.h"
#include "lang/durable/wire.h"

namespace tandem::durable {

namespace {

EntityWork work_of(std::string bytes, std::string generation) {
    EntityWork work;
    HistoryEvent event;
    if (event.ParseFromString(bytes)) work.kind = event.eventType_case();
    if (event.has_entityoperationcalled()) {
        work.owner = event.entityoperationcalled().parentinstanceid().value();
        work.owner_generation = event.entityoperationcalled().parentexecutionid().value();
    } else if (event.has_entitylockrequested()) {
        work.owner = event.entitylockrequested().parentinstanceid().value();
        work.section = event.entitylockrequested().criticalsectionid();
        work.owner_generation = std::move(generation);
    }
    work.bytes = std::move(bytes);
    return work;
}

bool is_owners(const Entity& e, const EntityWork& work) {
    return e.is_locked() && work.kind == HistoryEvent::kEntityOperationCalled &&
           work.owner == e.lock.owner() && work.owner_generation == e.lock.owner_execution();
}

void take_in(Entity& e, EntityWork work) {
    e.waiting_bytes += work.bytes.size();
    (is_owners(e, work) ? e.owned : e.queue).push_back(std::move(work));
}

void open_batch(Entity& e, const Event& event, size_t operations) {
    auto& from = e.is_locked() ? e.owned : e.queue;
    const auto end = from.begin() + ptrdiff_t(std::min(operations, from.size()));
    std::move(from.begin(), end, std::back_inserter(e.batch));
    from.erase(from.begin(), end);
    if (e.batch.empty()) return;
    e.task = e.task_of(event.seq);
    e.batch_began = event.time;
}

void restore(Entity& e, const std::string& bytes) {
    EntitySnapshot s;
    if (!s.ParseFromString(bytes)) return;
    if (s.has_state()) e.state = Payload(s.state());
    e.lock = s.lock();
    for (EntityOperation& op : *s.mutable_queue())
        e.queue.push_back(
            work_of(std::move(*op.mutable_event()), std::move(*op.mutable_sender_execution())));
    for (EntityOperation& op : *s.mutable_owned())
        e.owned.push_back(
            work_of(std::move(*op.mutable_event()), std::move(*op.mutable_sender_execution())));
    for (EntitySnapshot::Delayed& one : *s.mutable_delayed())
        e.delayed.emplace(from_micros(one.due_us()), std::move(*one.mutable_event()));
    e.modified = from_micros(s.modified_us());
    for (const auto* works : {&e.queue, &e.owned}) {
        for (const EntityWork& work : *works) e.waiting_bytes += work.bytes.size();
    }
    for (const auto& one : e.delayed) e.waiting_bytes += one.second.size();
}

void begin(Entity& e, const Event& event) {
    e = Entity();
    e.base = event.length;
    if (!e.start.ParseFromString(event.detail.str())) e.start.Clear();
    e.modified = event.time;
    e.seq = event.seq;
    if (event.index == kGoesOn) restore(e, event.output.str());
    if (event.ref != 0) open_batch(e, event, event.ref);
}

void receive(Entity& e, const Event& event) {
    if (event.due != Timestamp{}) {
        e.waiting_bytes += event.detail.size();
        e.delayed.emplace(event.due, event.detail.str());
    } else {
        take_in(e, work_of(event.detail.str(), event.name));
    }
}

void end_batch(Entity& e, const Event& event) {
    for (uint64_t i = 0; i < event.index && !e.batch.empty(); ++i) {
        e.waiting_bytes -= e.batch.front().bytes.size();
        e.batch.pop_front();
    }
    // What the worker has left undone comes first again.
    auto& back = e.is_locked() ? e.owned : e.queue;
    std::move(e.batch.rbegin(), e.batch.rend(), std::front_inserter(back));
    e.batch.clear();
    e.task = 0;
    if (event.ref != kKeepsState) e.state = event.output;
    e.modified = event.time;
}

void lock(Entity& e) {
    if (e.queue.empty() || !e.queue.front().is_lock()) return;
    const EntityWork request = std::move(e.queue.front());
    e.queue.pop_front();
    e.waiting_bytes -= request.bytes.size();
    HistoryEvent event;
    event.ParseFromString(request.bytes);
    e.lock.Clear();
    e.lock.set_section(request.section);
    e.lock.set_owner(request.owner);
    e.lock.set_owner_execution(request.owner_generation);
    *e.lock.mutable_lock_set() = event.entitylockrequested().lockset();
    e.lock.set_position(event.entitylockrequested().position());
    // What the owner has called without waiting for the lock may be done now.
    const auto others = std::stable_partition(
        e.queue.begin(), e.queue.end(), [&](const EntityWork& work) { return is_owners(e, work); });
    std::move(e.queue.begin(), others, std::back_inserter(e.owned));
    e.queue.erase(e.queue.begin(), others);
}

/// Also a request that waits still.
void unlock(Entity& e, std::string_view section) {
    if (e.lock.section() == section) {
        e.lock.Clear();
        std::move(e.owned.rbegin(), e.owned.rend(), std::front_inserter(e.queue));
        e.owned.clear();
    }
    std::erase_if(e.queue, [&](const EntityWork& work) {
        const bool is_it = work.is_lock() && work.section == section;
        if (is_it) e.waiting_bytes -= work.bytes.size();
        return is_it;
    });
}

void come_due(Entity& e, Timestamp until) {
    while (!e.delayed.empty() && e.delayed.begin()->first <= until) {
        std::string bytes = std::move(e.delayed.begin()->second);
        e.delayed.erase(e.delayed.begin());
        e.waiting_bytes -= bytes.size();
        take_in(e, work_of(std::move(bytes), {}));
    }
}

}  // namespace

void evolve(Entity& e, const Event& event) {
    if (event.type == EventType::kExecutionStarted) begin(e, event);
    else if (is_closing(event.type)) e.is_open_ = false;
    else if (event.type == EventType::kMessageReceived) receive(e, event);
    else if (event.type == EventType::kTurnScheduled) open_batch(e, event, event.length);
    else if (event.type == EventType::kTurnCompleted) end_batch(e, event);
    else if (event.type == EventType::kNote && event.name == kLocked) lock(e);
    else if (event.type == EventType::kNote && event.name == kUnlocked)
        unlock(e, event.detail.view());
    else if (event.type == EventType::kNote && event.name == kDue) come_due(e, event.due);
    e.seq = event.seq;
    e.log_bytes += kEventBytes + event.detail.size();
    if (event.type == EventType::kTurnCompleted) e.log_bytes += event.output.size();
}

}  // namespace tandem::durable
