#include "exec/pool/watcher.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "base/check.h"
#include "base/thread_name.h"

namespace tandem::pool {
namespace {

// The kind of descriptor is the lowest bit of the event's data; keys are below 2^63.
constexpr uint64_t kWakeData = ~uint64_t{0};
constexpr uint64_t kOutputBit = 1;

bool epoll_add(int epoll, int fd, uint64_t data) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = data;
    return ::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

}  // namespace

Result<std::unique_ptr<Watcher>> Watcher::start(Callbacks callbacks) {
    std::unique_ptr<Watcher> watcher(new Watcher(std::move(callbacks)));
    watcher->epoll_ = Fd(::epoll_create1(EPOLL_CLOEXEC));
    watcher->wake_ = Fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!watcher->epoll_ || !watcher->wake_ ||
        !epoll_add(watcher->epoll_.get(), watcher->wake_.get(), kWakeData)) {
        return fail(ErrorCode::kIo, std::string("cannot watch processes: ") + std::strerror(errno));
    }
    watcher->thread_ = std::thread([raw = watcher.get()] { raw->loop(); });
    return watcher;
}

Result<void> Watcher::add(uint64_t key, int pidfd, int output_fd) {
    if (epoll_add(epoll_.get(), output_fd, key << 1 | kOutputBit)) {
        if (epoll_add(epoll_.get(), pidfd, key << 1)) return {};
        forget(output_fd);
    }
    return fail(ErrorCode::kIo, std::string("cannot watch a process: ") + std::strerror(errno));
}

void Watcher::forget(int fd) { ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr); }

void Watcher::wake() {
    const uint64_t one = 1;
    SOFT_CHECK(::write(wake_.get(), &one, sizeof one) == ssize_t(sizeof one));
}

void Watcher::stop() {
    if (!thread_.joinable()) return;
    stopping_ = true;
    wake();
    thread_.join();
}

void Watcher::loop() {
    name_thread("watcher");
    epoll_event events[64];
    while (!stopping_) {
        const int timeout_ms = callbacks_.tick();
        const int n = ::epoll_wait(epoll_.get(), events, std::size(events), timeout_ms);
        for (int i = 0; i < n; i++) {
            const uint64_t data = events[i].data.u64;
            if (data == kWakeData) {
                uint64_t count = 0;
                (void)!::read(wake_.get(), &count, sizeof count);
            } else if ((data & kOutputBit) != 0) {
                callbacks_.output(data >> 1);
            } else {
                callbacks_.exited(data >> 1);
            }
        }
    }
}

}  // namespace tandem::pool
