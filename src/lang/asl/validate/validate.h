// validate_definition(): what Step Functions says against a new definition, in its own words. It
// knows more rules than the compiler, and may learn further ones: definitions that were accepted
// once are only compiled (see Language::validate). Pure; finds everything, not only the first
// fault.
#pragma once

#include <string_view>

#include "base/result.h"

namespace tandem::asl {

enum class WorkflowType { kStandard, kExpress };

/// Error: kInvalidArgument, "CODE: message at location, CODE: ..." as CreateStateMachine lists
/// them. Codes: INVALID_JSON_DESCRIPTION, SCHEMA_VALIDATION_FAILED, DUPLICATE_STATE_NAME,
/// MISSING_TRANSITION_TARGET, MISSING_END_STATE. Locations are JSON pointers with [n] for items.
Result<void> validate_definition(std::string_view text, WorkflowType type);

}  // namespace tandem::asl
