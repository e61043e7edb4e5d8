#include "sim/machines.h"

#include "lang/asl/testing/random_machine.h"
#include "sim/world.h"

namespace tandem::sim {

namespace {

asl::testing::RandomMachineOptions options_of(const Workload& workload, bool is_exact) {
    return {.is_exact = is_exact,
            .with_timeouts = workload.timeouts,
            .longest_wait_s = workload.longest_wait_s,
            .fail_cause = kFailure,
            .states = workload.states,
            .items = workload.items,
            .rounds = workload.rounds};
}

}  // namespace

std::string machine_input(const Workload& workload) {
    return asl::testing::RandomMachine::input(options_of(workload, true));
}

std::string machine_definition(const Workload& workload, bool is_exact, uint64_t seed) {
    asl::testing::RandomMachine machine(seed, options_of(workload, is_exact));
    return json::print(machine.machine(int(workload.depth)));
}

std::string machine_attributes() { return asl::testing::RandomMachine::attributes(); }

}  // namespace tandem::sim
