// Scenario: one workload and the faults that it meets, read from a TOML file in scenarios/.
// Together with a seed it determines a run. Plain data.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"

namespace tandem::sim {

struct Workload {
    int64_t executions = 30;    // started over the run
    int64_t machines = 4;       // generated definitions
    int64_t depth = 2;          // of Parallel and Map states in each other
    bool timeouts = false;      // tasks have TimeoutSeconds: outputs then depend on the faults
    double stop = 0;            // of a client's calls: StopExecution
    double repeat_start = 0.1;  // of a client's calls: a StartExecution that was made before
};

/// Probabilities are per step of the run; a step is one turn, commit, answer, call or clock tick.
struct Faults {
    double crash = 0;             // between two steps
    double crash_in_append = 0;   // of appends: before, in the middle of, or after the sync
    double append_error = 0;      // of appends: an I/O error, after which the server is restarted
    int64_t stall_ms = 0;         // an append may take this long
    double duplicate_answer = 0;  // of answers: given twice
    double lost_worker = 0;       // of tasks: answered as lost
    int64_t answer_ms = 50;    // mean time of a task; exponential, so answers overtake each other
    double clock_jump = 0;     // forward by up to an hour, or back by up to 5 s
    int64_t mailbox = 65'536;  // inputs per shard
};

struct Scenario {
    std::string name;
    Workload workload;
    Faults faults;
};

/// Errors: kInvalidArgument names the key that is unknown or of the wrong type.
Result<Scenario> parse_scenario(std::string_view name, std::string_view toml);
Result<Scenario> read_scenario(const std::filesystem::path& file);

}  // namespace tandem::sim
