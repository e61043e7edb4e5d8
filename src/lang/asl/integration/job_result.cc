// How a task reads that waited for a batch job which it had begun (slurm:submitJob.sync): what the
// job's execution ended with, as lang/job words it.
#include "lang/asl/integration/integration.h"

namespace tandem::asl {

Outcome<json::Value> job_result(const ExecutionSummary& child) {
    if (child.status == ExecutionStatus::kSucceeded) {
        auto detail = json::parse(child.output.view());
        return detail ? *std::move(detail) : json::Value();
    }
    const char* fallback =
        child.status == ExecutionStatus::kAborted ? "Slurm.JobStopped" : "Slurm.JobFailed";
    return tl::unexpected(Failure{child.error.value_or(fallback), child.cause});
}

}  // namespace tandem::asl
