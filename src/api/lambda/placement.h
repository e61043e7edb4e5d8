// Where a function runs, as its tags say it: tandem:pool, tandem:cpus and tandem:gpus, so that any
// AWS client can. Pure.
#pragma once

#include <optional>

#include "api/lambda/function_record.h"

namespace tandem::lambda {

/// Reads the tags of `record` into its spec; without them it runs on this machine.
/// InvalidParameterValueException.
std::optional<aws::ApiError> apply_placement(FunctionRecord& record);

}  // namespace tandem::lambda
