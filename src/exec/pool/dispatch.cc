// Tasks to workers: letting in under the concurrency limits, choosing a worker, answering.
#include <algorithm>

#include "base/check.h"
#include "base/metrics.h"
#include "exec/pool/error_documents.h"
#include "exec/pool/process_pool.h"

namespace tandem::pool {
namespace {

constexpr std::chrono::duration<double> kShortCall{0.00005};
constexpr auto kHeldAtMost = std::chrono::milliseconds(4);
constexpr auto kLooksOftenFor = std::chrono::seconds(1);

Counter& throttles =
    counter("tandem_function_throttles_total", "Invocations refused for lack of concurrency");

TaskResult refusal(TaskOutcome outcome, std::string error, std::string cause) {
    TaskResult result;
    result.outcome = outcome;
    result.error = std::move(error);
    result.cause = std::move(cause);
    return result;
}

TaskResult throttled(const Function& function) {
    throttles.add();
    const bool by_reservation =
        function.reserved_concurrency && function.in_use >= size_t(*function.reserved_concurrency);
    return refusal(TaskOutcome::kThrottled, "TooManyRequestsException",
                   by_reservation ? "ReservedFunctionConcurrentInvocationLimitExceeded"
                                  : "ConcurrentInvocationLimitExceeded");
}

}  // namespace

void ProcessPool::submit(PendingTask pending, Deferred& deferred) {
    CHECK(pending.task.callable != nullptr);
    if (stopping_) {
        answer(std::move(pending),
               refusal(TaskOutcome::kRejected, "ServiceException", "The server is shutting down."),
               deferred);
        return;
    }
    const Result<GroupPtr> group = group_of(*pending.task.callable);
    if (!group) {
        answer(std::move(pending),
               refusal(TaskOutcome::kRejected, "InvalidParameterValueException",
                       group.error().message),
               deferred);
        return;
    }
    const size_t limit = options_.limits.invoke_request_bytes;
    if (pending.task.payload.size() > limit) {
        answer(std::move(pending),
               refusal(TaskOutcome::kRejected, "RequestTooLargeException",
                       "Request must be smaller than " + std::to_string(limit) +
                           " bytes for the InvokeFunction operation"),
               deferred);
        return;
    }
    if ((*group)->spec.gpus > int(options_.gpus.size())) {
        answer(std::move(pending),
               refusal(TaskOutcome::kRejected, "InvalidParameterValueException",
                       "The function asks for " + std::to_string((*group)->spec.gpus) +
                           " GPUs, and there are " + std::to_string(options_.gpus.size()) +
                           " where it is to run."),
               deferred);
        return;
    }
    Function& function = *(*group)->function;
    // Behind those that wait already: first in, first out.
    if (has_capacity(function) && function.waiting.empty()) {
        let_in(*group, std::move(pending), deferred);
    } else if (pending.task.queue_when_busy && function.reserved_concurrency != 0) {
        function.waiting.emplace_back(*group, std::move(pending));
        blocked_.insert(&function);
    } else {
        answer(std::move(pending), throttled(function), deferred);
    }
}

bool ProcessPool::has_capacity(const Function& function) const {
    if (function.reserved_concurrency &&
        function.in_use >= size_t(std::max(*function.reserved_concurrency, 0)))
        return false;
    return in_use_ < options_.limits.worker_processes;
}

void ProcessPool::let_in(const GroupPtr& group, PendingTask pending, Deferred& deferred) {
    group->function->in_use++;
    in_use_++;
    if (!group->idle.empty()) {
        if (!is_enough(*group)) return take_idle(*group, std::move(pending), deferred);
        const SteadyTime now = std::chrono::steady_clock::now();
        if (now > looks_often_until_) watcher_->wake();
        looks_often_until_ = now + kLooksOftenFor;
    }
    pending.queued = std::chrono::steady_clock::now();
    group->queue.push_back(std::move(pending));
    if (!group->hungry) {
        group->hungry = true;
        hungry_.push_back(group);
    }
    pump_starts();
}

void ProcessPool::take_idle(Group& group, PendingTask pending, Deferred& deferred) {
    const WorkerPtr worker = group.idle.back();
    group.idle.pop_back();
    dispatch(worker, std::move(pending), deferred);
}

/// Calls are so short (by themselves, or through the Runtime API with their way) that waking one
/// more process costs more than it spares: those that run take the next tasks without going to
/// sleep. Holds for about as long as it is true: release_held().
bool ProcessPool::is_enough(const Group& group) const {
    return group.call_time.known() && group.call_time.seconds() < kShortCall.count() &&
           group.busy() >= processors_;
}

/// Tasks that were held back for a running worker, which then did not come: idle ones take them.
void ProcessPool::release_held(SteadyTime now, Deferred& deferred) {
    for (const GroupPtr& group : hungry_) {
        while (!group->queue.empty() && !group->idle.empty() &&
               now - group->queue.front().queued > kHeldAtMost) {
            PendingTask pending = std::move(group->queue.front());
            group->queue.pop_front();
            take_idle(*group, std::move(pending), deferred);
        }
    }
}

void ProcessPool::let_waiting_in(Function& function, Deferred& deferred) {
    while (!function.waiting.empty() && has_capacity(function)) {
        auto [group, pending] = std::move(function.waiting.front());
        function.waiting.pop_front();
        let_in(group, std::move(pending), deferred);
    }
    if (function.waiting.empty()) blocked_.erase(&function);
}

/// A task was answered: others may come in, first those of the same function.
void ProcessPool::leave(Function& function, Deferred& deferred) {
    function.in_use--;
    in_use_--;
    if (blocked_.empty()) return;
    let_waiting_in(function, deferred);
    const std::set<Function*> blocked = blocked_;
    for (Function* other : blocked) {
        if (in_use_ >= options_.limits.worker_processes) return;
        let_waiting_in(*other, deferred);
    }
}

void ProcessPool::dispatch(const WorkerPtr& worker, PendingTask pending, Deferred& deferred) {
    const Group& group = *worker->group;
    const Task& task = pending.task;
    const auto timeout = std::chrono::seconds(group.spec.timeout_s);
    NextInvocation next;
    next.request_id = task.request_id;
    next.deadline = system_clock().now() + timeout;
    const std::string arn = function_arn(options_, group.function->name, task.qualifier);
    next.function_arn = arn;
    next.trace_header = task.trace_header;
    next.client_context = task.client_context.view();
    static const Payload no_event(std::string("{}"));
    next.event = task.payload.size() == 0 ? no_event : task.payload;

    worker->output.begin(start_line(task.request_id, group.spec.version));
    if (pending.callbacks.started) deferred.add(pending.callbacks.started);
    if (worker->speaks_channel) {
        send(worker, next, deferred);
    } else {
        deferred.add([reply = std::exchange(worker->parked, nullptr),
                      response = next_response(next)]() mutable { reply(std::move(response)); });
    }
    worker->state = WorkerState::kBusy;
    worker->sample_memory = true;
    const SteadyTime now = std::chrono::steady_clock::now();
    worker->running = RunningTask{std::move(pending), now};
    set_deadline(worker, now + timeout);
}

/// The worker waits for a task: gives it a task, keeps it for later, or ends it.
void ProcessPool::make_available(const WorkerPtr& worker, Deferred& deferred) {
    Group& group = *worker->group;
    clear_deadline(worker);
    worker->state = WorkerState::kIdle;
    if (!group.queue.empty()) {
        PendingTask pending = std::move(group.queue.front());
        group.queue.pop_front();
        dispatch(worker, std::move(pending), deferred);
        return;
    }
    worker->idle_since = std::chrono::steady_clock::now();
    group.idle.push_back(worker);
    if (group.retired) {
        doom(worker);
        forget_empty(worker->group);
    } else if (!hungry_.empty()) {
        pump_starts();
    }
}

void ProcessPool::complete(const WorkerPtr& worker, TaskOutcome outcome, Payload payload,
                           std::string_view status, Deferred& deferred) {
    CHECK(worker->state == WorkerState::kBusy && worker->running);
    const auto running = std::make_shared<RunningTask>(std::move(*worker->running));
    worker->running.reset();
    worker->state = WorkerState::kAnswered;
    worker->group->answered++;
    worker->group->answers++;

    TaskResult result;
    result.outcome = outcome;
    result.payload = std::move(payload);
    result.request_id = running->pending.task.request_id;
    result.executed_version = worker->group->spec.version;
    result.unhandled = outcome != TaskOutcome::kSucceeded;
    InvocationReport report;
    const auto duration = std::chrono::steady_clock::now() - running->began;
    if (!worker->speaks_channel) worker->group->call_time.add(duration);
    report.duration_ms = std::chrono::duration<double, std::milli>(duration).count();
    report.init_ms = worker->unreported_init_ms.value_or(-1);
    worker->unreported_init_ms.reset();
    report.memory_mb = worker->group->spec.memory_mb;
    report.max_memory_bytes = worker->peak_memory_bytes;
    report.status = status;
    deferred.add([worker, running, report, result = std::move(result)]() mutable {
        report.request_id = result.request_id;
        std::string tail = worker->output.end(report_lines(report));
        if (running->pending.task.want_log_tail) result.log_tail = std::move(tail);
        running->pending.callbacks.completed(std::move(result));
    });
    leave(*worker->group->function, deferred);
}

void ProcessPool::answer(PendingTask pending, TaskResult result, Deferred& deferred) {
    result.request_id = pending.task.request_id;
    deferred.add([completed = std::move(pending.callbacks.completed), result = std::move(result)] {
        completed(result);
    });
}

/// A task that never reached a worker.
void ProcessPool::answer_unstarted(const GroupPtr& group, PendingTask pending, TaskOutcome outcome,
                                   Payload payload, Deferred& deferred) {
    TaskResult result;
    result.outcome = outcome;
    result.payload = std::move(payload);
    result.executed_version = group->spec.version;
    result.unhandled = true;
    InvocationReport report;
    report.request_id = pending.task.request_id;
    report.memory_mb = group->spec.memory_mb;
    report.status = "error";
    const std::string lines =
        start_line(pending.task.request_id, group->spec.version) + report_lines(report);
    group->function->log->append(lines);
    if (pending.task.want_log_tail) result.log_tail = lines;
    answer(std::move(pending), std::move(result), deferred);
}

}  // namespace tandem::pool
