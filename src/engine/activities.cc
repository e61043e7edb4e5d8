#include "engine/activities.h"

#include <algorithm>

#include "base/log.h"
#include "base/metrics.h"
#include "base/thread_name.h"

namespace tandem {

namespace {

Gauge& queued = gauge("tandem_activity_tasks_queued", "Activity tasks that wait for a worker.");
Gauge& polling = gauge("tandem_activity_pollers", "Workers that poll for an activity task.");

}  // namespace

Activities::Activities(Threads threads, Claim claim) : claim_(std::move(claim)) {
    if (threads == Threads::kOwn) thread_ = std::thread([this] { expire(); });
}

void Activities::stop() {
    std::map<std::string, Line> lines;
    {
        const std::lock_guard lock(mutex_);
        stopped_ = true;
        lines.swap(lines_);
        queued.add(-int64_t(places_.size()));
        places_.clear();
        changed_.notify_all();
    }
    for (auto& [activity, line] : lines) {
        polling.add(-int64_t(line.pollers.size()));
        for (const auto& poller : line.pollers) poller->poll.done(std::nullopt);
    }
    if (thread_.joinable()) thread_.join();
}

void Activities::add(const std::string& activity, const ExecutionId& id, TaskId task) {
    {
        const std::lock_guard lock(mutex_);
        if (stopped_) return;
        Line& line = lines_[activity];
        const auto [it, is_new] = places_.try_emplace(key_of(id, task));
        if (!is_new) return;
        line.tasks.push_back({id, task});
        it->second = {activity, std::prev(line.tasks.end())};
        queued.add(1);
    }
    match(activity);
}

void Activities::remove(const ExecutionId& id, TaskId task) {
    const std::lock_guard lock(mutex_);
    const auto it = places_.find(key_of(id, task));
    if (it == places_.end()) return;
    lines_[it->second.activity].tasks.erase(it->second.at);
    places_.erase(it);
    queued.add(-1);
}

void Activities::poll(const std::string& activity, ActivityPoll poll) {
    {
        std::unique_lock lock(mutex_);
        Line& line = lines_[activity];
        if (stopped_ || line.pollers.size() >= kActivityPollers) {
            const bool stopped = stopped_;
            lock.unlock();
            if (stopped) return poll.done(std::nullopt);
            return poll.done(
                fail(ErrorCode::kOverloaded, "too many workers poll for this activity"));
        }
        const auto until = std::chrono::steady_clock::now() + poll.patience;
        auto poller = std::make_shared<Poller>(Poller{std::move(poll), until});
        line.pollers.push_back(poller);
        polling.add(1);
        const bool is_next = deadlines_.empty() || until < deadlines_.begin()->first;
        deadlines_.emplace(until, std::pair(activity, std::weak_ptr(poller)));
        if (is_next) changed_.notify_all();
    }
    match(activity);
}

/// Hands tasks to workers while there are both.
void Activities::match(const std::string& activity) {
    while (true) {
        Entry entry;
        std::shared_ptr<Poller> poller, gone;
        {
            const std::lock_guard lock(mutex_);
            const auto it = lines_.find(activity);
            if (it == lines_.end() || it->second.pollers.empty()) return;
            Line& line = it->second;
            if (line.tasks.empty()) return;
            poller = line.pollers.front();
            line.pollers.pop_front();
            polling.add(-1);
            if (poller->poll.is_wanted && !poller->poll.is_wanted()) {
                gone = std::move(poller);
            } else {
                entry = line.tasks.front();
                line.tasks.pop_front();
                places_.erase(key_of(entry.id, entry.task));
                queued.add(-1);
            }
        }
        if (gone) gone->poll.done(std::nullopt);
        else claim(activity, std::move(entry), std::move(poller));
    }
}

void Activities::claim(const std::string& activity, Entry entry, std::shared_ptr<Poller> poller) {
    const Payload worker = poller->poll.worker;
    claim_(entry.id, entry.task, worker,
           [this, activity, entry, poller](Result<TaskTicket> ticket) {
               if (ticket) {
                   return poller->poll.done(ActivityTask{
                       encode_task_token({entry.id, entry.task, ticket->nonce}), ticket->input});
               }
               if (ticket.error().code != ErrorCode::kNotFound)
                   return poller->poll.done(tl::unexpected<Error>(ticket.error()));
               // Somebody else's since, or over: the worker is first in line for the next one.
               {
                   std::unique_lock lock(mutex_);
                   const bool is_late = poller->until <= std::chrono::steady_clock::now();
                   if (stopped_ || is_late) {
                       lock.unlock();
                       return poller->poll.done(std::nullopt);
                   }
                   lines_[activity].pollers.push_front(poller);
                   polling.add(1);
               }
               match(activity);
           });
}

void Activities::expire() {
    name_thread("activities");
    std::unique_lock lock(mutex_);
    while (!stopped_) {
        const auto now = std::chrono::steady_clock::now();
        std::vector<std::shared_ptr<Poller>> late;
        while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
            const auto [activity, weak] = deadlines_.begin()->second;
            deadlines_.erase(deadlines_.begin());
            const auto poller = weak.lock();
            const auto line = lines_.find(activity);
            if (!poller || line == lines_.end()) continue;
            auto& pollers = line->second.pollers;
            const auto it = std::find(pollers.begin(), pollers.end(), poller);
            if (it == pollers.end()) continue;  // it is being given a task
            pollers.erase(it);
            polling.add(-1);
            late.push_back(poller);
            if (pollers.empty() && line->second.tasks.empty()) lines_.erase(line);
        }
        if (late.empty()) {
            if (deadlines_.empty()) changed_.wait(lock);
            else changed_.wait_until(lock, deadlines_.begin()->first);
            continue;
        }
        lock.unlock();
        for (const auto& poller : late) poller->poll.done(std::nullopt);
        late.clear();
        lock.lock();
    }
}

}  // namespace tandem
