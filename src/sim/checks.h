// Checks: what must hold of every execution whatever happened to the server. Each answers an empty
// string, or what is wrong. Pure.
#pragma once

#include <string>
#include <vector>

#include "model/event.h"
#include "model/execution.h"
#include "model/language.h"

namespace tandem::sim {

/// Numbers without gaps, causes before effects, one end, each task answered at most once and each
/// state left at most once, no timer before its time, nothing later than `latest`.
std::string check_history(const std::vector<Event>& events, Timestamp latest);

/// The stored summary is what the events fold to: status, open tasks, next due time.
std::string check_fold(const Language& language, const Program& program,
                       const std::vector<Event>& events, const ExecutionSummary& summary);

/// A hash over the first `count` events as they are stored.
uint64_t hash_of(const std::vector<Event>& events, size_t count);

}  // namespace tandem::sim
