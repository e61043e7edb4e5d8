// WorkQueue: a few threads for actions that wait for a disk (deploying, deleting), so that they do
// not hold up a network thread. Bounded: post() refuses when it is full. Safe from every thread;
// close() runs what was posted, then joins.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace tandem::aws {

class WorkQueue {
public:
    /// No threads: post() runs the work at once (tests).
    WorkQueue(size_t threads, size_t capacity);
    ~WorkQueue();
    WorkQueue(const WorkQueue&) = delete;
    WorkQueue& operator=(const WorkQueue&) = delete;

    /// False if the queue is full or closed.
    bool post(std::function<void()> work);
    void close();

private:
    void run();

    const size_t capacity_;
    const bool threaded_;
    std::mutex mutex_;
    std::condition_variable ready_;
    std::deque<std::function<void()>> work_;
    bool closed_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace tandem::aws
