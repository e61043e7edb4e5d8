// Committer: one thread that makes batches durable. While one append syncs, the batches that arrive
// meanwhile wait together and become the next append: group commit over all shards, with no timer.
// Each batch's `done` runs on this thread after its append, in order of submission. After the first
// failed append every later batch fails without being tried: a failed sync is never retried.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "base/limits.h"
#include "base/result.h"
#include "engine/engine.h"
#include "store/store.h"

namespace tandem {

constexpr size_t kCommitQueueBatches =
    256;  // beyond it, submit() blocks: backpressure on the shards

/// About what an event weighs in memory and in the log: its payloads.
inline size_t payload_bytes(const Event& event) {
    return event.input.size() + event.output.size() + event.detail.size();
}

class Committer {
public:
    using Done = std::function<void(const Result<void>&)>;

    /// Without a thread, nothing is appended but by step().
    Committer(Store& store, Threads threads);
    ~Committer();

    /// Appends all that waits as one group and runs its Dones; false if nothing waits. The thread
    /// does nothing else.
    bool step();

    /// Blocks while kCommitQueueBatches or kCommitQueueBytes wait. Not to be called from a Done.
    /// `quiet`: drive() follows at once.
    void submit(Batch batch, Done done, bool quiet = false);
    /// Has what waits appended. `here`: by the calling thread if nothing is being appended now,
    /// which spares two wake-ups; it then runs the Dones too.
    void drive(bool here);
    /// submit() and wait (or step()): for the control plane. Not to be called from a Done.
    Result<void> commit(Batch batch);
    /// While this is so, what is submitted waits for the next append.
    bool is_appending() const { return is_appending_.load(); }
    /// Called on the committing thread when an append is over, before and after its Dones.
    std::function<void()> on_appended;
    bool failed() const { return failed_.load(std::memory_order_acquire); }
    /// Finishes what was submitted, then ends the thread.
    void stop();

private:
    struct Waiting {
        Batch batch;
        Done done;
    };
    void run();
    Result<void> append(std::deque<Waiting>& group);

    Store& store_;
    std::mutex turn_mutex_;  // held by the thread that appends
    std::mutex mutex_;
    std::condition_variable arrived_;
    std::condition_variable room_;
    std::deque<Waiting> queue_;
    size_t queued_bytes_ = 0;
    bool stopping_ = false;
    std::atomic<bool> failed_{false};
    std::atomic<bool> is_appending_{false};
    const Threads threads_;
    std::thread thread_;
};

}  // namespace tandem
