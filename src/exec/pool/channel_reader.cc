#include "exec/pool/channel_reader.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>

#include "base/check.h"
#include "base/errands.h"

namespace tandem::pool {
namespace {

constexpr uint64_t kWakeKey = ~uint64_t{0};
// About what it takes to wake a thread on another processor.
constexpr auto kLookAgain = std::chrono::microseconds(60);

bool epoll_add(int epoll, int fd, uint64_t key) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = key;
    return ::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0;
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
    return reader;
}

Result<void> ChannelReader::add(uint64_t key, int fd) {
    if (epoll_add(epoll_.get(), fd, key)) return {};
    return fail(ErrorCode::kIo,
                std::string("cannot listen to a function: ") + std::strerror(errno));
}

void ChannelReader::forget(int fd) { ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr); }

void ChannelReader::stop() {
    if (!thread_.joinable()) return;
    stopping_ = true;
    const uint64_t one = 1;
    SOFT_CHECK(::write(wake_.get(), &one, sizeof one) == ssize_t(sizeof one));
    thread_.join();
}

void ChannelReader::loop() {
    epoll_event events[64];
    while (!stopping_) {
        int n = 0;
        const auto until = std::chrono::steady_clock::now() + kLookAgain;
        do n = ::epoll_wait(epoll_.get(), events, std::size(events), 0);
        while (n == 0 && callbacks_.expects_soon() && std::chrono::steady_clock::now() < until);
        if (n == 0) n = ::epoll_wait(epoll_.get(), events, std::size(events), -1);
        const Errands errands(callbacks_.has_time);
        for (int i = 0; i < n; i++) {
            if (events[i].data.u64 != kWakeKey) callbacks_.readable(events[i].data.u64);
        }
    }
}

}  // namespace tandem::pool
