#include "exec/pool/channel_reader.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>

#include "base/check.h"
#include "base/errands.h"
#include "base/thread_name.h"

namespace tandem::pool {
namespace {

constexpr uint64_t kWakeKey = ~uint64_t{0};
constexpr int kSecondLookMs = 1;  // then whether it is still wanted
// About what it takes to wake a thread on another processor.
constexpr auto kLookAgain = std::chrono::microseconds(60);

bool epoll_set(int epoll, int operation, int fd, uint32_t events, uint64_t key) {
    epoll_event event{};
    event.events = events;
    event.data.u64 = key;
    return ::epoll_ctl(epoll, operation, fd, &event) == 0;
}

bool epoll_add(int epoll, int fd, uint64_t key) {
    return epoll_set(epoll, EPOLL_CTL_ADD, fd, EPOLLIN, key);
}

}  // namespace

Result<std::unique_ptr<ChannelReader>> ChannelReader::start(Callbacks callbacks) {
    std::unique_ptr<ChannelReader> reader(new ChannelReader(std::move(callbacks)));
    reader->epoll_ = Fd(::epoll_create1(EPOLL_CLOEXEC));
    reader->wake_ = Fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!reader->epoll_ || !reader->wake_ ||
        !epoll_add(reader->epoll_.get(), reader->wake_.get(), kWakeKey)) {
        return fail(ErrorCode::kIo,
                    std::string("cannot listen to functions: ") + std::strerror(errno));
    }
    reader->thread_ = std::thread([raw = reader.get()] { raw->loop(); });
    reader->second_ = std::thread([raw = reader.get()] { raw->second_loop(); });
    return reader;
}

Result<void> ChannelReader::add(uint64_t key, int fd) {
    if (epoll_add(epoll_.get(), fd, key)) return {};
    return fail(ErrorCode::kIo,
                std::string("cannot listen to a function: ") + std::strerror(errno));
}

void ChannelReader::forget(int fd) { ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr); }

void ChannelReader::rest(uint64_t key, int fd) {
    epoll_set(epoll_.get(), EPOLL_CTL_MOD, fd, 0, key);
}

void ChannelReader::listen_again(uint64_t key, int fd) {
    epoll_set(epoll_.get(), EPOLL_CTL_MOD, fd, EPOLLIN, key);
}

void ChannelReader::stop() {
    if (!thread_.joinable()) return;
    stopping_ = true;
    const uint64_t one = 1;
    SOFT_CHECK(::write(wake_.get(), &one, sizeof one) == ssize_t(sizeof one));
    listen_instead();
    thread_.join();
    second_.join();
}

bool ChannelReader::take(int timeout_ms, const std::function<bool()>& has_time) {
    epoll_event events[64];
    const int n = ::epoll_wait(epoll_.get(), events, std::size(events), timeout_ms);
    if (n <= 0) return false;
    const Errands errands(has_time);
    for (int i = 0; i < n; i++) {
        if (events[i].data.u64 != kWakeKey) callbacks_.readable(events[i].data.u64);
    }
    return true;
}

void ChannelReader::loop() {
    name_thread("channels");
    is_reader_ = true;
    // First away, then asked: whoever makes a call in between is seen, or sees that it is away.
    const auto has_time = [this] {
        away_ = true;
        return callbacks_.has_time();
    };
    while (!stopping_) {
        const auto until = std::chrono::steady_clock::now() + kLookAgain;
        bool heard = false;
        while (!heard && callbacks_.expects_soon() && std::chrono::steady_clock::now() < until)
            heard = take(0, has_time);
        if (!heard) take(-1, has_time);
        away_ = false;
    }
}

void ChannelReader::second_loop() {
    name_thread("channels-2");
    while (!stopping_) {
        {
            std::unique_lock lock(mutex_);
            wanted_.wait(lock, [this] { return is_wanted_ || stopping_; });
            is_wanted_ = false;
        }
        while (away_ && !stopping_) take(kSecondLookMs, [] { return false; });
    }
}

void ChannelReader::listen_instead() {
    const std::lock_guard lock(mutex_);
    is_wanted_ = true;
    wanted_.notify_one();
}

}  // namespace tandem::pool
