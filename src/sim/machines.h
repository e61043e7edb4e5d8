// Machines: the generated definitions of a workload, and the input that their executions get.
#pragma once

#include <string>

#include "sim/scenario.h"

namespace tandem::sim {

std::string machine_input(const Workload& workload);
/// Executions of kChild are started by tasks of kStandard's.
enum class MachineType { kStandard, kExpress, kChild };
/// A definition in the States Language. `is_exact`: faults may not change its executions' outputs.
/// An Express one is done long before its time is over, if nothing holds it up.
std::string machine_definition(const Workload& workload, MachineType type, bool is_exact,
                               uint64_t seed);
/// The attributes of every execution of a machine: constant, so that they change no result.
std::string machine_attributes(const std::string& machine);
/// The same, with answers in place of some tasks'. `is_exact`: the same ones at every call, for
/// which call comes first may depend on the faults.
std::string mocked_attributes(const std::string& machine, bool is_exact);

}  // namespace tandem::sim
