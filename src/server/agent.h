// What `tandem agent` runs: the processes of a compute node and the connection to the server, or a
// relay; until SIGTERM or SIGINT. And what the server needs of its own for agents.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "server/config.h"

namespace tandem {

struct AgentConfig {
    std::string url;  // "http[s]://host:port"
    std::filesystem::path token_file;
    std::string pool;
    std::string id;                 // empty: made from the node's name
    uint64_t slots = 0;             // 0: as many as there are processors to use
    uint64_t memory_mb = 0;         // 0: not counted
    std::vector<std::string> gpus;  // ids, as CUDA_VISIBLE_DEVICES has them
    std::filesystem::path work;     // packages and private directories; empty: below the system's
                                    // temporary directory, and removed at the end
    std::string ca_file;
    bool isolate = true;
    int64_t grace_s = 30;
    int64_t away_s = 0;  // without its server it leaves after so long; 0: never
};

/// Returns when the agent has left. Errors: why it could not serve, in words for operators.
Result<void> run_agent(const AgentConfig& config);

struct RelayConfig {
    std::string listen;  // "address:port"
    std::string url;
    std::string ca_file;
    std::string tls_certificate;
    std::string tls_key;
    std::string ready_file;  // gets "address:port" once it listens
};

Result<void> run_relay(const RelayConfig& config);

/// The key that agents' tokens are signed with: made at the first start, kept in the data
/// directory.
Result<std::string> load_or_make_agent_key(const std::filesystem::path& data_directory);

}  // namespace tandem
