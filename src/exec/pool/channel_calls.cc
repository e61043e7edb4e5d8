// What workers say through their channels. An answer is also the wish for the next task.
#include "base/log.h"
#include "base/metrics.h"
#include "exec/pool/error_documents.h"
#include "exec/pool/process_pool.h"

namespace tandem::pool {
namespace {

// How long a worker looks for its next task before it sleeps: calls of a sequence follow each other
// after about one sync. Only where a processor is left for the others.
constexpr std::chrono::microseconds kWorkerLooksAgain{250};
constexpr std::chrono::microseconds kSoon{600};
// How long the loop that made a call looks for its answer.
constexpr std::chrono::microseconds kLoopLooks{100};

}  // namespace

bool ProcessPool::on_channel(uint64_t id) {
    const WorkerPtr worker = find_worker(id);
    if (!worker || !worker->channel) return false;
    bool has_message = false;
    Deferred deferred;
    {
        // What one thread has received is taken before another one, which saw the worker end, may
        // say that there is no more.
        const std::lock_guard hearing(worker->hearing);
        Result<std::optional<ChannelMessage>> got = worker->channel->receive();
        if (!got) {
            abandon(worker, got.error().message);
        } else if (*got) {
            has_message = true;
            const std::lock_guard lock(mutex_);
            take_message(worker, std::move(**got), deferred);
        } else if (worker->channel->ended()) {
            channels_->forget(worker->channel->fd());
        }
    }
    deferred.run();
    return has_message;
}

/// The worker broke the rules: its process ends, and its task with it.
void ProcessPool::abandon(const WorkerPtr& worker, std::string_view reason) {
    log_warning("a function process broke the rules of its channel",
                {{"function", worker->group->spec.name}, {"reason", std::string(reason)}});
    const std::lock_guard lock(mutex_);
    to_kill_.push_back(worker);
    watcher_->wake();
}

void ProcessPool::take_message(const WorkerPtr& worker, ChannelMessage message,
                               Deferred& deferred) {
    switch (message.kind) {
        case ChannelKind::kReady:
            if (message.version != kChannelVersion || worker->state != WorkerState::kStarting) {
                to_kill_.push_back(worker);
                watcher_->wake();
                return;
            }
            worker->speaks_channel = true;
            if (!worker->doomed) on_ready(worker, deferred);
            return;
        case ChannelKind::kInitError:
            if (worker->state == WorkerState::kStarting && worker->init_error.is_null())
                worker->init_error = posted_error(std::move(message.payload), message.error_type);
            return;
        case ChannelKind::kResult:
        case ChannelKind::kError: break;
    }
    // After a timeout the task was answered for it.
    if (!worker->running || worker->running->pending.task.request_id != message.request_id) return;
    worker->group->call_time.add(message.busy);
    const size_t limit = options_.limits.invoke_response_bytes;
    if (message.too_large) {
        complete(worker, TaskOutcome::kFailed, response_too_large_document(limit), "error",
                 deferred);
    } else if (message.kind == ChannelKind::kError) {
        complete(worker, TaskOutcome::kFailed,
                 posted_error(std::move(message.payload), message.error_type), "error", deferred);
    } else {
        complete(worker, TaskOutcome::kSucceeded, Payload(std::move(message.payload)), {},
                 deferred);
    }
    if (worker->doomed) return;
    worker->group->answered--;
    make_available(worker, deferred);
}

void ProcessPool::send(const WorkerPtr& worker, const NextInvocation& next, Deferred& deferred) {
    // Only where calls come one after the other: a worker that looks for its next task while others
    // run takes their processor.
    const bool follows = in_use_ == 1 && processors_ > 1 &&
                         std::chrono::steady_clock::now() - worker->idle_since < kSoon;
    const uint16_t spin_us = follows ? uint16_t(kWorkerLooksAgain.count()) : 0;
    const bool looks = follows && options_.loops_look;
    deferred.add([this, worker, looks, invocation = encode_invocation(next, spin_us)] {
        if (looks) channels_->rest(worker->id, worker->channel->fd());
        if (!worker->channel->send(invocation)) abandon(worker, "it takes no invocation");
        if (looks && look_for_answer(worker)) return;
        if (looks) channels_->listen_again(worker->id, worker->channel->fd());
        channels_->expect();
    });
}

/// On a loop's thread that loop listens to the worker for a moment, instead of the reader. False on
/// others.
bool ProcessPool::look_for_answer(const WorkerPtr& worker) {
    const SteadyTime until = std::chrono::steady_clock::now() + kLoopLooks;
    return net::EventLoops::look_while([looks = looks_, worker, until] {
        const std::lock_guard lock(looks->mutex);
        ProcessPool* pool = looks->pool;
        if (pool == nullptr) return false;
        const bool has_come = pool->on_channel(worker->id);
        if (!has_come && std::chrono::steady_clock::now() < until) return true;
        pool->channels_->listen_again(worker->id, worker->channel->fd());
        if (!has_come) pool->channels_->expect();
        return false;
    });
}

}  // namespace tandem::pool
