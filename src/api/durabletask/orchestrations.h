// Orchestrations as the rest of the server begins them. No word of the contract is needed for it.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "engine/engine.h"

namespace tandem::durabletask {

struct Wanted {
    std::string hub = "default";
    std::string name;      // of the orchestrator
    std::string instance;  // empty: `started_by` decides
    std::optional<std::string> version;
    std::map<std::string, std::string> tags;
    Payload input;           // JSON; null: none
    std::string started_by;  // key of the call: repeated, it finds what it had begun
};

struct Begun {
    ExecutionId execution;
    std::string instance;
};

/// Runs what may wait for the disk; false: there is no room.
using Post = std::function<bool(std::function<void()>)>;

/// As a client's StartInstance; answers once that is durable. Errors: kInvalidArgument,
/// kAlreadyExists (an instance with that id runs and something else began it), those of
/// Engine::start.
void begin_orchestration(Engine& engine, const Post& post, Wanted wanted, Callback<Begun> done);

}  // namespace tandem::durabletask
