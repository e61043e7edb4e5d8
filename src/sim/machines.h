// Machines: the generated definitions of a workload, and the input that their executions get.
#pragma once

#include <string>

#include "sim/scenario.h"

namespace tandem::sim {

std::string machine_input(const Workload& workload);
/// A definition in the States Language. `is_exact`: faults may not change its executions' outputs.
std::string machine_definition(const Workload& workload, bool is_exact, uint64_t seed);
/// The attributes of every execution: constant, so that they change no result.
std::string machine_attributes();

}  // namespace tandem::sim
