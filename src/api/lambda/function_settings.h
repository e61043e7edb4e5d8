// The settings that CreateFunction and UpdateFunctionConfiguration share: reading, AWS's checks and
// refusals, and putting them into a record. Absent settings leave the record as it is. Pure.
#pragma once

#include <optional>

#include "api/aws/fields.h"
#include "api/lambda/function_record.h"

namespace tandem::lambda {

/// Reads `body` into `record`. Exceptions: SerializationException, ValidationException,
/// InvalidParameterValueException.
std::optional<aws::ApiError> apply_settings(const json::Value& body, FunctionRecord& record);

}  // namespace tandem::lambda
