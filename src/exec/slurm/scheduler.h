// Scheduler: what this server asks of Slurm, whichever way it is asked. Implementations:
// command_line (sbatch, squeue, scancel, sacct), rest (slurmrestd). Calls block for at most the
// call's time limit; safe from every thread. It reports what Slurm says, and nothing else: that a
// job is not known is not its end (jobs.h decides what it means).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace tandem::slurm {

/// A batch job as it is submitted. Empty and zero: Slurm's own default. It is never requeued by
/// Slurm: whether a job runs again is decided, and recorded, by who submitted it.
struct Submission {
    std::string name;     // unique to the attempt, and what it is found by; see check()
    std::string comment;  // likewise
    std::string script;   // begins with "#!"; its "#SBATCH" lines would not count, and are refused
    std::string user;     // Unix user whose job it is; empty: this process's
    std::string partition, account, qos, constraint, reservation;
    int64_t nodes = 0;
    int64_t tasks = 0;
    int64_t tasks_per_node = 0;
    int64_t cpus_per_task = 0;
    int64_t memory_mib = 0;     // per node
    std::string gpus_per_node;  // "2", "big:1"
    int64_t minutes = 0;        // time limit
    std::string array;          // "0-9%4"
    std::string dependency;     // "afterok:12", "singleton"
    std::string signal;         // "B:USR1@30"
    /// All that the job finds beside what Slurm sets itself, and a PATH where there is none here.
    /// Nothing of this process's, no login shell's. Not for people's variables: see check().
    std::map<std::string, std::string> environment;
    std::string directory;      // the job begins in; where there is none, Slurm silently takes /tmp
    std::string output, error;  // files, with Slurm's patterns (%a)
};

enum class JobState : uint8_t {
    kPending,
    kRunning,
    kSuspended,
    kCompleting,
    kCompleted,
    kFailed,
    kCancelled,
    kTimeout,
    kNodeFail,
    kPreempted,
    kBootFail,
    kDeadline,
    kOutOfMemory,
    kOther,  // one that this server does not know; `state_text` has it
};

/// What no way of submitting may carry: a name that could not be found by again (characters that
/// squeue or JSON would take apart), an environment variable that would act on sbatch itself
/// (LD_PRELOAD, SLURM_CONF; a script sets such for its job), "#SBATCH" lines, bytes that are no
/// text. Errors: kInvalidArgument, kTooLarge.
Result<void> check(const Submission& submission);
/// Of the name alone. Error: kInvalidArgument.
Result<void> check_name(std::string_view name);
/// The submission's, and a PATH where it has none.
std::map<std::string, std::string> environment_of(const Submission& submission);

/// "COMPLETED", as Slurm writes it.
std::string_view to_string(JobState state);
/// kOther if it is none of them. Of "CANCELLED by 0" the first word counts; a job that waits to run
/// again is kPending, one whose nodes are being made ready kRunning.
JobState parse_job_state(std::string_view text);
bool is_over(JobState state);

/// One job, or one task of a job array (each has a number of its own once it has been started; the
/// last one gets the array's). Where what waits of an array is cancelled, its record has neither an
/// index nor `array_waiting`, only the array's number: it stands for all indices without a record.
struct JobInfo {
    uint64_t id = 0;
    uint64_t array_id = 0;  // number of the array; 0: none, or no longer told
    std::optional<uint64_t> array_index;
    std::string array_waiting;  // indices that have no record of their own yet: "3-9%2"; slurmrestd
                                // ends a list of more than 64 characters with "..."
    std::string name, comment, user, account, partition;
    JobState state = JobState::kOther;
    std::string state_text;
    std::string reason;     // why it waits, or how it ended
    int64_t exit_code = 0;  // of the script
    int64_t exit_signal = 0;
    Timestamp submitted{};  // whole seconds
    Timestamp started{};    // epoch: not yet; of one that waits, when Slurm expects it to
    Timestamp ended{};      // epoch: not yet (never when Slurm expects it to)
    std::string nodes;      // "n[1-2]"
    std::string tres;       // "cpu=4,mem=100M,node=2"
    int64_t restarts = 0;
    bool is_past = false;  // told by the accounting database, not by slurmctld
};

class Scheduler {
public:
    virtual ~Scheduler() = default;
    virtual std::string_view name() const = 0;
    /// The job's number (an array's: that of all its tasks together). Errors: kInvalidArgument,
    /// kPermissionDenied, kTooLarge (Slurm refused it, in its words); kUnsupported (this way of
    /// asking cannot say it); kUnavailable (it was certainly not accepted: try again); kTimeout,
    /// kInternal (it may have been: look for its name first. It may even arrive after that: a busy
    /// slurmctld takes up messages of clients that are gone). Of a job that was refused Slurm may
    /// keep a record: kFailed with the reason "BadConstraints", begun and ended at once.
    virtual Result<uint64_t> submit(const Submission& submission) = 0;
    /// Those of the numbers that Slurm knows, in any order; of an array all of its tasks. Errors:
    /// kUnavailable, kTimeout, kInternal, kUnsupported (Slurm could not be asked: nothing is
    /// known).
    virtual Result<std::vector<JobInfo>> find(const std::vector<uint64_t>& ids) = 0;
    /// Jobs with exactly that name, whosever they are. Costs the controller a list of all its jobs.
    /// Errors: as find(); kInvalidArgument where no submission could have that name.
    virtual Result<std::vector<JobInfo>> find_named(const std::string& name) = 0;
    /// What the site's accounting database keeps of jobs with those numbers, for what slurmctld has
    /// forgotten. Of all times: numbers are given out twice, so that one may come with several
    /// names and submit times. A record comes some seconds late, and of what slurmctld has lost it
    /// may never end, or be kOther. 22.05's slurmrestd says 0 for any exit code. Errors:
    /// kUnsupported (there is no accounting here), kUnavailable, kTimeout, kInternal (nothing is
    /// known).
    virtual Result<std::vector<JobInfo>> find_past(const std::vector<uint64_t>& ids);
    /// With `name` as a guard where the way of asking has one: numbers are given out twice. No
    /// error where no such job is left. Errors: as find(), kPermissionDenied.
    virtual Result<void> cancel(uint64_t id, const std::string& name) = 0;
};

}  // namespace tandem::slurm
