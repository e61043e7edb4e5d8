// The event loops as this module sees them: one io_context and one thread each. A connection lives
// on one loop for its whole life, so that nothing of it but sending and closing needs a lock. Not
// for use outside net.
#pragma once

#include <boost/asio/io_context.hpp>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "net/http.h"

namespace tandem::net {

class Loops final : public EventLoops {
public:
    explicit Loops(size_t threads);
    ~Loops() override;
    void post(std::function<void()> work) override;
    void post_after(int64_t delay_ms, std::function<void()> work) override;
    void stop() override;
    /// The next loop, in turn.
    boost::asio::io_context& next();

private:
    struct Loop {
        boost::asio::io_context io{1};
        std::thread thread;
    };
    std::vector<std::unique_ptr<Loop>> loops_;
    std::atomic<size_t> turn_{0};
};

/// Whether the calling thread is a loop's.
bool on_loop();

}  // namespace tandem::net
