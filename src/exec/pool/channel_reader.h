// ChannelReader: the thread that hears what workers say through their channels. While one call is
// under way it looks again for a moment before it sleeps: a wake-up between processors costs more
// than a short function. At the end of what has come it may be lent to other work, such as an
// append (base/errands.h); a second thread listens meanwhile, if a call is made. The callbacks may
// not block long.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
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
    /// While someone else looks at it: what it says wakes nobody here. Neither undoes forget().
    void rest(uint64_t key, int fd);
    void listen_again(uint64_t key, int fd);
    /// A call was made that will be answered here.
    void expect() {
        if (away_ && !is_reader_) listen_instead();
    }
    void stop();

private:
    explicit ChannelReader(Callbacks callbacks) : callbacks_(std::move(callbacks)) {}
    void loop();
    void second_loop();
    void listen_instead();
    /// False: nothing came in time.
    bool take(int timeout_ms, const std::function<bool()>& has_time);

    static inline thread_local bool is_reader_ = false;  // its own calls it will hear itself
    const Callbacks callbacks_;
    Fd epoll_, wake_;
    std::atomic<bool> stopping_{false}, away_{false};
    std::mutex mutex_;
    std::condition_variable wanted_;
    bool is_wanted_ = false;
    std::thread thread_, second_;
};

}  // namespace tandem::pool
