// What Slurm's programs print, read. Pure; foreign bytes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "exec/slurm/program.h"
#include "exec/slurm/scheduler.h"

namespace tandem::slurm {

/// squeue's --Format for what JobInfo has. `separator` ends every field; it must be such as no name
/// or comment of a job can contain, and begin with neither a digit nor a dot.
std::string squeue_format(std::string_view separator);

/// squeue's output in that format, with times as seconds since the epoch. Error: kInternal.
Result<std::vector<JobInfo>> read_squeue(std::string_view text, std::string_view separator);

/// sacct's --format for what JobInfo has; --parsable, and `separator` as its --delimiter.
std::string sacct_format();

/// sacct's output in that format, with times as seconds since the epoch. Error: kInternal.
Result<std::vector<JobInfo>> read_sacct(std::string_view text, std::string_view separator);

/// Errors of read_*() below: as of the Scheduler's calls.
Result<uint64_t> read_sbatch(const ProgramEnd& end);
/// Nothing if squeue says that it knows none of the jobs.
Result<std::vector<JobInfo>> read_squeue(const ProgramEnd& end, std::string_view separator);
/// Error also: kUnsupported (Slurm keeps no accounts here).
Result<std::vector<JobInfo>> read_sacct(const ProgramEnd& end, std::string_view separator);
/// Nothing if there is no such job any more.
Result<void> read_scancel(const ProgramEnd& end);

/// The script's exit code and signal out of a wait status, as Slurm keeps it.
void set_exit(JobInfo& job, uint64_t wait_status);
/// Of a job that ran, accounting says CANCELLED without a name where slurmctld came back without
/// knowing it: nobody knows how it ended.
void distrust_cancelled(JobInfo& job, bool has_canceller);
/// Seconds since the epoch; what no clock of Slurm's shows is the epoch.
Timestamp timestamp_of(uint64_t seconds);

}  // namespace tandem::slurm
