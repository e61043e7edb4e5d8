// Map runs as this door names them: an execution "mapRun:<machine>/<label>:<uuid>" inside, an ARN
// outside. Its children are listed under "<machine>/<label>:<uuid>", the runs that an execution
// began under "<machine>:<id of the execution>".
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "api/aws/answer.h"
#include "api/aws/door.h"
#include "model/execution.h"

namespace tandem::states {

/// Exceptions: InvalidArn, ResourceNotFound.
aws::Answer<ExecutionSummary> find_map_run(const aws::Context& context, std::string_view arn);

std::string map_run_arn(const aws::Context& context, const ExecutionSummary& run);
/// Of the execution that began it.
std::string parent_arn(const aws::Context& context, const ExecutionSummary& run);
/// What lists the run's children.
std::string children_of(const ExecutionSummary& run);

/// The run whose child the execution is.
std::optional<std::string> map_run_of(const aws::Context& context,
                                      const ExecutionSummary& execution);

}  // namespace tandem::states
