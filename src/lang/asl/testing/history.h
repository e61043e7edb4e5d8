// The visible events of an execution as entries of an AWS history: what GetExecutionHistory would
// show. Stands in for the Step Functions door in tests of the language alone.
#pragma once

#include <vector>

#include "json/value.h"
#include "model/event.h"

namespace tandem::asl::testing {

/// Array of entries {id, previousEventId, timestamp, type, ...Details}.
json::Value history_of(const std::vector<Event>& events);

}  // namespace tandem::asl::testing
