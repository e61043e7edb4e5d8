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

/// What a listing of entities shows.
struct EntityFilter {
    std::string id_prefix;                                // of "@name@key"
    std::optional<Timestamp> modified_from, modified_to;  // both inclusive
    bool with_state = false;
    bool with_transient = false;  // also those without a state
};

struct EntityPage {
    std::vector<EntityMetadata> entities;
    std::string next;  // empty: there are no more
};

struct CleanedEntities {
    int emptied = 0;   // empty ones that are gone
    int released = 0;  // locks whose owners are not there any more
    std::string next;
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
    /// Orchestrations, newest first, with all of their inputs and outputs if asked for: then a page
    /// ends before it has `most` where more would be more than `most_bytes`.
    Result<InstancePage> page(const std::string& hub, const InstanceFilter& filter,
                              std::string cursor, size_t most, bool with_payloads,
                              size_t most_bytes);
    /// The ids of orchestrations that have ended.
    Result<std::vector<std::string>> ended(const std::string& hub, const InstanceFilter& filter);
    /// How many are gone. Children go first: what is left after a crash can be purged again.
    Result<int> purge(const std::string& hub, const std::string& instance, bool recursive,
                      int depth = 0);

    // entity_store.cc
    /// Tells an entity of a hub that is there; it begins if need be. kOverloaded: too much waits.
    void tell_entity(const std::string& hub, const std::string& instance, HistoryEvent event,
                     Callback<StartReply> done);
    /// With its state. kNotFound: it is not there; kept by Tandem, it may have no state.
    Result<EntityFacts> entity(const std::string& hub, const std::string& instance);
    /// Those made last come first.
    Result<EntityPage> entities(const std::string& hub, const EntityFilter& filter,
                                std::string cursor, size_t most);
    Result<CleanedEntities> clean_entities(const std::string& hub, std::string cursor,
                                           bool removes_empty, bool releases_locks);

private:
    bool is_orphaned(const std::string& hub, const durable::EntityLock& lock) const;
    bool remove_empty(const ExecutionId& id);

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
