// What a pool of pilots needs next: pure, so that it can be tested without a cluster. A pilot is a
// batch job that runs an agent on each of its nodes for as long as its time limit lets it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"

namespace tandem::pilots {

/// [pools.NAME]: what an operator lets a pool have of the cluster. Empty and zero: Slurm's default.
struct Pool {
    std::string name;
    std::string user, partition, account, qos, constraint, reservation;
    int64_t nodes = 1;              // of a pilot
    int64_t cpus = 1;               // slots of its agent on each node
    int64_t memory_mb = 0;          // per node; 0: agents count none
    std::string gpus_per_node;      // "2", "big:1"
    int64_t walltime_minutes = 60;  // of a pilot
    int64_t min_pilots = 0;
    int64_t max_pilots = 1;
    int64_t idle_s = 300;       // without a call, a pilot beyond `min_pilots` ends
    int64_t patience_s = 1;     // so long a call waits before one more pilot is asked for
    int64_t successor_s = 120;  // before its end, a pilot counts as gone: the next one is asked
                                // for, and this one gets only calls that are over by then
    int64_t drain_s = 60;       // before its end, a pilot gets no more calls
    int64_t away_s = 600;       // an agent without its server leaves after so long; 0: never
    bool harvest = false;       // lost calls run elsewhere: of a partition whose jobs are preempted
    std::string retry_pool;     // where; empty: in this pool
    bool isolate = true;        // functions see only what is theirs
};

enum class PilotState : uint8_t {
    kSubmitting,  // Slurm may or may not have it
    kWaiting,     // in Slurm's queue
    kRunning,
    kLeaving,  // gets no more calls, and ends when it has answered those it has
};

std::string_view to_string(PilotState state);

struct Pilot {
    std::string id;
    PilotState state = PilotState::kSubmitting;
    Timestamp ends{};       // by its time limit; epoch: it has not begun
    Timestamp last_busy{};  // a call ran, or it was not there yet
    bool is_idle = false;   // has agents, and no call runs
};

/// What waits and runs on the pool's agents.
struct Demand {
    uint64_t queued = 0;  // calls
    uint64_t busy_slots = 0;
    Timestamp oldest_queued{};  // epoch: none
};

struct Plan {
    int64_t submit = 0;               // so many more
    std::vector<std::string> cancel;  // of those that wait
    std::vector<std::string> drain;   // of those that run
    std::vector<std::string> ending;  // of those that run: get no calls that may take too long
};

Plan plan(const Pool& pool, const std::vector<Pilot>& pilots, const Demand& demand, Timestamp now);

/// How long to leave Slurm alone after so many failures in a row: 1 s to 5 minutes.
Duration back_off(int64_t failures);

}  // namespace tandem::pilots
