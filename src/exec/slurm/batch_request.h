// AWS Batch's SubmitJob in Slurm's terms: a queue is a partition, a job definition one of the
// configuration's, container overrides are a job's own parameters. What has no meaning here is
// refused by its name, not left out. Pure.
#pragma once

#include <string_view>

#include "base/result.h"
#include "exec/slurm/definitions.h"
#include "json/value.h"

namespace tandem::slurm {

/// Member of a job's parameters that no caller can give: what lang/job tells of a job as AWS Batch
/// would ({"JobArn", "JobQueue", ...}).
constexpr std::string_view kBatch = "Batch";

struct BatchJob {
    json::Value parameters;  // of slurm:submitJob, with the definition's
    json::Value told;        // what AWS Batch tells of a job as it was given: Parameters, Tags, ...
};
/// Error: kInvalidArgument, naming the member.
Result<BatchJob> from_batch(const json::Value& parameters, const Definitions& definitions);

}  // namespace tandem::slurm
