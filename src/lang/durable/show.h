// What is shown of an orchestration.
#pragma once

#include <vector>

#include "lang/durable/orchestration.h"

namespace tandem::durable {

/// Encoded Inspection.
Payload inspection_of(const Orchestration& o);
/// For people.
std::vector<Waiting> waiting_of(const Orchestration& o);

}  // namespace tandem::durable
