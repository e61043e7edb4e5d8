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

/// A worker (its name as JSON, or null) wants a task.
struct ActivityClaim {
    ExecutionId execution;
    TaskId task = 0;
    std::optional<uint64_t> nonce;  // of a task that was taken by a worker who went away
    Payload worker;
};

class Activities {
public:
    /// Records that the worker took the task. Errors: kNotFound and kTimeout, the task is not to be
    /// had any more.
    using Claim = std::function<void(const ActivityClaim&, Callback<TaskTicket>)>;

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
        std::optional<uint64_t> nonce;  // taken, and not handed over
    };
    using Time = std::chrono::steady_clock::time_point;
    struct Poller;
    using Pollers = std::list<std::shared_ptr<Poller>>;
    using Deadlines = std::multimap<Time, std::pair<std::string, Pollers::iterator>>;
    struct Poller {
        ActivityPoll poll;
        Time until;
        Deadlines::iterator deadline;  // while it is in its line
    };
    struct Line {
        std::list<Entry> tasks;
        Pollers pollers;
        Time swept{};  // of pollers that went away
    };
    struct Place {
        std::string activity;
        std::list<Entry>::iterator at;
    };

    void match(const std::string& activity);
    void claim(const std::string& activity, Entry entry, std::shared_ptr<Poller> poller);
    void offer_again(const std::string& activity, Entry entry, uint64_t nonce);
    void enter(const std::string& activity, Line& line, Pollers::iterator at,
               std::shared_ptr<Poller> poller);
    std::shared_ptr<Poller> leave(Line& line, Pollers::iterator poller);
    Pollers take_gone(Line& line);
    void forget_if_empty(std::map<std::string, Line>::iterator line);
    void expire();
    static std::string key_of(const ExecutionId& id, TaskId task) {
        return id.str() + "#" + std::to_string(task);
    }

    const Claim claim_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::map<std::string, Line> lines_;
    std::unordered_map<std::string, Place> places_;  // of queued tasks, by key
    Deadlines deadlines_;                            // of all pollers in lines
    bool stopped_ = false;
    std::thread thread_;
};

}  // namespace tandem
