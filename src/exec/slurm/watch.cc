// The thread that waits for jobs to end: it looks at their directories when they say so, and asks
// Slurm after all of them at once, now and then.
#include "exec/slurm/watch.h"

#include <algorithm>

#include "base/log.h"
#include "exec/slurm/stage.h"

namespace tandem::slurm {

namespace {

constexpr int kStageTries = 6;       // in all about a minute
constexpr int64_t kSignalled = 128;  // exit codes above: a shell's word for a signal

}  // namespace

void Jobs::watch() {
    const auto orphans_due = Steady::now() + ms(options_.orphans_ms);
    auto next_orphans = orphans_due;
    std::unique_lock lock(mutex_);
    while (!is_closed_) {
        const auto now = Steady::now();
        auto next = next_orphans;
        std::vector<WatchPtr> looks, asks;
        for (const auto& [id, watch] : watches_) {
            const bool is_due = watch->is_hinted || watch->next_look <= now;
            watch->is_hinted = false;
            if (is_due) looks.push_back(watch);
            if (watch->next_ask <= now) asks.push_back(watch);
            next = std::min({next, watch->next_ask, watch->next_look});
        }
        const bool has_orphans = next_orphans <= now;
        if (looks.empty() && asks.empty() && !has_orphans) {
            has_news_.wait_until(lock, next);
            continue;
        }
        lock.unlock();
        if (!looks.empty()) look_at(looks);
        if (!asks.empty()) ask(asks);
        if (has_orphans) {
            give_up_orphans();
            next_orphans = Steady::now() + ms(options_.orphans_ms);
        }
        lock.lock();
    }
}

/// Attempts of an earlier run of this server that no execution waits for: it was stopped, and the
/// server ended before it could say so to Slurm.
void Jobs::give_up_orphans() {
    std::set<std::string> orphans;
    {
        const std::lock_guard lock(mutex_);
        orphans.swap(orphans_);
    }
    for (const std::string& orphan : orphans) post([this, orphan] { abandon(orphan); });
}

/// False: the directory cannot be read now.
bool Jobs::read_files(Watch& watch) {
    const auto ended = [&] {
        return std::count_if(watch.files.begin(), watch.files.end(),
                             [](const auto& one) { return one.second.exit_code.has_value(); });
    };
    const auto before = ended();
    if (!watch.attempt.look(watch.files)) return false;
    if (ended() > before) watch.is_asked = false;
    // A copy that was submitted in doubt may be the one that runs.
    for (const auto& [index, one] : watch.files) {
        if (one.job != 0 && !watch.is_array) watch.job = one.job;
    }
    return true;
}

void Jobs::look_at(const std::vector<WatchPtr>& watches) {
    for (const WatchPtr& watch : watches) {
        watch->next_look = Steady::time_point::max();
        if (!read_files(*watch)) {
            watch->next_look = Steady::now() + ms(options_.look_ms);
            continue;
        }
        decide(watch);
    }
}

void Jobs::ask(const std::vector<WatchPtr>& watches) {
    std::vector<uint64_t> ids;
    for (const WatchPtr& watch : watches) {
        if (watch->job != 0) ids.push_back(watch->job);
    }
    const auto found = scheduler_.find(ids);
    const auto next = Steady::now() + ms(options_.poll_ms);
    if (!found) {
        // Nothing is known: nothing is decided but by what the files say.
        log_warning("Slurm cannot be asked", {{"error", found.error().message}});
        for (const WatchPtr& watch : watches) {
            watch->next_ask = next;
            watch->missing.reset();
            note_stage(watch->attempt.id(), "Slurm cannot be asked: " + found.error().message);
        }
        return look_at(watches);
    }
    for (const WatchPtr& watch : watches) {
        watch->next_ask = next;
        if (!read_files(*watch)) continue;
        take(*watch, *found);
        if (watch->missing) request_past(watch);
        std::vector<JobInfo> own;
        for (const JobInfo& info : *found) {
            if (info.name == watch->attempt.id()) own.push_back(info);
        }
        note_stage(watch->attempt.id(),
                   own.empty() ? "is not known to Slurm as job " + std::to_string(watch->job)
                               : stage_of(own, watch->is_array, watch->indices.size(),
                                          system_clock().now()));
        decide(watch);
    }
}

/// What Slurm says of it, which is nothing where the number is another job's.
void Jobs::take(Watch& watch, const std::vector<JobInfo>& found) {
    watch.is_asked = true;
    bool is_known = false;
    std::map<int64_t, JobInfo> infos;
    for (const JobInfo& info : found) {
        if (info.name != watch.attempt.id()) continue;
        is_known = true;
        watch.submitted = info.submitted;
        if (!watch.is_array) infos.insert_or_assign(0, info);
        else if (info.array_index) infos.insert_or_assign(int64_t(*info.array_index), info);
        else if (is_over(info.state) && info.array_waiting.empty()) {
            // What waited of an array, cancelled: of all indices without a record.
            for (const int64_t index : watch.indices) infos.try_emplace(index, info);
        }
    }
    watch.infos = std::move(infos);
    if (is_known) watch.missing.reset();
    else if (!watch.missing) watch.missing = Steady::now();
}

/// Slurm does not know it, and has said so for long enough. Where nothing has begun nothing will.
void Jobs::missing(Watch& watch) {
    for (const int64_t index : watch.indices) {
        if (watch.files[index].exit_code || watch.lost.count(index) != 0) continue;
        if (watch.infos.count(index) != 0) continue;  // it has ended, says accounting
        if (watch.files[index].is_claimed && !watch.files[index].is_revoked) {
            if (Steady::now() - *watch.missing >= ms(options_.lost_ms)) watch.lost.insert(index);
            continue;
        }
        const auto revoked = watch.attempt.revoke(index);
        if (!revoked || !*revoked) continue;  // it has just begun: looked at again
        watch.files[index].is_revoked = true;
        watch.lost.insert(index);
    }
}

void Jobs::decide(const WatchPtr& watch) {
    if (watch->missing) {
        if (awaits_past(*watch)) return;
        take_past(*watch);
        missing(*watch);
    }
    const auto now = Steady::now();
    bool is_over_now = true;
    for (const int64_t index : watch->indices) {
        if (watch->lost.count(index) != 0 || watch->files[index].exit_code) continue;
        const auto info = watch->infos.find(index);
        if (info == watch->infos.end() || !is_over(info->second.state)) {
            is_over_now = false;
            continue;
        }
        // What Slurm saw end was a second copy: of the first one, it does not know any more.
        const bool is_copy = watch->files[index].is_claimed && !watch->files[index].is_revoked &&
                             info->second.exit_code == kExitOfCopy;
        // Its files may be on their way here.
        const auto since = watch->over.try_emplace(index, now).first->second;
        if (is_copy && now - since >= ms(options_.lost_ms)) {
            watch->lost.insert(index);
            continue;
        }
        if ((now - since >= ms(options_.files_ms) && !is_copy) || !watch->files[index].is_claimed) {
            // No copy may begin after this.
            if (watch->files[index].is_claimed) continue;
            const auto revoked = watch->attempt.revoke(index);
            if (revoked && *revoked) {
                watch->files[index].is_revoked = true;
                continue;
            }
        }
        is_over_now = false;
        watch->next_look = now + ms(options_.look_ms);
    }
    if (!is_over_now) return;
    // Nodes and times are Slurm's to tell, and why it ended a command by a signal, which it says a
    // little later. Without it, the files suffice.
    const auto since = watch->all_over.value_or(now);
    const bool is_settled =
        std::none_of(watch->indices.begin(), watch->indices.end(), [&](int64_t index) {
            const IndexFiles& files = watch->files[index];
            const auto info = watch->infos.find(index);
            return files.exit_code.value_or(0) > kSignalled && !files.timed_out &&
                   watch->lost.count(index) == 0 &&
                   (info == watch->infos.end() || !is_over(info->second.state));
        });
    if (!watch->all_over) watch->next_ask = now;
    else if (!is_settled && now - since < ms(options_.settle_ms))
        watch->next_ask = now + ms(options_.look_ms);
    else if (watch->is_asked || now - since >= ms(options_.look_ms)) return finish(watch);
    watch->all_over = since;
}

/// Whether nothing is left to be copied of what a job has left that succeeded.
bool Jobs::has_staged_out(const WatchPtr& watch) {
    const IndexFiles& files = watch->files[0];
    const bool is_good = files.exit_code == 0 && files.unjoined.empty();
    if (watch->stage_out.empty() || !is_good) return true;
    {
        const std::lock_guard lock(mutex_);
        if (watch->is_staged || watch->is_staging) return watch->is_staged;
        watch->is_staging = true;
    }
    post([this, watch] { stage_out_of(watch); });
    return false;
}

void Jobs::stage_out_of(const WatchPtr& watch) {
    const auto ok = stage_out(options_.buckets, watch->stage_out, watch->attempt.path(), ends_);
    {
        std::unique_lock lock(mutex_);
        if (!ok && ok.error().code == ErrorCode::kUnavailable &&
            ++watch->staged_in_vain < kStageTries) {
            has_work_.wait_for(lock, std::chrono::seconds(int64_t(1) << watch->staged_in_vain),
                               [&] { return is_closed_; });
        } else {
            watch->is_staged = true;
            if (!ok) watch->stage_error = ok.error().message;
        }
        watch->is_staging = false;
        watch->is_hinted = true;
    }
    has_news_.notify_one();
}

void Jobs::finish(const WatchPtr& watch) {
    if (!has_staged_out(watch)) return;
    ReportOf of;
    of.stage_error = watch->stage_error;
    of.attempt = watch->attempt.id();
    of.job = watch->job;
    of.directory = watch->attempt.path().string();
    of.is_array = watch->is_array;
    size_t results = options_.result_bytes;
    for (const int64_t index : watch->indices) {
        IndexEnd end;
        end.index = index;
        end.files = watch->files[index];
        if (const auto info = watch->infos.find(index); info != watch->infos.end())
            end.job = info->second;
        end.is_lost = watch->lost.count(index) != 0;
        const bool is_good = end.files.exit_code == 0;
        if (!watch->is_array || !is_good) {
            end.out = watch->attempt.tail("stdout", index, options_.tail_bytes);
            end.error = watch->attempt.tail("stderr", index, options_.tail_bytes);
            // Of one that did not start, what the wrapper or Slurm had to say.
            if (end.error.empty())
                end.error = watch->attempt.tail("slurm", index, options_.tail_bytes);
        }
        end.result = watch->attempt.result(index, results);
        if (end.result) results -= std::min(results, end.result->size());
        of.ends.push_back(std::move(end));
    }
    TaskResult result;
    result.payload = Payload(json::print(report(of)));
    {
        const std::lock_guard lock(mutex_);
        const auto at = watches_.find(watch->attempt.id());
        if (at == watches_.end() || at->second != watch) return;
        watches_.erase(at);
        stages_.erase(watch->attempt.id());
        open_.erase(watch->key);
    }
    watch->attempt.close();
    watch->done(std::move(result));
}

}  // namespace tandem::slurm
