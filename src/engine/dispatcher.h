// Dispatcher: turns recorded actions into calls of the executor, and answers into inputs. Called
// from the committer and shard threads; an answer may come on any thread. It holds no state: what
// runs is known to the executor, what is owed to the language's pending().
#pragma once

#include <atomic>
#include <functional>

#include "engine/engine.h"
#include "engine/registry.h"

namespace tandem {

class Dispatcher {
public:
    /// Where an answer goes: the execution and its input (kTaskStarted or kTaskCompleted).
    using Deliver = std::function<void(const ExecutionId&, Input)>;

    Dispatcher(Registry& registry, Executor& executor, uint64_t seed, Deliver deliver);
    /// The action must be durable, or one of a transient execution.
    void act(const ExecutionId& id, const Action& action);

private:
    void run(const ExecutionId& id, const Action& action);
    std::string request_id();

    Registry& registry_;
    Executor& executor_;
    Deliver deliver_;
    std::atomic<uint64_t> next_request_;  // a stream of request ids from a seed
};

/// Name of a task while it runs: "<execution id>#<task id>".
std::string task_key(const ExecutionId& id, TaskId task);

}  // namespace tandem
