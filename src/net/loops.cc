#include "net/loops.h"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <sched.h>

#include <chrono>

#include "base/thread_name.h"

namespace tandem::net {

namespace asio = boost::asio;

namespace {

thread_local asio::io_context* this_loop = nullptr;

/// A step of looking: lets others run, asks, and comes again behind the loop's own work.
struct Look {
    asio::io_context& io;
    std::function<bool()> wanted;

    void operator()() {
        ::sched_yield();
        if (wanted()) asio::post(io, std::move(*this));
    }
};

}  // namespace

Loops::Loops(size_t threads) {
    for (size_t i = 0; i < std::max<size_t>(1, threads); ++i)
        loops_.push_back(std::make_unique<Loop>());
    for (auto& loop : loops_) {
        loop->thread = std::thread([io = &loop->io] {
            name_thread("net");
            this_loop = io;
            const auto work = asio::make_work_guard(*io);
            io->run();
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

bool on_loop() { return this_loop != nullptr; }

bool EventLoops::look_while(std::function<bool()> wanted) {
    if (this_loop == nullptr) return false;
    asio::post(*this_loop, Look{*this_loop, std::move(wanted)});
    return true;
}

std::unique_ptr<EventLoops> EventLoops::start(size_t threads) {
    return std::make_unique<Loops>(threads);
}

}  // namespace tandem::net
