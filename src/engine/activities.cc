#include "engine/activities.h"

#include <algorithm>

#include "base/log.h"
#include "base/metrics.h"
#include "base/thread_name.h"
#include "engine/planted.h"

namespace tandem {

namespace {

// So often at most pollers are asked whether they are still there, when there are too many.
constexpr auto kSweepEvery = std::chrono::seconds(1);

Gauge& queued = gauge("tandem_activity_tasks_queued", "Activity tasks that wait for a worker.");
Gauge& polling = gauge("tandem_activity_pollers", "Workers that poll for an activity task.");

bool is_wanted(const ActivityPoll& poll) { return !poll.is_wanted || poll.is_wanted(); }

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
        deadlines_.clear();
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
        line.tasks.push_back({id, task, std::nullopt});
        it->second = {activity, std::prev(line.tasks.end())};
        queued.add(1);
    }
    match(activity);
}

void Activities::remove(const ExecutionId& id, TaskId task) {
    const std::lock_guard lock(mutex_);
    const auto it = places_.find(key_of(id, task));
    if (it == places_.end()) return;
    const auto line = lines_.find(it->second.activity);
    line->second.tasks.erase(it->second.at);
    places_.erase(it);
    queued.add(-1);
    forget_if_empty(line);
}

void Activities::forget_if_empty(std::map<std::string, Line>::iterator line) {
    if (line->second.tasks.empty() && line->second.pollers.empty()) lines_.erase(line);
}

void Activities::poll(const std::string& activity, ActivityPoll poll) {
    Pollers gone;
    {
        std::unique_lock lock(mutex_);
        if (stopped_) {
            lock.unlock();
            return poll.done(std::nullopt);
        }
        Line& line = lines_[activity];
        if (line.pollers.size() >= kActivityPollers) gone = take_gone(line);
        if (line.pollers.size() >= kActivityPollers) {
            lock.unlock();
            return poll.done(
                fail(ErrorCode::kOverloaded, "too many workers poll for this activity"));
        }
        const auto until = std::chrono::steady_clock::now() + poll.patience;
        enter(activity, line, line.pollers.end(),
              std::make_shared<Poller>(Poller{std::move(poll), until, {}}));
    }
    for (const auto& poller : gone) poller->poll.done(std::nullopt);
    match(activity);
}

void Activities::enter(const std::string& activity, Line& line, Pollers::iterator at,
                       std::shared_ptr<Poller> poller) {
    const auto it = line.pollers.insert(at, std::move(poller));
    (*it)->deadline = deadlines_.emplace((*it)->until, std::pair(activity, it));
    polling.add(1);
    if ((*it)->deadline == deadlines_.begin()) changed_.notify_all();
}

std::shared_ptr<Activities::Poller> Activities::leave(Line& line, Pollers::iterator poller) {
    std::shared_ptr<Poller> left = std::move(*poller);
    deadlines_.erase(left->deadline);
    line.pollers.erase(poller);
    polling.add(-1);
    return left;
}

/// Those who poll no more and were not missed yet.
Activities::Pollers Activities::take_gone(Line& line) {
    Pollers gone;
    const auto now = std::chrono::steady_clock::now();
    if (now < line.swept + kSweepEvery) return gone;
    line.swept = now;
    for (auto it = line.pollers.begin(); it != line.pollers.end();) {
        const auto poller = it++;
        if (!is_wanted((*poller)->poll)) gone.push_back(leave(line, poller));
    }
    return gone;
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
            poller = leave(line, line.pollers.begin());
            if (!is_wanted(poller->poll)) {
                gone = std::move(poller);
            } else {
                entry = line.tasks.front();
                line.tasks.pop_front();
                places_.erase(key_of(entry.id, entry.task));
                queued.add(-1);
            }
            forget_if_empty(it);
        }
        if (gone) gone->poll.done(std::nullopt);
        else claim(activity, std::move(entry), std::move(poller));
    }
}

void Activities::claim(const std::string& activity, Entry entry, std::shared_ptr<Poller> poller) {
    claim_({entry.id, entry.task, entry.nonce, poller->poll.worker},
           [this, activity, entry, poller](Result<TaskTicket> ticket) {
               if (ticket && is_wanted(poller->poll)) {
                   poller->poll.done(ActivityTask{
                       encode_task_token({entry.id, entry.task, ticket->nonce}), ticket->input});
                   if (is_planted(PlantedBug::kHandedTwice))
                       offer_again(activity, entry, ticket->nonce);
                   return;
               }
               if (ticket) {
                   offer_again(activity, entry, ticket->nonce);
                   return poller->poll.done(std::nullopt);
               }
               const ErrorCode code = ticket.error().code;
               if (code != ErrorCode::kNotFound && code != ErrorCode::kTimeout)
                   return poller->poll.done(tl::unexpected<Error>(ticket.error()));
               // Somebody else's since, or over: the worker is first in line for the next one.
               {
                   std::unique_lock lock(mutex_);
                   const bool is_late = poller->until <= std::chrono::steady_clock::now();
                   if (stopped_ || is_late) {
                       lock.unlock();
                       return poller->poll.done(std::nullopt);
                   }
                   Line& line = lines_[activity];
                   enter(activity, line, line.pollers.begin(), poller);
               }
               match(activity);
           });
}

/// The worker who took it went away before it was handed over: it is the first for the next one.
void Activities::offer_again(const std::string& activity, Entry entry, uint64_t nonce) {
    {
        const std::lock_guard lock(mutex_);
        if (stopped_) return;
        entry.nonce = nonce;
        Line& line = lines_[activity];
        const auto [it, is_new] = places_.try_emplace(key_of(entry.id, entry.task));
        if (!is_new) return;
        line.tasks.push_front(std::move(entry));
        it->second = {activity, line.tasks.begin()};
        queued.add(1);
    }
    match(activity);
}

void Activities::expire() {
    name_thread("activities");
    std::unique_lock lock(mutex_);
    while (!stopped_) {
        const auto now = std::chrono::steady_clock::now();
        Pollers late;
        while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
            const auto [activity, poller] = deadlines_.begin()->second;
            const auto line = lines_.find(activity);
            late.push_back(leave(line->second, poller));
            forget_if_empty(line);
        }
        if (late.empty()) {
            if (deadlines_.empty()) {
                changed_.wait(lock);
            } else {
                const auto next = deadlines_.begin()->first;  // which may be gone meanwhile
                changed_.wait_until(lock, next);
            }
            continue;
        }
        lock.unlock();
        for (const auto& poller : late) poller->poll.done(std::nullopt);
        late.clear();
        lock.lock();
    }
}

}  // namespace tandem
