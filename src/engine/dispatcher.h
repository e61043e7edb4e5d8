// Dispatcher: turns recorded actions into calls of the executor, and answers into inputs. Called
// from the committer and shard threads; an answer may come on any thread. It holds no state: what
// runs is known to the executor, what is owed to the language's pending().
#pragma once

#include <atomic>
#include <functional>

#include "engine/activities.h"
#include "engine/engine.h"
#include "engine/registry.h"

namespace tandem {

class Dispatcher {
public:
    /// What the engine does for it.
    struct Engine {
        /// Where an answer goes: the execution and its input.
        std::function<void(const ExecutionId&, Input)> deliver;
        /// Makes `watcher` hear of the end of `child`, as of its task's.
        std::function<void(const ExecutionId& child, const ExecutionId& watcher, TaskId)> watch;
        std::function<void(const ExecutionId&)> stop;
        /// kStartChild or kRedriveChild of the execution.
        std::function<void(const ExecutionId&, const Action&)> start_child;
        /// kSend of the execution: what it says, under its number.
        std::function<void(const ExecutionId&, const Action&)> send;
    };

    Dispatcher(Registry& registry, Executor& executor, Services* services, Activities& activities,
               uint64_t seed, Engine engine);
    /// The action must be durable, or one of a transient execution.
    void act(const ExecutionId& id, const Action& action);

    void deliver(const ExecutionId& id, Input input) { engine_.deliver(id, std::move(input)); }

private:
    void run(const ExecutionId& id, const Action& action);
    void run_function(const ExecutionId& id, const Action& action);
    void call_service(const ExecutionId& id, const Action& action);
    std::function<void(TaskResult)> completion(const ExecutionId& id, TaskId task,
                                               bool owns_child = false);
    void refuse(const ExecutionId& id, TaskId task, std::string error, std::string cause);
    std::string request_id();

    Registry& registry_;
    Executor& executor_;
    Services* const services_;
    Activities& activities_;
    const Engine engine_;
    std::atomic<uint64_t> next_request_;  // a stream of request ids from a seed
};

/// Name of a task while it runs: "<execution id>#<task id>".
std::string task_key(const ExecutionId& id, TaskId task);

}  // namespace tandem
