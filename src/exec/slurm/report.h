// The report of an attempt, as lang/job reads it and people see it. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "exec/slurm/attempt.h"
#include "exec/slurm/scheduler.h"
#include "json/value.h"

namespace tandem::slurm {

/// What is known of one index when it has come to its end.
struct IndexEnd {
    int64_t index = 0;
    IndexFiles files;
    std::optional<JobInfo> job;  // what Slurm says; none: it does not know it
    bool is_lost = false;        // neither Slurm nor a file says how it ended
    std::string out, error;      // the ends of what it wrote
    std::optional<std::string> result = std::string();  // none: too long to be told
};

struct ReportOf {
    std::string attempt;  // its name
    uint64_t job = 0;     // its number
    std::string directory;
    bool is_array = false;
    std::string stage_error;  // what it left could not be copied; empty: it could
    std::vector<IndexEnd> ends;
};

/// {"Status", "Started", "ExitCode", "Error", "StatusReason", "StartedAt", "StoppedAt" (ms),
/// "Result", "Slurm": {...}}; of an array with "Indices", each the same of one index with "Index";
/// and with "Groups" where those are too many: how others ended, whose "Indices" are "0-3,7".
json::Value report(const ReportOf& of);

/// Where an attempt of `indices` (of an array: more than one, perhaps) is in Slurm, in words, by
/// what Slurm says of it. Empty of one that is over.
std::string stage_of(const std::vector<JobInfo>& infos, bool is_array, size_t indices,
                     Timestamp now);

}  // namespace tandem::slurm
