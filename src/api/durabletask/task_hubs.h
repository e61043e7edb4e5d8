// TaskHubs: hubs and what is in them, over the engine: what the doors of this module share. Safe
// from every thread; all but start() may wait for the disk or for a shard.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "api/durabletask/words.h"
#include "engine/engine.h"

namespace tandem::durabletask {

/// What a listing shows.
struct InstanceFilter {
    std::vector<OrchestrationStatus> statuses;  // none: all
    std::string id_prefix;
    std::optional<Timestamp> created_from, created_to;  // both inclusive
};

struct InstancePage {
    std::vector<ExecutionSummary> instances;
    std::string next;  // empty: there are no more
};

class TaskHubs {
public:
    explicit TaskHubs(Engine& engine) : engine_(engine) {}

    /// Makes it unless it is there.
    Result<void> make(const std::string& hub);
    Result<void> forget(const std::string& hub);
    /// Begins the instance that `start` names, in a hub that is there.
    void start(const Start& start, Payload input, Callback<StartReply> done);
    /// kNotFound also of entities.
    Result<ExecutionSummary> describe(const std::string& hub, const std::string& instance) const;
    Result<Inspection> inspect(const ExecutionId& id);
    /// The executions of a hub that `sees` wants; it answers whether to go on.
    Result<void> scan(const std::string& hub, std::optional<ExecutionStatus> status,
                      const std::function<bool(const ExecutionSummary&)>& sees);
    /// Orchestrations, newest first, with all of their inputs and outputs if asked for. A page may
    /// end before it has `most` when it is large.
    Result<InstancePage> page(const std::string& hub, const InstanceFilter& filter,
                              std::string cursor, size_t most, bool with_payloads);
    /// The ids of orchestrations that have ended.
    Result<std::vector<std::string>> ended(const std::string& hub, const InstanceFilter& filter);
    /// How many are gone. Children go first: what is left after a crash can be purged again.
    Result<int> purge(const std::string& hub, const std::string& instance, bool recursive,
                      int depth = 0);

private:
    Engine& engine_;
};

/// The one under which all of these are stored, if there is one.
std::optional<ExecutionStatus> common_status(const std::vector<OrchestrationStatus>& statuses);
/// Also where none are given.
bool is_among(OrchestrationStatus status, const std::vector<OrchestrationStatus>& statuses);
/// An instance to begin with what the other one began with, under the same id or a fresh one.
Start start_again(const std::string& hub, const ExecutionSummary& before, bool with_new_id);
std::string fresh_instance_id();
/// What clients tell instances, as the language takes it.
Payload message_of(HistoryEvent event);

}  // namespace tandem::durabletask
