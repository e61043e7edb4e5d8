#include "net/loops.h"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>

#include "base/thread_name.h"

namespace tandem::net {

namespace asio = boost::asio;

namespace {

/// Looks again for so long after each piece of work before it sleeps: to be woken takes longer.
void run_spinning(asio::io_context& io, std::chrono::microseconds spin) {
    using Clock = std::chrono::steady_clock;
    while (io.run_one() > 0) {
        for (auto until = Clock::now() + spin; Clock::now() < until;) {
            if (io.poll() > 0) until = Clock::now() + spin;
        }
    }
}

}  // namespace

Loops::Loops(size_t threads, std::chrono::microseconds spin) {
    for (size_t i = 0; i < std::max<size_t>(1, threads); ++i)
        loops_.push_back(std::make_unique<Loop>());
    for (auto& loop : loops_) {
        loop->thread = std::thread([io = &loop->io, spin] {
            name_thread("net");
            const auto work = asio::make_work_guard(*io);
            if (spin == std::chrono::microseconds(0)) io->run();
            else run_spinning(*io, spin);
        });
    }
}

Loops::~Loops() { stop(); }

void Loops::stop() {
    for (auto& loop : loops_) loop->io.stop();
    for (auto& loop : loops_) {
        if (loop->thread.joinable()) loop->thread.join();
    }
}

asio::io_context& Loops::next() {
    return loops_[turn_.fetch_add(1, std::memory_order_relaxed) % loops_.size()]->io;
}

void Loops::post(std::function<void()> work) { asio::post(next(), std::move(work)); }

void Loops::post_after(int64_t delay_ms, std::function<void()> work) {
    auto timer = std::make_shared<asio::steady_timer>(next(), std::chrono::milliseconds(delay_ms));
    timer->async_wait([timer, work = std::move(work)](boost::system::error_code ec) {
        if (!ec) work();
    });
}

std::unique_ptr<EventLoops> EventLoops::start(size_t threads, std::chrono::microseconds spin) {
    return std::make_unique<Loops>(threads, spin);
}

}  // namespace tandem::net
