// Agents: the server's end of agents, an executor of the functions that are placed on pools. A pool
// is a name under which agents connect and functions run; one that no agent serves is a queue. Safe
// from every thread. Invariant: each task is answered once, whatever is sent twice or comes late.
// Nothing of it is durable: what was open when the server dies is the engine's to call again, and
// agents that come back are told to forget it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/limits.h"
#include "exec/executor.h"
#include "net/http.h"
#include "store/blob/blob_store.h"

namespace tandem {

struct AgentsOptions {
    std::filesystem::path log_directory;  // where the local pool keeps its functions' logs
    std::string account = "123456789012";
    std::string region = "us-east-1";
    Limits limits;
    std::string token_key;
    int64_t heartbeat_ms = 2'000;  // three missed: the connection is given up
    int64_t resume_ms = 10'000;    // then its agent has so long to come back
    int64_t token_s = 86'400;      // of renewed tokens; a connection's is renewed at half of it
    bool renews_tokens = true;
    size_t queued_calls = 100'000;  // of one pool; beyond, calls are throttled
    // Their agents are preempted as a matter of course: calls that are lost with one run again, in
    // the pool that is named here, which may be the same.
    std::map<std::string, std::string> harvest_pools;
    const Clock* clock = &system_clock();
};

struct AgentStatus {
    std::string id;
    std::string node;
    uint64_t slots = 0;
    uint64_t free_slots = 0;
    uint64_t memory_mb = 0;  // 0: not counted
    uint64_t gpus = 0;
    uint64_t running = 0;  // calls
    bool connected = false;
    bool draining = false;
};

struct AgentPoolStatus {
    std::string pool;
    uint64_t queued = 0;        // calls that wait for an agent with room
    uint64_t running = 0;       // calls that agents have
    Timestamp oldest_queued{};  // since when the oldest waits; 0: none does
    std::string reason;         // why it waits; empty: none does
    std::vector<AgentStatus> agents;
};

class Agents : public Executor {
public:
    /// `loops` and `blobs` must outlive it.
    static std::shared_ptr<Agents> make(net::EventLoops& loops, BlobStore& blobs,
                                        AgentsOptions options);
    /// A request for agent::kConnectPath: upgrades the connection of an agent whose token is good.
    virtual void connect(net::HttpRequest request, net::HttpReply reply) = 0;
    /// For agents that are started with it. `agent`: the only name it may have, or empty.
    virtual std::string token(std::string_view pool, std::string_view agent, int64_t valid_s) = 0;
    /// Of a pool that nobody has heard of, too: it is empty.
    virtual AgentPoolStatus status(std::string_view pool) const = 0;
    virtual std::vector<std::string> pools() const = 0;
    /// The agent gets no more calls, and ends when it has answered those it has. False: no such.
    virtual bool drain(std::string_view pool, std::string_view agent) = 0;
    /// From now on the agent gets only calls whose functions' time limits are over by then. False:
    /// no such.
    virtual bool ends(std::string_view pool, std::string_view agent, Timestamp at) = 0;
    /// The agent cannot come back, and why: its calls are lost now, or as soon as its connection
    /// breaks, without waiting for it. False: no such.
    virtual bool gone(std::string_view pool, std::string_view agent, const std::string& why) = 0;
    /// Called after agents or waiting calls of a pool came or went; often, so it must be quick. Set
    /// before the first task; it may be called for a moment after stop().
    virtual void on_change(std::function<void(const std::string& pool)> changed) = 0;
};

}  // namespace tandem
