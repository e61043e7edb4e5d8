// ChannelReader: the thread that hears what workers say through their channels. While one call is
// under way it looks again for a moment before it sleeps: a wake-up between processors costs more
// than a short function. The callbacks run on its thread and may not block long.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <thread>

#include "base/result.h"
#include "exec/pool/spawn.h"

namespace tandem::pool {

class ChannelReader {
public:
    struct Callbacks {
        std::function<void(uint64_t key)> readable;
        std::function<bool()> expects_soon;  // whether looking again is worth the processor's time
        std::function<bool()> has_time;      // whether nobody's answer is held up by other work
    };
    /// Error: kIo.
    static Result<std::unique_ptr<ChannelReader>> start(Callbacks callbacks);
    ~ChannelReader() { stop(); }

    Result<void> add(uint64_t key, int fd);  // until forget(fd) or the descriptor is closed
    void forget(int fd);
    void stop();

private:
    explicit ChannelReader(Callbacks callbacks) : callbacks_(std::move(callbacks)) {}
    void loop();

    const Callbacks callbacks_;
    Fd epoll_, wake_;
    std::atomic<bool> stopping_{false};
    std::thread thread_;
};

}  // namespace tandem::pool
