// Whether an execution can be redriven, in AWS's words. The door knows the periods; that the
// execution is in the right state when the redrive comes, the engine makes sure.
#pragma once

#include <optional>
#include <string>

#include "api/aws/door.h"
#include "json/value.h"
#include "model/execution.h"

namespace tandem::states {

/// The redriveStatusReason of an execution that is NOT_REDRIVABLE.
std::optional<std::string> not_redrivable(const aws::Context& context,
                                          const ExecutionSummary& summary);

/// Sets redriveCount, and redriveDate where there is one.
void set_redrives(const ExecutionSummary& summary, json::Value& out);

/// Sets redriveStatus and redriveStatusReason.
void set_redrive_status(const aws::Context& context, const ExecutionSummary& summary,
                        json::Value& out);

}  // namespace tandem::states
