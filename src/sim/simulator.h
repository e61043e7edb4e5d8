// Simulator: the whole server minus sockets, in one thread, under a seed: stepped engine, simulated
// clock, disk, workers and clients. run() plays a scenario, then lets everything come to rest
// without faults, and says what broke. Equal (scenario, seed) give equal runs.
#pragma once

#include <string>

#include "sim/scenario.h"

namespace tandem::sim {

struct RunOptions {
    bool accepts_torn_records = false;  // planted bug of the simulated disk
};

struct RunResult {
    std::string violation;  // empty: all held
    uint64_t steps = 0;
    uint64_t crashes = 0;
    uint64_t executions = 0;
    uint64_t express = 0;  // of them, those that ended by themselves; not those lost in a crash
    uint64_t redrives = 0;
    uint64_t tokens = 0;    // answers by task tokens that were taken
    uint64_t children = 0;  // executions that others started
    uint64_t appends = 0;
    uint64_t fingerprint = 0;  // of all that was recorded
};

RunResult run(const Scenario& scenario, uint64_t seed, const RunOptions& options = {});

}  // namespace tandem::sim
