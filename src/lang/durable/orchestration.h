// Orchestration: the State of the language "durable", the fold of an instance's events. History is
// kept as encoded bytes. Owned by one shard thread; only evolve.cc changes it.
#pragma once

#include <deque>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "durable_task.pb.h"
#include "lang/durable/id_set.h"
#include "model/language.h"
#include "tandem_durable.pb.h"

namespace tandem::durable {

/// Number of a HistoryEvent's kind: its field in the oneof.
using EventKind = HistoryEvent::EventTypeCase;

/// What waits for a turn.
struct InboxEvent {
    EventKind kind = HistoryEvent::EVENTTYPE_NOT_SET;
    std::string bytes;  // an encoded HistoryEvent
};

/// The request that a worker has, or is to get.
struct OpenTurn {
    TaskId task = 0;    // 0: none
    size_t events = 0;  // of the inbox, from its beginning
    Timestamp began{};  // the orchestrator's "now": recorded, so a repeated request says the same
};

/// Locks of entities that it has asked for, or has.
struct Section {
    std::vector<std::string> locks;  // in the order in which they are taken
    bool is_granted = false;
};

struct OpenActivity {
    int32_t id = 0;
    size_t place = 0, size = 0;  // of its taskScheduled in the history
    Timestamp since{};
    bool is_function = false;  // of this installation, and needs no worker
    std::string machine;       // ARN, of one that is a state machine
    ExecutionId child;         // then: the execution, once it has begun
};

class Orchestration final : public State {
public:
    bool is_open() const override { return is_open_; }
    Timestamp next_due() const override;
    size_t open_tasks() const override { return activities.size() + (turn.task != 0 ? 1 : 0); }
    uint64_t last_seq() const override { return seq; }
    Payload facts() const override;

    const std::string& hub() const { return start.hub(); }
    const std::string& instance() const { return start.request().instanceid(); }
    TaskId task_of(uint64_t event_seq) const { return base + event_seq; }
    /// Whether what comes into the inbox now is handed out at once.
    bool is_idle() const { return is_open_ && turn.task == 0 && start_due == kNever; }
    /// Whether somebody has asked for a rewind that the worker has not answered.
    bool is_rewinding() const;

    uint64_t seq = 0;
    bool is_open_ = true;
    uint64_t base = 0;  // of the numbers of this generation's tasks
    Start start;        // without the input
    Payload input;
    Timestamp created{};
    Timestamp updated{};
    Timestamp start_due = kNever;  // of a scheduled start that has not come
    OrchestrationStatus status = ORCHESTRATION_STATUS_PENDING;
    std::string execution_id;
    Payload custom_status;         // null: none
    bool has_said_status = false;  // in this generation
    Payload trace;                 // encoded OrchestrationTraceContext, to be echoed
    std::string history;           // events as values of OrchestratorRequest.pastEvents
    std::deque<InboxEvent> inbox;
    size_t inbox_bytes = 0;
    OpenTurn turn;
    std::map<TaskId, OpenActivity> activities;
    std::set<std::pair<Timestamp, int32_t>> timers;  // when due, id
    std::map<int32_t, std::string> children;         // id -> instance
    IdSet ids;                                       // of what may have an answer
    std::set<std::string> calls;                     // of entities: request ids
    std::map<std::string, Section> sections;
    uint64_t rewinds = 0;
    // Of a closed one.
    Payload output;
    Payload failure;  // encoded TaskFailureDetails

    /// All of the fold as text: equal texts, equal states.
    std::string dump() const;
};

/// Folds one event. Cannot fail.
void evolve(Orchestration& o, const Event& event);

}  // namespace tandem::durable
