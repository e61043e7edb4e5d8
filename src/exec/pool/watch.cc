// What the watcher's thread does: exits, output, deadlines, memory, idle processes. It alone
// signals and reaps, so that no process id can be another's by the time it is used.
#include <algorithm>

#include "exec/pool/error_documents.h"
#include "exec/pool/process_pool.h"
#include "exec/pool/process_tree.h"

namespace tandem::pool {
namespace {

constexpr auto kChorePeriod = std::chrono::milliseconds(100);
// Heard of a worker that has ended; a process of its own could hold the channel and go on.
constexpr int kLastMessages = 8;
constexpr auto kSecond = std::chrono::seconds(1);
// Tasks wait for a worker: how often to look whether one more must start after all.
constexpr auto kImpatiencePeriod = std::chrono::milliseconds(50);
constexpr auto kHeldTick = std::chrono::milliseconds(4);
constexpr int kQuietTickMs = 1'000;
// Looking at a process tree takes some 50 us.
constexpr size_t kMemorySamplesPerChore = 64;

}  // namespace

void ProcessPool::on_output(uint64_t id) {
    const WorkerPtr worker = find_worker(id);
    if (worker && !worker->output.drain()) watcher_->forget(worker->output_fd);
}

void ProcessPool::on_exit(uint64_t id) {
    const WorkerPtr worker = find_worker(id);
    if (!worker) return;
    watcher_->forget(worker->pidfd.get());
    watcher_->forget(worker->output_fd);
    if (worker->channel) {
        channels_->forget(worker->channel->fd());
        for (int i = 0; i < kLastMessages && on_channel(id); ++i) continue;
    }
    worker->output.drain();
    // Not reaped yet, so the id of its process group is still its own.
    kill_tree(worker->pid);
    const std::optional<ExitStatus> raw = reap(worker->pidfd.get());
    ExitStatus status = raw.value_or(ExitStatus{true, 9});
    // Bubblewrap and shells report a child's signal as 128 + its number.
    const bool is_wrapped = sandbox_.isolation() == Isolation::kRootNamespaces ||
                            sandbox_.isolation() == Isolation::kUserNamespace;
    if (is_wrapped && !status.signalled && status.code > 128 && status.code <= 128 + 31)
        status = {true, status.code - 128};
    Deferred deferred;
    {
        const std::lock_guard lock(mutex_);
        worker->pid = -1;
        remove(worker, status, deferred);
    }
    deferred.run();
}

int ProcessPool::on_tick() {
    const SteadyTime now = std::chrono::steady_clock::now();
    kill_doomed();
    Deferred deferred;
    {
        const std::lock_guard lock(mutex_);
        pass_deadlines(now, deferred);
    }
    deferred.run();
    if (now >= next_chore_) {
        next_chore_ = now + kChorePeriod;
        check_memory();
        flush_logs();
        keep_warm(now);
    }
    Deferred released;
    {
        const std::lock_guard lock(mutex_);
        release_held(now, released);
        if (!hungry_.empty()) pump_starts(now >= next_impatience_);
        if (now >= next_impatience_) next_impatience_ = now + kImpatiencePeriod;
    }
    released.run();
    if (now >= next_second_) {
        next_second_ = now + kSecond;
        reap_idle(now);
    }
    kill_doomed();

    const std::lock_guard lock(mutex_);
    if (workers_.empty()) return kQuietTickMs;
    SteadyTime next = hungry_.empty() ? next_chore_ : std::min(next_chore_, next_impatience_);
    if (now < looks_often_until_) next = std::min(next, now + kHeldTick);
    if (!deadlines_.empty()) next = std::min(next, deadlines_.begin()->first);
    const auto wait =
        std::chrono::ceil<std::chrono::milliseconds>(next - std::chrono::steady_clock::now());
    return int(std::max<int64_t>(wait.count(), 0));
}

void ProcessPool::kill_doomed() {
    std::vector<WorkerPtr> doomed;
    {
        const std::lock_guard lock(mutex_);
        doomed.swap(to_kill_);
    }
    for (const WorkerPtr& worker : doomed) {
        if (worker->pid > 0) kill_tree(worker->pid);
    }
}

void ProcessPool::pass_deadlines(SteadyTime now, Deferred& deferred) {
    while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
        const auto at = workers_.find(deadlines_.begin()->second);
        deadlines_.erase(deadlines_.begin());
        if (at == workers_.end()) continue;
        const WorkerPtr worker = at->second;
        worker->deadline.reset();
        if (worker->running) {
            const Timestamp wall = system_clock().now();
            const std::string& request_id = worker->running->pending.task.request_id;
            const int timeout_s = worker->group->spec.timeout_s;
            const Payload document = timeout_document(request_id, timeout_s, wall);
            deferred.add([worker, line = timeout_log_line(request_id, timeout_s, wall)] {
                worker->output.note(line);
            });
            complete(worker, TaskOutcome::kTimedOut, document, "timeout", deferred);
        } else if (worker->state == WorkerState::kStarting) {
            worker->start_failure = StartFailure::kTimeout;
        }
        doom(worker);
    }
}

/// Kills what uses more memory than its function may. Sampling: a process can be over for about one
/// period before it is noticed.
void ProcessPool::check_memory() {
    std::vector<WorkerPtr> candidates;
    {
        const std::lock_guard lock(mutex_);
        for (const auto& [id, worker] : workers_) {
            if (worker->pid > 0 && !worker->doomed &&
                (worker->state != WorkerState::kIdle || worker->sample_memory))
                candidates.push_back(worker);
        }
    }
    const size_t samples = std::min(candidates.size(), kMemorySamplesPerChore);
    for (size_t i = 0; i < samples; i++) {
        const WorkerPtr& worker = candidates[(memory_cursor_ + i) % candidates.size()];
        const size_t bytes = tree_memory_bytes(worker->pid);
        const size_t limit = size_t(worker->group->spec.memory_mb) << 20;
        if (bytes > limit) kill_tree(worker->pid);  // then it exits like any other, by a signal
        const std::lock_guard lock(mutex_);
        worker->peak_memory_bytes = std::max(worker->peak_memory_bytes, std::min(bytes, limit));
        if (worker->state == WorkerState::kIdle) worker->sample_memory = false;
    }
    if (!candidates.empty()) memory_cursor_ = (memory_cursor_ + samples) % candidates.size();
}

void ProcessPool::reap_idle(SteadyTime now) {
    const auto limit = std::chrono::milliseconds(options_.limits.worker_idle_ms);
    const std::lock_guard lock(mutex_);
    for (const auto& [name, function] : functions_) {
        const std::map<std::string, GroupPtr> groups = function->groups;
        for (const auto& [revision, group] : groups) {
            // The bottom of the stack has been idle longest.
            while (!group->idle.empty() && now - group->idle.front()->idle_since >= limit &&
                   group->alive > size_t(group->spec.provisioned_concurrency)) {
                const WorkerPtr worker = group->idle.front();
                doom(worker);
            }
            forget_empty(group);
        }
    }
}

void ProcessPool::keep_warm(SteadyTime now) {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    for (const auto& [name, function] : functions_) {
        for (const auto& [revision, group] : function->groups) {
            if (group->retired || now < group->next_warming) continue;
            while (group->alive < size_t(group->spec.provisioned_concurrency) &&
                   alive_ < options_.limits.worker_processes && has_gpus(*group))
                begin_worker(group);
        }
    }
}

void ProcessPool::flush_logs() {
    std::vector<std::shared_ptr<FunctionLog>> logs;
    {
        const std::lock_guard lock(mutex_);
        for (const auto& [name, function] : functions_) logs.push_back(function->log);
    }
    for (const auto& log : logs) log->flush();
}

}  // namespace tandem::pool
