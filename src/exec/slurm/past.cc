// What accounting knows of attempts that slurmctld does not know any more. It is asked by a thread
// of its own: a site's database may be slow, or gone, and then all is as without one.
#include <algorithm>
#include <utility>

#include "base/log.h"
#include "exec/slurm/watch.h"

namespace tandem::slurm {

namespace {

bool is_of(const JobInfo& info, const std::string& name, uint64_t job) {
    return info.name == name && (info.id == job || info.array_id == job);
}

}  // namespace

/// The thread: all that are asked for at a time in one question.
void Jobs::ask_past() {
    std::unique_lock lock(mutex_);
    while (true) {
        has_past_.wait(lock, [&] { return is_closed_ || !past_asks_.empty(); });
        if (is_closed_) return;
        const std::vector<WatchPtr> asks = std::exchange(past_asks_, {});
        std::vector<std::pair<std::string, uint64_t>> jobs;
        for (const WatchPtr& watch : asks) jobs.emplace_back(watch->attempt.id(), watch->past_job);
        lock.unlock();
        std::vector<uint64_t> ids;
        for (const auto& [name, job] : jobs) ids.push_back(job);
        std::sort(ids.begin(), ids.end());
        ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
        const auto found = scheduler_.find_past(ids);
        if (!found && found.error().code != ErrorCode::kUnsupported)
            log_warning("Slurm's accounting cannot be asked", {{"error", found.error().message}});
        lock.lock();
        if (!found) past_resumes_ = Steady::now() + ms(options_.past_again_ms);
        for (size_t i = 0; i < asks.size(); ++i) {
            asks[i]->is_past_asked = false;
            asks[i]->is_hinted = true;
            if (!found) continue;
            asks[i]->past.clear();
            for (const JobInfo& info : *found) {
                if (is_of(info, jobs[i].first, jobs[i].second)) asks[i]->past.push_back(info);
            }
        }
        has_news_.notify_one();
    }
}

/// Unless it has said all, or has just been asked, or does not answer these days.
void Jobs::request_past(const WatchPtr& watch) {
    const bool is_told =
        std::all_of(watch->indices.begin(), watch->indices.end(),
                    [&](int64_t index) { return watch->past_taken.count(index) != 0; });
    const auto now = Steady::now();
    if (watch->job == 0 || is_told || now - watch->past_asked < ms(options_.poll_ms)) return;
    const std::lock_guard lock(mutex_);
    if (watch->is_past_asked || now < past_resumes_) return;
    watch->is_past_asked = true;
    watch->past_asked = now;
    watch->past_job = watch->job;
    past_asks_.push_back(watch);
    has_past_.notify_one();
}

/// Nothing is decided while its answer may still come.
bool Jobs::awaits_past(Watch& watch) {
    const auto until = watch.past_asked + ms(options_.past_ms);
    const std::lock_guard lock(mutex_);
    if (!watch.is_past_asked || Steady::now() >= until) return false;
    watch.next_look = std::min(watch.next_look, until);
    return true;
}

/// The ends that it knows of become what Slurm says of the indices.
void Jobs::take_past(Watch& watch) {
    std::vector<JobInfo> past;
    {
        const std::lock_guard lock(mutex_);
        past = watch.past;
    }
    // The same attempt under the same number, submitted again after slurmctld had lost it: the last
    // one, or the one that slurmctld told of.
    std::sort(past.begin(), past.end(), [](const JobInfo& a, const JobInfo& b) {
        return a.array_index.has_value() != b.array_index.has_value() ? a.array_index.has_value()
                                                                      : a.submitted > b.submitted;
    });
    const auto now = system_clock().now();
    const bool is_long = Steady::now() - *watch.missing >= ms(options_.lost_ms);
    const auto take = [&](int64_t index, const JobInfo& info) {
        const IndexFiles& files = watch.files[index];
        // An end that Slurm has but assumed when it lost the job: a node may still be at it.
        const bool is_running = files.is_claimed && !files.is_revoked && !files.exit_code;
        if (is_running && !is_long && now < info.ended + ms(options_.lost_ms)) return;
        watch.infos.try_emplace(index, info);
        watch.past_taken.insert(index);
    };
    for (const JobInfo& info : past) {
        const bool is_other = watch.submitted != Timestamp{} && info.submitted != watch.submitted;
        if (!is_over(info.state) || is_other) continue;
        if (!watch.is_array) take(0, info);
        else if (info.array_index) take(int64_t(*info.array_index), info);
        else if (info.array_id != 0) {
            for (const int64_t index : watch.indices) take(index, info);
        }
    }
}

}  // namespace tandem::slurm
