#include "api/aws/work_queue.h"

namespace tandem::aws {

WorkQueue::WorkQueue(size_t threads, size_t capacity)
    : capacity_(capacity), threaded_(threads > 0) {
    for (size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
}

WorkQueue::~WorkQueue() { close(); }

bool WorkQueue::post(std::function<void()> work) {
    if (!threaded_) {
        work();
        return true;
    }
    {
        const std::lock_guard lock(mutex_);
        if (closed_ || work_.size() >= capacity_) return false;
        work_.push_back(std::move(work));
    }
    ready_.notify_one();
    return true;
}

void WorkQueue::close() {
    {
        const std::lock_guard lock(mutex_);
        closed_ = true;
    }
    ready_.notify_all();
    for (std::thread& thread : threads_) {
        if (thread.joinable()) thread.join();
    }
}

void WorkQueue::run() {
    for (;;) {
        std::function<void()> work;
        {
            std::unique_lock lock(mutex_);
            ready_.wait(lock, [this] { return closed_ || !work_.empty(); });
            if (work_.empty()) return;
            work = std::move(work_.front());
            work_.pop_front();
        }
        work();
    }
}

}  // namespace tandem::aws
