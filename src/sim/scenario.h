// Scenario: one workload, the faults that it meets and the server's limits, read from a TOML file
// in scenarios/. Together with a seed it determines a run. Regressions name such runs. Plain data.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tandem::sim {

struct Workload {
    int64_t executions = 30;  // started over the run
    int64_t steps = 0;        // of the part with faults, at least; 0: by the executions
    int64_t machines = 4;     // generated definitions
    int64_t depth = 2;        // of Parallel and Map states in each other
    int64_t states = 10;      // of a definition, about
    int64_t items = 3;        // of the list that Maps go over; 3 or more
    int64_t rounds = 3;       // of loops
    int64_t longest_wait_s = 100'000;
    bool timeouts = false;      // tasks have TimeoutSeconds: outputs then depend on the faults
    bool later_tasks = false;   // some tasks are answered by tokens, or by an activity's workers
    int64_t children = 0;       // further definitions, whose executions are started by such tasks
    bool map_runs = false;      // some Maps are distributed
    bool services = false;      // some tasks call services that answer at once
    double invocations = 0;     // of the executions: queued function calls
    double express = 0;         // of the other executions: Express, without a record
    double mocked = 0;          // of both: with answers in place of some tasks'
    double update = 0;          // of a client's calls: a new definition for a state machine
    double stop = 0;            // of a client's calls: StopExecution
    double redrive = 0;         // of a client's calls: RedriveExecution
    double explain = 0;         // of a client's calls: what an execution waits for
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
    int64_t answer_ms = 50;  // mean time of a task; exponential, so answers overtake each other
    double clock_jump = 0;   // forward by up to an hour, or back by up to 5 s
};

/// What the server is configured with.
struct Server {
    int64_t shards = 2;
    int64_t mailbox = 65'536;            // inputs per shard
    int64_t batch_inputs = 1'024;        // of one turn of a shard
    int64_t passivate_after_ms = 1'000;  // until an idle execution leaves memory
    int64_t decision_events = 1'000;     // then the rest of a decision is deferred
};

struct Scenario {
    std::string name;
    Workload workload;
    Faults faults;
    Server server;
};

/// Errors: kInvalidArgument names the key that is unknown, of the wrong type or out of range.
Result<Scenario> parse_scenario(std::string_view name, std::string_view toml);
Result<Scenario> read_scenario(const std::filesystem::path& file);

/// A run that once showed a bug, and is played in every test since.
struct Regression {
    std::string name;  // of the test: letters, digits and underscores
    std::string scenario;
    uint64_t seed = 0;
    std::string was;      // what it showed
    std::string planted;  // the planted bug that it must find; empty: it must find nothing
};

/// [[run]] tables. Errors: as parse_scenario.
Result<std::vector<Regression>> parse_regressions(std::string_view toml);
Result<std::vector<Regression>> read_regressions(const std::filesystem::path& file);

}  // namespace tandem::sim
