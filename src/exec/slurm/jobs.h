// Jobs: the service "slurm" that jobs' executions call (lang/job): `submit` hands an attempt to
// Slurm, `await` answers with the report of how it ended. Both may be called again after a crash of
// this server, and then find what the first call did: nothing is submitted twice, and an attempt's
// command starts at most once (attempt.h). What Slurm does not know any more is lost, never taken
// for done, unless the site's accounting database says how it ended. Threads of its own: some that
// submit and cancel, one that watches, one that asks that database. Safe from every
// thread; an answer comes on one of its threads, and must not block.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "exec/services.h"
#include "exec/slurm/attempt.h"
#include "exec/slurm/scheduler.h"
#include "store/blob/object_store.h"

namespace tandem::slurm {

struct JobsOptions {
    std::filesystem::path directory;  // shared with the nodes
    int64_t poll_ms = 2000;           // how often Slurm is asked after jobs, all in one call
    int64_t look_ms = 200;  // how often directories are looked at of jobs that Slurm ended
    // How long an attempt that Slurm does not know may still be at work before it is called lost:
    // a node that comes back kills such within seconds.
    int64_t lost_ms = 20'000;
    // How long after Slurm's end of a job its files may take to be seen here.
    int64_t files_ms = 5'000;
    // How long Slurm may take to say why it ended a command by a signal.
    int64_t settle_ms = 15'000;
    // How long the accounting database is waited for where slurmctld does not know an attempt, and
    // how long it is left alone after it has not answered.
    int64_t past_ms = 10'000;
    int64_t past_again_ms = 60'000;
    // How long after the start an attempt that nobody asks for is left alone.
    int64_t orphans_ms = 60'000;
    // Preloaded into the ranks of gangs (ranks.c), on the same file system; empty: none is.
    std::filesystem::path ranks_library;
    Buckets* buckets = nullptr;  // that files are staged from and to; outlives Jobs
    size_t submitters = 4;
    size_t tail_bytes = 4096;         // of each of stdout and stderr, in a report
    size_t result_bytes = 64 * 1024;  // of a job's result; of all indices of an array together
};

class Jobs {
public:
    using Answered = std::function<void(TaskResult)>;

    /// `scheduler` outlives it.
    Jobs(Scheduler& scheduler, JobsOptions options);
    ~Jobs();

    /// The call's key is "job:JOBID#TASK"; parameters and context as lang/job says.
    void call(ServiceCall call, Answered done);
    /// URL, but "/ATTEMPT", that jobs submitted from now on tell of their ends.
    void tell_at(std::string url);
    /// Nobody waits any more: what the attempt began is cancelled. False: no such call is open.
    bool cancel(std::string_view key);
    /// A job says that it has ended; false: nobody waits for that attempt.
    bool hint(std::string_view attempt);
    /// What the job is at in Slurm, in words ("waits in Slurm's queue as job 12 (Resources)");
    /// empty: nobody waits for it here, or nothing is known yet.
    std::string stage(std::string_view job);
    /// Calls that are open are dropped, as in a crash.
    void close();

private:
    struct Watch;
    using WatchPtr = std::shared_ptr<Watch>;

    void submit(const ServiceCall& call, const Answered& done);
    void await(const ServiceCall& call, Answered done);
    Result<uint64_t> submit_now(const Attempt& attempt, const JobRequest& request,
                                const std::string& job, int64_t number, const std::string& indices);
    Result<std::optional<uint64_t>> find_by_name(const std::string& name);
    void post(std::function<void()> work);
    void work();

    void watch();
    void look_at(const std::vector<WatchPtr>& watches);
    void ask(const std::vector<WatchPtr>& watches);
    void take(Watch& watch, const std::vector<JobInfo>& found);
    void ask_past();
    void request_past(const WatchPtr& watch);
    bool awaits_past(Watch& watch);
    void take_past(Watch& watch);
    void note_stage(const std::string& attempt, std::string stage);
    void missing(Watch& watch);
    bool read_files(Watch& watch);
    void decide(const WatchPtr& watch);
    void finish(const WatchPtr& watch);
    bool has_staged_out(const WatchPtr& watch);
    void stage_out_of(const WatchPtr& watch);
    void give_up_orphans();
    void abandon(const std::string& attempt);

    Scheduler& scheduler_;
    const JobsOptions options_;

    std::mutex mutex_;
    std::condition_variable has_work_, has_news_, has_past_;
    bool is_closed_ = false;
    std::atomic<bool> ends_ = false;  // as is_closed_, for what takes long
    std::string callback_;
    std::deque<std::function<void()>> work_;
    std::map<std::string, WatchPtr, std::less<>> watches_;    // by attempt
    std::map<std::string, std::string, std::less<>> open_;    // key of a call -> attempt
    std::set<std::string> submitting_;                        // attempts
    std::map<std::string, std::string, std::less<>> stages_;  // of watches
    std::vector<WatchPtr> past_asks_;
    std::chrono::steady_clock::time_point past_resumes_{};  // not asked before
    std::set<std::string> orphans_;  // attempts of an earlier run that nobody has asked for yet
    std::vector<std::thread> threads_;
};

/// Name of the attempt: "td-JOBID-NUMBER", which is the job's in Slurm.
std::string attempt_id(std::string_view job, int64_t number);

}  // namespace tandem::slurm
