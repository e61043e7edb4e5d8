// How a task reads that waited for a batch job which it had begun (slurm:submitJob.sync,
// batch:submitJob.sync): what the job's execution ended with, as lang/job words it.
#include "lang/asl/integration/integration.h"

namespace tandem::asl {

Outcome<json::Value> job_result(const ExecutionSummary& child, std::string_view service) {
    if (child.status == ExecutionStatus::kSucceeded) {
        auto detail = json::parse(child.output.view());
        return detail ? *std::move(detail) : json::Value();
    }
    // AWS Batch's jobs have no errors of their own: the cause tells.
    if (service == kBatch) return tl::unexpected(Failure{std::string(kTaskFailed), child.cause});
    const char* fallback =
        child.status == ExecutionStatus::kAborted ? "Slurm.JobStopped" : "Slurm.JobFailed";
    return tl::unexpected(Failure{child.error.value_or(fallback), child.cause});
}

}  // namespace tandem::asl
