// Which variables the states of a definition refer to, as DescribeStateMachine tells: tools check
// by it whether a state may be moved or tested alone. Pure.
#pragma once

#include <string_view>
#include <vector>

#include "model/language.h"

namespace tandem::asl {

/// The states that refer to variables, those of branches and item processors too, in the order in
/// which they are written; names in the order in which they appear, each once and without `$`.
/// Empty for a text that is no definition.
std::vector<VariableReferences> variable_references(std::string_view definition);

}  // namespace tandem::asl
