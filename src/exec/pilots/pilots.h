// Pilots: keeps batch jobs of each pool at hand that run its agents: as many as its calls need,
// between what an operator wants at least and at most. One thread of its own asks Slurm and decides
// (plan.h). A pilot is known by its name, never by its job's number alone; what is on the disk
// (directory.h) lets a server that was restarted find its pilots again. Pilots outlive this server.
#pragma once

#include <condition_variable>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "exec/agent/agents.h"
#include "exec/pilots/directory.h"
#include "exec/pilots/plan.h"
#include "exec/slurm/scheduler.h"

namespace tandem::pilots {

struct PilotsOptions {
    std::filesystem::path directory;  // of pilots; shared with the nodes
    ScriptOptions script;
    int64_t tick_ms = 250;         // pools are looked at no more often,
    int64_t look_ms = 1'000;       // and at least so often
    int64_t poll_ms = 2'000;       // how often Slurm is asked, of all pilots at once
    int64_t lost_ms = 60'000;      // of one that Slurm does not know and that has no agent
    int64_t connect_ms = 120'000;  // from a pilot's begin to its first agent
    const Clock* clock = &system_clock();
};

struct PilotStatus {
    std::string id;
    uint64_t job = 0;  // 0: Slurm may not have it
    PilotState state = PilotState::kSubmitting;
    std::string reason;    // why Slurm lets it wait
    Timestamp expected{};  // when Slurm thinks that it begins; epoch: it does not say
    Timestamp started{};   // epoch: not yet
    Timestamp ends{};      // by its time limit
    std::string nodes;
};

struct PoolStatus {
    Pool pool;
    std::vector<PilotStatus> pilots;
    std::string trouble;  // why the last pilot could not be had; empty: it could
    Timestamp next_try{};
};

class Pilots {
public:
    /// `scheduler` outlives it.
    Pilots(slurm::Scheduler& scheduler, std::shared_ptr<Agents> agents, std::vector<Pool> pools,
           PilotsOptions options);
    ~Pilots();
    void start();
    /// Pilots stay: their agents come back to the next server.
    void close();
    /// A pool's calls or agents have changed.
    void wake();
    std::vector<PoolStatus> status() const;
    /// Why calls of the pool wait, for people; empty: nothing is known of it.
    std::string why(std::string_view pool) const;

private:
    struct Record;
    struct State;

    void run();
    void adopt();
    void look();
    void ask();
    void take(Record& record, const std::vector<slurm::JobInfo>& found, Timestamp now);
    void lose_agents(const State& state, const std::string& id, const std::string& why);
    void decide(State& state);
    bool submit(State& state);
    void forget(State& state, const std::string& id);
    void failed(State& state, std::string why);

    slurm::Scheduler& scheduler_;
    const std::shared_ptr<Agents> agents_;
    const PilotsOptions options_;
    mutable std::mutex mutex_;  // of what follows; not held while Slurm is asked
    std::condition_variable changed_;
    std::map<std::string, std::unique_ptr<State>, std::less<>> pools_;
    bool is_woken_ = false;
    bool is_closed_ = false;
    std::thread thread_;
};

}  // namespace tandem::pilots
