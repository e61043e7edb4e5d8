// Watcher: the pool's thread that sees processes end (pidfd) and write (pipe), and that gives the
// pool a regular tick. Callbacks run on this thread only. add(), forget() and wake() are safe from
// every thread; the descriptors belong to the caller and must be forgotten before they are closed.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>

#include "base/result.h"
#include "exec/pool/spawn.h"

namespace tandem::pool {

class Watcher {
public:
    struct Callbacks {
        std::function<void(uint64_t key)> exited;  // pidfd became readable
        std::function<void(uint64_t key)> output;  // pipe readable or at its end
        std::function<int()> tick;                 // after every wake-up; answers ms until the next
    };
    static Result<std::unique_ptr<Watcher>> start(Callbacks callbacks);
    ~Watcher() { stop(); }

    /// Error: kIo.
    Result<void> add(uint64_t key, int pidfd, int output_fd);
    void forget(int fd);
    /// Makes the thread tick now.
    void wake();
    void stop();

private:
    explicit Watcher(Callbacks callbacks) : callbacks_(std::move(callbacks)) {}
    void loop();

    Callbacks callbacks_;
    Fd epoll_, wake_;
    std::atomic<bool> stopping_{false};
    std::thread thread_;
};

}  // namespace tandem::pool
