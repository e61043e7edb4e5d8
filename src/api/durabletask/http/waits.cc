#include "api/durabletask/http/waits.h"

#include <algorithm>

namespace tandem::durabletask::http {

namespace {

constexpr std::chrono::milliseconds kLookEvery(2'000);  // whether the caller is still there

}  // namespace

void Waits::wait(const ExecutionId& id, std::chrono::milliseconds patience, net::HttpSender sender,
                 Done done) {
    const auto wait = std::make_shared<Wait>();
    wait->until = std::chrono::steady_clock::now() + patience;
    wait->sender = std::move(sender);
    wait->done = std::move(done);
    {
        const std::lock_guard lock(mutex_);
        waits_.insert(wait);
    }
    auto handle = engine_.wait(
        id, [](const ExecutionSummary& s) { return s.status != ExecutionStatus::kRunning; },
        [self = shared_from_this(), wait](Result<ExecutionSummary> summary) {
            if (summary) self->finish(wait, *std::move(summary));
            else self->finish(wait, std::nullopt);
        });
    bool is_ended = false;
    {
        const std::lock_guard lock(mutex_);
        if (!wait->is_over) wait->handle = std::move(handle);
        is_ended = is_ended_;
    }
    if (is_ended) finish(wait, std::nullopt);
    else watch(wait);
}

void Waits::finish(const WaitPtr& wait, std::optional<ExecutionSummary> summary) {
    std::shared_ptr<void> handle;
    {
        const std::lock_guard lock(mutex_);
        if (wait->is_over) return;
        wait->is_over = true;
        handle.swap(wait->handle);
        waits_.erase(wait);
    }
    wait->done(std::move(summary));
}

void Waits::watch(const WaitPtr& wait) {
    using std::chrono::milliseconds;
    const auto left =
        std::chrono::duration_cast<milliseconds>(wait->until - std::chrono::steady_clock::now());
    if (left.count() <= 0 || !wait->sender.is_waiting()) return finish(wait, std::nullopt);
    later_(std::min(left + milliseconds(1), kLookEvery).count(),
           [self = shared_from_this(), weak = std::weak_ptr(wait)] {
               if (const auto again = weak.lock()) self->watch(again);
           });
}

void Waits::end() {
    std::set<WaitPtr> all;
    {
        const std::lock_guard lock(mutex_);
        is_ended_ = true;
        all = waits_;
    }
    for (const WaitPtr& wait : all) finish(wait, std::nullopt);
}

}  // namespace tandem::durabletask::http
