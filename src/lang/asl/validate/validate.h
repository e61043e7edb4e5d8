// diagnose_definition(): what Step Functions says against a new definition, in its own words. It
// knows more rules than the compiler, and may learn further ones: definitions that were accepted
// once are only compiled (see Language::validate). Pure; finds everything, not only the first
// fault.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/language.h"

namespace tandem::asl {

enum class WorkflowType { kStandard, kExpress };

/// Codes: INVALID_JSON_DESCRIPTION, SCHEMA_VALIDATION_FAILED, DUPLICATE_STATE_NAME,
/// MISSING_TRANSITION_TARGET, MISSING_END_STATE. Locations are JSON pointers with [n] for items.
std::vector<Diagnostic> diagnose_definition(std::string_view text, WorkflowType type);

/// Error: kInvalidArgument, "CODE: message at location, CODE: ..." as CreateStateMachine lists the
/// errors; kTooLarge.
Result<void> validate_definition(std::string_view text, WorkflowType type);

}  // namespace tandem::asl
