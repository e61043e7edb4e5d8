// Entity: the State of the language "durable-entity", the fold of an entity's events. What waits is
// kept as encoded bytes. Owned by one shard thread; only evolve.cc changes it.
//
// How events use their fields (all are hidden):
//   kExecutionStarted  seq 1; detail: encoded EntityStart without message; length: base of task
//                      numbers; index kGoesOn: output: encoded EntitySnapshot, and the listing
//                      keeps its place; ref: if not 0, a batch of so many operations begins
//   kMessageReceived   index: kind of the HistoryEvent `detail`; name: the sender's generation;
//                      due: of a signal that is held until then
//   kTurnScheduled     length: a batch of so many operations begins
//   kTurnCompleted     index: operations that were carried out; ref kKeepsState, or else output:
//   the
//                      new state, null: none
//   kNote              name kLocked: the lock's request at the head of the queue is granted;
//                      kUnlocked: detail: the section; kDue: what is held until `due` comes in
//   kExecutionSucceeded  it was empty, and somebody cleaned up
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "lang/durable/orchestration.h"

namespace tandem::durable {

constexpr std::string_view kEntityService = "durable-task:entity";
constexpr uint64_t kGoesOn = 1;
constexpr uint64_t kKeepsState = 1;
constexpr std::string_view kLocked = "locked";
constexpr std::string_view kUnlocked = "unlocked";
constexpr std::string_view kDue = "due";

/// What waits to be carried out, or is being: an operation, or a lock's request.
struct EntityWork {
    EventKind kind = HistoryEvent::EVENTTYPE_NOT_SET;
    std::string bytes;             // an encoded HistoryEvent
    std::string owner;             // of a call and a lock: the instance that asks
    std::string owner_generation;  // and its execution id
    std::string section;           // of a lock
    bool is_lock() const { return kind == HistoryEvent::kEntityLockRequested; }
};

class Entity final : public State {
public:
    bool is_open() const override { return is_open_; }
    Timestamp next_due() const override;
    size_t open_tasks() const override { return task != 0 ? 1 : 0; }
    /// Else each message to one whose operations wait for a lock would fold all of them again.
    bool is_held() const override;
    uint64_t last_seq() const override { return seq; }
    Payload facts() const override;

    const std::string& hub() const { return start.hub(); }
    const std::string& instance() const { return start.instance(); }
    /// "@name@key": the name.
    std::string name() const;
    TaskId task_of(uint64_t event_seq) const { return base + event_seq; }
    bool is_locked() const { return !lock.section().empty(); }
    bool is_empty() const {
        return state.is_null() && queue.empty() && owned.empty() && batch.empty() &&
               delayed.empty() && !is_locked();
    }
    /// How many of the operations that wait may be carried out now, together.
    size_t runnable() const;
    size_t backlog() const { return queue.size() + owned.size() + batch.size(); }
    EntitySnapshot snapshot() const;

    uint64_t seq = 0;
    bool is_open_ = true;
    uint64_t base = 0;  // of the numbers of this generation's tasks
    EntityStart start;
    Timestamp modified{};
    Payload state;                 // null: none
    std::deque<EntityWork> queue;  // in the order in which it is to be done
    std::deque<EntityWork> owned;  // of the lock's owner, before all of the queue
    std::deque<EntityWork> batch;  // what the worker has, or is to get
    TaskId task = 0;               // of the batch
    Timestamp batch_began{};
    EntityLock lock;
    std::multimap<Timestamp, std::string> delayed;  // encoded signals
    size_t waiting_bytes = 0;                       // of all that waits
    size_t log_bytes = 0;                           // of this generation, more or less

    /// All of the fold as text: equal texts, equal states.
    std::string dump() const;
};

/// Folds one event. Cannot fail.
void evolve(Entity& e, const Event& event);
/// What is owed.
std::vector<Action> pending_actions(const Entity& e);
std::vector<Waiting> waiting_of(const Entity& e);
Payload inspection_of(const Entity& e);

}  // namespace tandem::durable
