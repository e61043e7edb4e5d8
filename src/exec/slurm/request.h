// What slurm:submitJob asks for, read from its parameters and checked: a clear error names the
// member. Which partition, account and user it may have is the server's configuration's matter.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "exec/slurm/scheduler.h"
#include "json/value.h"

namespace tandem::slurm {

constexpr int64_t kArrayMost = 10'000;       // indices of one job
constexpr int64_t kAttemptsMost = 10;        // as AWS Batch
constexpr size_t kScriptBytes = 256 * 1024;  // of a command's script
constexpr int64_t kNodesMost = 100'000;
constexpr int64_t kMemoryMostMib = int64_t(1) << 40;

/// How the command is started. On all ranks: by srun with that interface, or by mpirun. kNone:
/// once, on the first node.
enum class Launch { kNone, kSrun, kPmix, kPmi2, kMpirun };

/// A file below the directory `files` of an attempt, and an object of a bucket.
struct Staged {
    std::string bucket, key, path;
};
constexpr size_t kStagedMost = 100;  // each way, of one job
constexpr const char* kFilesDirectory = "files";

struct JobRequest {
    std::string name;
    std::vector<std::string> command;  // or
    std::string script;                // begins with "#!"
    Launch launch = Launch::kNone;
    Submission submission;  // but name, comment, script and files
    std::optional<int64_t> array_size;
    int64_t array_at_once = 0;            // 0: no limit
    std::vector<std::string> depends_on;  // JobIds of this server, or numbers of Slurm
    std::vector<Staged> stage_in, stage_out;
    bool is_batch = false;     // it came as batch:submitJob
    int64_t time_limit_s = 0;  // of an attempt, ours: Slurm counts in minutes
};

/// Error: kInvalidArgument, in the words of the API ("The value for the field 'Nodes' ...").
Result<JobRequest> read_request(const json::Value& parameters);

/// Of parameters that as_project() and from_batch() may have added to, and that are the job's
/// since.
Result<JobRequest> read_admitted(json::Value parameters);

/// "0-3,7" of ascending numbers.
std::string print_indices(const std::vector<int64_t>& indices);
/// The indices of "0-3,7". Error: kInvalidArgument.
Result<std::vector<int64_t>> parse_indices(std::string_view text);

}  // namespace tandem::slurm
