// Activities: tasks that wait for a worker and workers that wait for a task, matched in the order
// in which they came. It holds names of tasks only and no state that matters: what is queued is
// owed by the language's pending() after a restart, and a task is handed out only once its start is
// durable. Called from any thread.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>

#include "engine/engine.h"

namespace tandem {

class Activities {
public:
    /// Records that the worker (its name as JSON, or null) took the task. Error: kNotFound, the
    /// task is not to be had any more.
    using Claim =
        std::function<void(const ExecutionId&, TaskId, Payload worker, Callback<TaskTicket>)>;

    Activities(Threads threads, Claim claim);
    ~Activities() { stop(); }

    void add(const std::string& activity, const ExecutionId& id, TaskId task);
    void remove(const ExecutionId& id, TaskId task);
    void poll(const std::string& activity, ActivityPoll poll);
    /// Answers all polls without a task and takes no more.
    void stop();

private:
    struct Entry {
        ExecutionId id;
        TaskId task = 0;
    };
    struct Poller {
        ActivityPoll poll;
        std::chrono::steady_clock::time_point until;
    };
    struct Line {
        std::list<Entry> tasks;
        std::list<std::shared_ptr<Poller>> pollers;
    };
    struct Place {
        std::string activity;
        std::list<Entry>::iterator at;
    };

    void match(const std::string& activity);
    void claim(const std::string& activity, Entry entry, std::shared_ptr<Poller> poller);
    void expire();
    static std::string key_of(const ExecutionId& id, TaskId task) {
        return id.str() + "#" + std::to_string(task);
    }

    const Claim claim_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::map<std::string, Line> lines_;
    std::unordered_map<std::string, Place> places_;  // of queued tasks, by key
    std::multimap<std::chrono::steady_clock::time_point,
                  std::pair<std::string, std::weak_ptr<Poller>>>
        deadlines_;
    bool stopped_ = false;
    std::thread thread_;
};

}  // namespace tandem
