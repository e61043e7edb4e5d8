// RandomMachine: generated definitions for laws and simulations - chains of Pass, Wait, Task and
// Fail, and Parallel and Map around them, with Retry, Catch and Assign. Every one ends, if its
// tasks are answered. Tasks call the function "f"; errors are named "E". The execution's input
// needs a list. Determined by the seed. For tests only.
#pragma once

#include <string>

#include "base/rng.h"
#include "json/value.h"

namespace tandem::asl::testing {

struct RandomMachineOptions {
    bool with_timeouts = true;   // tasks may have TimeoutSeconds
    int64_t longest_wait_s = 5;  // of Wait states
    std::string fail_cause;      // of Fail states: that of the tasks, to make failures alike
};

class RandomMachine {
public:
    explicit RandomMachine(uint64_t seed, RandomMachineOptions options = {})
        : random_(seed), options_(options) {}

    /// A machine whose Parallel and Map states hold machines of `depth` - 1.
    json::Value machine(int depth);

private:
    bool coin() { return random_.next() % 2 == 0; }
    json::Value retry();
    json::Value state(int depth, bool is_last);
    json::Value task();

    SplitMix64 random_;
    RandomMachineOptions options_;
    int next_name_ = 0;
};

}  // namespace tandem::asl::testing
