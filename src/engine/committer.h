// Committer: one thread that makes batches durable. While one append syncs, the batches that arrive
// meanwhile wait together and become the next append: group commit over all shards, with no timer.
// Each batch's `done` runs on this thread after its append, in order of submission. After the first
// failed append every later batch fails without being tried: a failed sync is never retried.
// A batch with large payloads first waits for the store to have written them (Store::prepare), and
// behind it wait the later ones of the same source alone.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <list>
#include <map>
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
    /// `quiet`: drive() follows at once. Batches of one `source` become durable in order; while
    /// some of it wait for their payloads, a caller who has `patience` may be blocked for long.
    void submit(Batch batch, Done done, bool quiet = false, const void* source = nullptr,
                bool patience = true);
    /// Whether batches of the source wait for their payloads.
    bool holds(const void* source);
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
    /// Batches of a source, of which the first waits for its payloads.
    struct Held {
        Waiting waiting;
        size_t bytes = 0;
        bool is_ready = false;
    };
    struct Line {
        std::list<Held> batches;
        size_t bytes = 0;
    };
    /// Takes the batch if it has to wait, or others of its source do.
    bool hold(Waiting& waiting, size_t bytes, const void* source, bool patience);
    void prepared(const void* source, Held& held, Result<std::shared_ptr<const Prepared>> result);
    void run();
    Result<void> append(std::deque<Waiting>& group, const std::optional<Error>& cannot_prepare);

    Store& store_;
    std::mutex turn_mutex_;  // held by the thread that appends
    std::mutex mutex_;
    std::condition_variable arrived_;
    std::condition_variable room_;
    std::deque<Waiting> queue_;
    size_t queued_bytes_ = 0;
    const size_t inline_bytes_;
    std::map<const void*, Line> held_;     // by source
    std::atomic<size_t> held_lines_{0};    // as many
    std::optional<Error> cannot_prepare_;  // of payloads: no later append is tried
    bool stopping_ = false;
    std::atomic<bool> failed_{false};
    std::atomic<bool> is_appending_{false};
    const Threads threads_;
    std::thread thread_;
};

}  // namespace tandem
