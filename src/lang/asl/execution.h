// Execution: the State of this language, the fold of one execution's events. A scope is one line of
// control: 0 is the execution itself, others are branches of a Parallel and iterations of a Map;
// their numbers are given out in the order of the events and never reused. Owned by one shard
// thread; only evolve.cc changes it. Between decisions every scope is blocked: in a task, a timer,
// on children, or until the next decision. What failed or was aborted keeps its scopes until its
// state is left or run again: with them a redrive goes on (ADR 0004). A cache (see MapCache) is no
// part of the fold and is left out of dump().
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "lang/asl/program.h"
#include "model/language.h"

namespace tandem::asl {

using ScopeId = uint32_t;

enum class Phase : uint8_t {
    kBetween,   // before the first state, or between two
    kDeferred,  // between two; enters `state` with `input` when `due`
    kEntered,   // in a state, nothing under way yet
    kTask,      // waits for an answer
    kWait,      // waits for `due`
    kRetry,     // waits for `due`, then runs the state again
    kChildren,  // waits for branches or iterations
    kDone,      // an iteration's last state has exited
};

/// What an open task waits for.
enum class TaskStage : uint8_t {
    kCalled,   // the answer to its call
    kQueued,   // a worker of its activity
    kWatches,  // the end of the execution that its call began
    kAwaited,  // whoever holds its token: nothing is owed
};
constexpr size_t kTaskStages = 4;

struct OpenTask {
    TaskId id = 0;
    bool is_started = false;
    TaskStage stage = TaskStage::kCalled;
    uint64_t nonce = 0;  // of its token; 0: it has none
    ExecutionId child;   // that its call began
    Payload parameters;
    Timestamp timeout = kNever;
    Timestamp heartbeat = kNever;
    int64_t heartbeat_s = 0;
};

/// What a Map state works on, recomputed when missing: always the same, for what is random in it
/// comes from `Children::seed`, and its time is `Children::began`.
struct MapCache {
    json::Value input;
    json::Value items;
};

/// The map run of a distributed Map, until the state is left or run anew.
struct MapRunRef {
    ExecutionId id;
    std::string arn;
    Payload facts;  // what it is to do
    uint64_t redrives = 0;
};

struct Children {
    ScopeId base = 0;  // scope of branch or iteration i is base + i
    uint32_t count = 0;
    uint32_t started = 0;
    uint32_t finished = 0;
    uint64_t seed = 0;
    Timestamp began{};
    std::vector<Payload> results;  // emptied when they become larger than any limit
    size_t result_bytes = 0;
    std::shared_ptr<MapCache> cache;
    std::unique_ptr<MapRunRef> run;  // of a distributed Map, which has no scopes as children
};

struct Scope {
    ScopeId id = 0;
    ScopeId parent = 0;  // itself for the execution
    uint32_t index = 0;  // which branch or iteration of the parent
    int machine = 0;
    int state = kEnd;
    Phase phase = Phase::kBetween;
    uint64_t previous = 0;  // visible id that the next event follows
    uint64_t entered_id = 0;
    uint64_t entered_previous = 0;  // what that event follows
    Timestamp entered{};
    Timestamp since{};  // when the current phase began
    Timestamp due = kNever;
    Payload input;   // of the current state, before InputPath
    Payload output;  // of the last state; in kChildren, the input of branches that are deferred
    uint32_t retries = 0;
    std::vector<uint32_t> attempts;  // per retrier; empty until the first retry
    std::string retried_error;
    json::Value variables;  // object, or null while there are none
    size_t variable_bytes = 0;
    std::unique_ptr<OpenTask> task;
    std::unique_ptr<Children> children;

    MapRunRef* map_run() const { return children ? children->run.get() : nullptr; }
};

class Execution final : public State {
public:
    bool is_open() const override { return is_open_; }
    Timestamp next_due() const override;
    size_t open_tasks() const override {
        return tasks_.size() - stages_[size_t(TaskStage::kAwaited)];
    }
    bool is_held() const override { return stages_[size_t(TaskStage::kCalled)] != 0; }
    std::optional<TaskTicket> ticket(TaskId task) const override;
    uint64_t last_seq() const override { return last_seq_; }

    uint64_t last_id() const { return last_id_; }
    Timestamp deadline() const { return deadline_; }
    const Payload& input() const { return input_; }
    const Payload& attributes() const { return attributes_; }
    Timestamp started() const { return started_; }
    bool has_succeeded() const { return has_succeeded_; }
    /// How many times it was redriven, and when last.
    uint64_t redrives() const { return redrives_; }
    Timestamp redriven() const { return redriven_; }
    /// Whether attributes say how tasks answer (mock.h); then calls are counted by state.
    bool is_mocked() const { return is_mocked_; }
    uint64_t calls_of(int state) const;
    /// Of all variables of all scopes, as JSON, with their names.
    size_t variable_bytes() const { return variable_bytes_; }
    Scope* find(ScopeId id);
    const Scope* find(ScopeId id) const;
    const std::map<ScopeId, Scope>& scopes() const { return scopes_; }
    const std::map<TaskId, ScopeId>& tasks() const { return tasks_; }
    const std::set<std::pair<Timestamp, ScopeId>>& timers() const { return timers_; }

    /// All of the fold as text: equal texts, equal states.
    std::string dump() const;

private:
    friend class Fold;
    bool is_open_ = true;
    bool has_succeeded_ = false;
    uint64_t redrives_ = 0;
    Timestamp redriven_{};
    uint64_t last_seq_ = 0;
    uint64_t last_id_ = 0;
    ScopeId next_scope_ = 1;
    Timestamp started_{};
    Timestamp deadline_ = kNever;
    bool has_no_timeout_ = false;
    Payload input_;
    Payload attributes_;
    bool is_mocked_ = false;
    size_t variable_bytes_ = 0;
    std::map<int, uint64_t> calls_;
    std::map<ScopeId, Scope> scopes_;
    std::map<TaskId, ScopeId> tasks_;
    std::array<size_t, kTaskStages> stages_{};        // of open tasks
    std::set<std::pair<Timestamp, ScopeId>> timers_;  // scopes whose `due` is set
};

/// What of `variables` is named as one of `assigned` is, in bytes.
size_t bytes_of_variables(const json::Value& variables, const json::Object& assigned);

/// Folds one event. Cannot fail: an event that no decision could have written is a bug.
void evolve(const Definition& definition, Execution& execution, const Event& event);

}  // namespace tandem::asl
