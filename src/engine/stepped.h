// SteppedEngine: the engine without threads. Its owner decides which shard takes a turn and when
// what waits is made durable; nothing happens in between. For the simulator. One thread.
#pragma once

#include "engine/engine.h"

namespace tandem {

class SteppedEngine : public Engine {
public:
    /// Like Engine::open, but with no threads, and without retention.
    static Result<std::unique_ptr<SteppedEngine>> open(EngineOptions options, Store& store,
                                                       BlobStore& blobs, Executor& executor,
                                                       std::vector<const Language*> languages);
    virtual size_t shards() const = 0;
    /// Takes what is in the shard's mailbox, fires timers, recovers, and submits a batch.
    virtual void turn(size_t shard) = 0;
    /// Appends all batches that wait as one; false if none does. What it releases (replies,
    /// actions) happens inside.
    virtual bool commit() = 0;
    /// Messages in all mailboxes; executions in memory.
    virtual size_t waiting() const = 0;
    virtual size_t in_memory() const = 0;
    /// True when turns and commits change nothing until a timer is due or something comes in.
    virtual bool is_settled() = 0;
    virtual Timestamp next_timer() const = 0;
};

}  // namespace tandem
