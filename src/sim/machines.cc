#include "sim/machines.h"

#include <algorithm>

#include "lang/asl/mock.h"
#include "lang/asl/testing/random_machine.h"
#include "sim/world.h"

namespace tandem::sim {

namespace {

constexpr int64_t kExpressWait_s = 5, kExpressRounds = 10;
constexpr int kMockedStates = 60;  // by name: every third of them

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

std::string machine_definition(const Workload& workload, MachineType type, bool is_exact,
                               uint64_t seed) {
    auto options = options_of(workload, is_exact);
    options.has_later_tasks = workload.later_tasks && type != MachineType::kExpress;
    options.has_services = workload.services;
    options.has_map_runs = workload.map_runs && type == MachineType::kStandard;
    if (type == MachineType::kStandard && workload.children > 0)
        options.child = "k" + std::to_string(seed % uint64_t(workload.children));
    if (type == MachineType::kExpress) {
        options.longest_wait_s = std::min(options.longest_wait_s, kExpressWait_s);
        options.rounds = std::min(options.rounds, kExpressRounds);
    }
    asl::testing::RandomMachine machine(seed, options);
    return json::print(machine.machine(int(workload.depth)));
}

std::string machine_attributes(const std::string& machine) {
    return asl::testing::RandomMachine::attributes(machine);
}

std::string mocked_attributes(const std::string& machine, bool is_exact) {
    using json::Value;
    // A task's answer in any of the forms that states ask for.
    const Value answer = Value::object({{"r", 7},
                                        {"Payload", Value::object({{"r", 7}})},
                                        {"StatusCode", 200},
                                        {"Output", "7"},
                                        {"Status", "SUCCEEDED"},
                                        {"ExecutedVersion", "$LATEST"}});
    const Value returns = Value::object({{"Return", answer}});
    const Value throws =
        Value::object({{"Throw", Value::object({{"Error", "E"}, {"Cause", kFailure}})}});
    Value states = Value::object();
    for (int i = 0; i < kMockedStates; i += 3) {
        Value calls = Value::object();
        if (is_exact) calls.set("0-1000000", i % 2 == 0 ? returns : throws);
        else calls.set("0", throws).set("1-4", returns);
        states.set("s" + std::to_string(i), std::move(calls));
    }
    Value attributes = *json::parse(machine_attributes(machine));
    return json::print(attributes.set(asl::kMocksFact, std::move(states)));
}

}  // namespace tandem::sim
