// What an execution waits for, for people.
#pragma once

#include <vector>

#include "json/value.h"
#include "lang/asl/execution.h"
#include "lang/asl/program.h"
#include "model/language.h"

namespace tandem::asl {

/// One entry per task, timer and retry, in the order of scopes. Nothing for a closed execution.
std::vector<Waiting> waiting(const Definition& definition, const Execution& execution);

/// {path: id} of the executions that tasks have begun and wait for.
json::Value awaited_children(const Definition& definition, const Execution& execution);

}  // namespace tandem::asl
