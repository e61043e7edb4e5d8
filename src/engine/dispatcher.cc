#include "engine/dispatcher.h"

#include "base/metrics.h"
#include "base/rng.h"

namespace tandem {

namespace {

Gauge& running = gauge("tandem_tasks_running", "Tasks handed to an executor and not answered.");

}  // namespace

std::string task_key(const ExecutionId& id, TaskId task) {
    return id.str() + "#" + std::to_string(task);
}

Dispatcher::Dispatcher(Registry& registry, Executor& executor, uint64_t seed, Deliver deliver)
    : registry_(registry),
      executor_(executor),
      deliver_(std::move(deliver)),
      next_request_(seed != 0 ? seed : random_u64()) {}

std::string Dispatcher::request_id() {
    SplitMix64 words(next_request_.fetch_add(1, std::memory_order_relaxed));
    const uint64_t high = words.next();
    return uuid_v4(high, words.next());
}

void Dispatcher::act(const ExecutionId& id, const Action& action) {
    switch (action.type) {
        case ActionType::kRunTask: return run(id, action);
        case ActionType::kCancelTask: return executor_.cancel(task_key(id, action.task));
    }
}

void Dispatcher::run(const ExecutionId& id, const Action& action) {
    auto callable = registry_.find(action.target);
    if (!callable) {
        Input input;
        input.type = InputType::kTaskCompleted;
        input.task = action.task;
        input.result.outcome = TaskOutcome::kNotFound;
        input.result.error = "ResourceNotFoundException";
        input.result.cause = callable.error().message;
        input.result.request_id = request_id();
        return deliver_(id, std::move(input));
    }
    Task task;
    task.key = task_key(id, action.task);
    task.request_id = request_id();
    task.callable = std::move(*callable);
    task.qualifier = action.target.qualifier;
    task.payload = action.payload;
    task.client_context = action.client_context;
    task.want_log_tail = action.want_log_tail;
    // A durable task has time: it waits for a worker rather than failing for want of one.
    task.queue_when_busy = true;
    running.add(1);
    TaskCallbacks callbacks;
    callbacks.started = [this, id, number = action.task] {
        Input input;
        input.type = InputType::kTaskStarted;
        input.task = number;
        deliver_(id, std::move(input));
    };
    callbacks.completed = [this, id, number = action.task](TaskResult result) {
        running.add(-1);
        Input input;
        input.type = InputType::kTaskCompleted;
        input.task = number;
        input.result = std::move(result);
        deliver_(id, std::move(input));
    };
    executor_.run(std::move(task), std::move(callbacks));
}

}  // namespace tandem
