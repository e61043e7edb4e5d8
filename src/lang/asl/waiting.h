// What an execution waits for, for people.
#pragma once

#include <vector>

#include "lang/asl/execution.h"
#include "lang/asl/program.h"
#include "model/language.h"

namespace tandem::asl {

/// One entry per task, timer and retry, in the order of scopes. Nothing for a closed execution.
std::vector<Waiting> waiting(const Definition& definition, const Execution& execution);

}  // namespace tandem::asl
