// PayloadObjects: large payloads of executions as objects of a bucket, under keys that follow from
// the store, the execution's number and the payload's own hash, so that the same payload is one
// object however often it is written. Reads verify. Threads of its own (a bounded number) put and
// remove; every call is safe from every thread.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_set>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "store/blob/object_store.h"

namespace tandem {

/// What a record keeps of a payload that is an object: stored, in 40 bytes.
struct PayloadReference {
    uint64_t bytes = 0;
    std::string sha256;  // 32 bytes

    std::string encode() const;
    static Result<PayloadReference> decode(std::string_view bytes);  // kCorrupt
};

/// Seen and set from outside, for all payload objects of a server.
struct SpillState {
    std::atomic<int> failing{0};        // puts that are being tried again
    std::atomic<bool> gives_up{false};  // no put is tried again: the server stops
};

struct SpillOptions {
    std::string bucket;  // by its name; what a store once named it must go on naming
    std::function<Result<std::shared_ptr<Bucket>>(const std::string& name)> open;
    size_t inline_bytes = SIZE_MAX;  // payloads above it become objects; SIZE_MAX: no further ones
    size_t threads = 8;
    std::chrono::milliseconds first_pause{100};  // before a call is repeated; then twice as long
    std::chrono::milliseconds longest_pause{5'000};
    std::chrono::milliseconds put_patience{std::chrono::minutes(10)};
    int read_attempts = 4;
    int remove_attempts = 4;
    bool sweeps = true;  // removes what no execution owns, when the store is taken over
    std::shared_ptr<SpillState> state = std::make_shared<SpillState>();
};

class PayloadObjects {
public:
    /// `store` names the store among those that share the bucket; it is a segment of a key.
    PayloadObjects(std::shared_ptr<Bucket> bucket, std::string store, SpillOptions options);
    ~PayloadObjects();

    size_t inline_bytes() const { return options_.inline_bytes; }

    /// Makes the payload a durable object of execution `number`, by the calling thread. What fails
    /// is tried again until the patience is over. Errors: those of Bucket.
    Result<PayloadReference> put(uint64_t number, const Payload& payload);
    /// Errors: kCorrupt (the object is gone, or is another one), kUnavailable and kIo.
    Result<Payload> get(uint64_t number, const PayloadReference& reference) const;

    /// Runs `work` on one of the threads.
    void post(std::function<void()> work);
    /// Removes, later, all objects of an execution that is no more.
    void remove_later(uint64_t number);
    /// Removes, later, the objects of all executions below `end` that `exists` does not know.
    void sweep_later(uint64_t end, std::function<Result<bool>(uint64_t)> exists);

private:
    std::string directory(uint64_t number) const;
    std::string key(uint64_t number, const PayloadReference& reference) const;
    Result<void> put_once(const std::string& key, std::string_view bytes);
    Result<Payload> get_once(const std::string& key, const PayloadReference& reference) const;
    Result<void> remove_once(uint64_t number);
    void remove(uint64_t number);
    Result<void> sweep(uint64_t end, const std::function<Result<bool>(uint64_t)>& exists);
    /// False when there is no time for it.
    bool pause(int attempt) const;
    void run();

    const std::shared_ptr<Bucket> bucket_;
    const std::string store_;
    const SpillOptions options_;
    mutable std::mutex mutex_;
    mutable std::condition_variable wake_;
    std::deque<std::function<void()>> work_;
    std::vector<std::thread> threads_;
    size_t idle_ = 0;
    bool stopping_ = false;
    std::unordered_set<std::string> durable_;  // keys of late
};

}  // namespace tandem
