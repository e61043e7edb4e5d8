#include "engine/dispatcher.h"

#include "base/metrics.h"
#include "base/rng.h"
#include "engine/planted.h"

namespace tandem {

namespace {

Gauge& running = gauge("tandem_tasks_running", "Tasks handed to an executor and not answered.");

}  // namespace

std::string task_key(const ExecutionId& id, TaskId task) {
    return id.str() + "#" + std::to_string(task);
}

Dispatcher::Dispatcher(Registry& registry, Executor& executor, Services* services,
                       Activities& activities, uint64_t seed, Engine engine)
    : registry_(registry),
      executor_(executor),
      services_(services),
      activities_(activities),
      engine_(std::move(engine)),
      next_request_(seed != 0 ? seed : random_u64()) {}

std::string Dispatcher::request_id() {
    SplitMix64 words(next_request_.fetch_add(1, std::memory_order_relaxed));
    const uint64_t high = words.next();
    return uuid_v4(high, words.next());
}

void Dispatcher::act(const ExecutionId& id, const Action& action) {
    switch (action.type) {
        case ActionType::kRunTask: return run(id, action);
        case ActionType::kCancelTask:
            activities_.remove(id, action.task);
            if (services_ != nullptr) services_->cancel(task_key(id, action.task));
            return executor_.cancel(task_key(id, action.task));
        case ActionType::kWatch: return engine_.watch(action.child, id, action.task);
        case ActionType::kStop:
            if (!is_planted(PlantedBug::kLostStop)) engine_.stop(action.child);
            return;
        case ActionType::kStartChild:
        case ActionType::kRedriveChild: return engine_.start_child(id, action);
        case ActionType::kSend: return engine_.send(id, action);
    }
}

void Dispatcher::run(const ExecutionId& id, const Action& action) {
    switch (action.target.kind) {
        case CallableKind::kFunction:
        case CallableKind::kWorkflow:
        case CallableKind::kTaskHub: return run_function(id, action);
        case CallableKind::kActivity: return activities_.add(action.target.name, id, action.task);
        case CallableKind::kService: return call_service(id, action);
        case CallableKind::kJob:
            return refuse(id, action.task, "ResourceNotFoundException",
                          "A job is begun by slurm:submitJob.");
    }
}

void Dispatcher::refuse(const ExecutionId& id, TaskId task, std::string error, std::string cause) {
    Input input;
    input.type = InputType::kTaskCompleted;
    input.task = task;
    input.result.outcome = TaskOutcome::kNotFound;
    input.result.error = std::move(error);
    input.result.cause = std::move(cause);
    input.result.request_id = request_id();
    engine_.deliver(id, std::move(input));
}

std::function<void(TaskResult)> Dispatcher::completion(const ExecutionId& id, TaskId task,
                                                       bool owns_child) {
    running.add(1);
    return [this, id, task, owns_child](TaskResult result) {
        running.add(-1);
        Input input;
        input.type = InputType::kTaskCompleted;
        input.task = task;
        input.result = std::move(result);
        input.owns_child = owns_child;
        engine_.deliver(id, std::move(input));
    };
}

void Dispatcher::call_service(const ExecutionId& id, const Action& action) {
    const std::string& name = action.target.name;
    if (services_ == nullptr)
        return refuse(id, action.task, "States.Runtime", "There is no service " + name + ".");
    const size_t colon = name.rfind(':');  // "aws-sdk:s3:getObject"
    ServiceCall call;
    call.key = task_key(id, action.task);
    call.service = name.substr(0, colon);
    call.action = colon == std::string::npos ? std::string() : name.substr(colon + 1);
    call.parameters = action.payload;
    call.context = action.client_context;
    services_->call(std::move(call), completion(id, action.task, action.owns_child));
}

void Dispatcher::run_function(const ExecutionId& id, const Action& action) {
    auto callable = registry_.find(action.target);
    if (!callable) {
        return refuse(id, action.task, "ResourceNotFoundException", callable.error().message);
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
    TaskCallbacks callbacks;
    callbacks.started = [this, id, number = action.task] {
        Input input;
        input.type = InputType::kTaskStarted;
        input.task = number;
        engine_.deliver(id, std::move(input));
    };
    callbacks.completed = completion(id, action.task);
    executor_.run(std::move(task), std::move(callbacks));
}

}  // namespace tandem
