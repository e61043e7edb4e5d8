// Dispatcher: turns recorded actions into calls of the executor, and answers into inputs. Called from
// the committer and shard threads; an answer may come on any thread. It holds no state: what runs is
// known to the executor, what is owed to the language's pending().
#pragma once

#include <functional>

#include "engine/engine.h"
#include "engine/registry.h"

namespace tandem {

class Dispatcher {
public:
    /// Where an answer goes: the execution and its input (kTaskStarted or kTaskCompleted).
    using Deliver = std::function<void(const ExecutionId&, Input)>;

    Dispatcher(Registry& registry, Executor& executor, Deliver deliver);
    /// The action must be durable.
    void act(const ExecutionId& id, const Action& action);

private:
    void run(const ExecutionId& id, const Action& action);

    Registry& registry_;
    Executor& executor_;
    Deliver deliver_;
};

/// Name of a task while it runs: "<execution id>#<task id>".
std::string task_key(const ExecutionId& id, TaskId task);

}  // namespace tandem
