// What is said to slurmrestd and what it answers, in each of its API versions. Pure; foreign bytes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "exec/slurm/scheduler.h"

namespace tandem::slurm {

/// A version of the API that this build speaks.
struct RestApi {
    int number = 38;  // of "v0.0.38"
    /// From v0.0.40 on numbers may be {"set", "infinite", "number"}, states and variables are
    /// lists.
    bool is_typed() const { return number >= 40; }
    /// "/slurm/v0.0.38"
    std::string root() const;
    /// "/slurmdb/v0.0.38", where slurmrestd has that and the site has accounts.
    std::string past_root() const;
};

/// The newest that both sides speak, by what /openapi/v3 lists. Errors: kUnsupported (names those
/// that are offered), kInternal (no such document).
Result<RestApi> choose_api(std::string_view openapi);
/// "v0.0.38". Error: kUnsupported.
Result<RestApi> parse_api(std::string_view version);

/// Error: kUnsupported (this version cannot say it), kInvalidArgument.
Result<std::string> print_submission(const RestApi& api, const Submission& submission);

/// Answers are judged by what they say: an HTTP status of 500 may be a refusal, a missing job, or a
/// fault, and one of 200 may come with complaints about a job that was accepted. Errors of these
/// three: as of the Scheduler's calls.
Result<uint64_t> read_submitted(std::string_view body);
/// Nothing if Slurm says that there is no such job.
Result<std::vector<JobInfo>> read_jobs(std::string_view body);
/// Of the accounting database's jobs. An exit code of 0 that is not that of a success is none.
Result<std::vector<JobInfo>> read_past_jobs(std::string_view body);
/// Nothing if there is no such job any more.
Result<void> read_cancelled(std::string_view body);

}  // namespace tandem::slurm
