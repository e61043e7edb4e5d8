// What is known of one attempt that is waited for. Private to jobs.cc and watch.cc; its fields
// belong to the watching thread, but where Jobs' mutex guards
// them, as it does `is_hinted`.
#pragma once

#include <chrono>
#include <map>
#include <set>

#include "exec/slurm/jobs.h"
#include "exec/slurm/report.h"

namespace tandem::slurm {

using Steady = std::chrono::steady_clock;

inline std::chrono::milliseconds ms(int64_t count) { return std::chrono::milliseconds(count); }

struct Jobs::Watch {
    explicit Watch(Attempt of) : attempt(std::move(of)) {}

    const Attempt attempt;
    std::string key;  // of the call
    uint64_t job = 0;
    bool is_array = false;
    std::vector<int64_t> indices;
    Answered done;

    std::vector<Staged> stage_out;
    // Guarded by Jobs' mutex: what the job left is being copied, or has been.
    bool is_staging = false, is_staged = false;
    int staged_in_vain = 0;
    std::string stage_error;  // it could not be

    // Guarded by Jobs' mutex: what accounting says of an attempt that slurmctld does not know.
    bool is_past_asked = false;
    uint64_t past_job = 0;      // the number that was asked after
    std::vector<JobInfo> past;  // of this attempt alone

    std::set<int64_t> past_taken;
    Steady::time_point past_asked{};
    Timestamp submitted{};  // as slurmctld said while it knew it; epoch: it was not asked in time
    std::map<int64_t, IndexFiles> files;  // as last read
    std::map<int64_t, JobInfo> infos;     // by index, as Slurm last said
    std::set<int64_t> lost;
    bool is_hinted = false;
    bool is_asked = false;          // Slurm has answered since the last index ended
    Steady::time_point next_ask{};  // at once
    Steady::time_point next_look = Steady::time_point::max();
    std::optional<Steady::time_point> missing;   // since Slurm does not know it
    std::optional<Steady::time_point> all_over;  // since every index has come to an end
    std::map<int64_t, Steady::time_point> over;  // since Slurm says of an index that it is over
};

}  // namespace tandem::slurm
