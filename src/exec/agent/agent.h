// Agent: the end on a compute node. It dials out to its server, offers slots, and runs the calls
// that it is sent on an executor of its own, whose packages it fetches by digest. It outlives its
// connection: it dials again, says which calls it has, and sends each result until the server has
// acknowledged it. What a server of another life gave it is ended. Safe from every thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "exec/executor.h"
#include "net/http.h"
#include "store/blob/blob_store.h"

namespace tandem {

/// What the server says that its functions' processes have to know.
struct AgentTerms {
    std::string account;
    std::string region;
    size_t request_bytes = 0;
    size_t response_bytes = 0;
    int64_t init_timeout_ms = 0;
    size_t zip_bytes = 0;
    size_t unzipped_bytes = 0;
};

struct AgentOptions {
    std::string url;  // "http[s]://host:port" of the server, or of a relay
    std::string ca_file;
    bool verify_tls = true;
    std::string token;
    std::string pool;
    std::string id;    // unique in the pool; empty: made from the node's name
    std::string node;  // empty: this machine's name
    uint64_t slots = 1;
    uint64_t memory_mb = 0;         // 0: not counted
    std::vector<std::string> gpus;  // ids
    int64_t grace_ms = 30'000;      // to finish calls when it is told to leave
    int64_t away_ms = 0;            // without its server it leaves after so long; 0: never
    int64_t redial_ms_min = 100;
    int64_t redial_ms_max = 5'000;
    size_t log_bytes = 4 * 1024 * 1024;  // of lines that wait to be sent; beyond, they are lost
    using OnLog = std::function<void(std::string_view function, std::string_view lines)>;
    /// Makes the executor, when the terms are known; again after a server's restart, if calls were
    /// running. Called on a thread of the agent's.
    std::function<Result<std::unique_ptr<Executor>>(const AgentTerms&, OnLog)> make_executor;
};

class Agent {
public:
    virtual ~Agent() = default;
    /// `loops` and `blobs` must outlive it.
    static std::shared_ptr<Agent> start(net::EventLoops& loops, BlobStore& blobs,
                                        AgentOptions options);
    /// Takes no more calls; ends when those it has are answered and acknowledged, or its grace is
    /// over.
    virtual void leave() = 0;
    /// Blocks until it has ended. Errors: why it had to (kUnauthenticated, kPermissionDenied: the
    /// server does not want it; kUnavailable: it was away for `away_ms`).
    virtual Result<void> wait() = 0;
    /// Ends at once; calls that run are lost. Blocks.
    virtual void stop() = 0;
    virtual bool is_connected() const = 0;
};

}  // namespace tandem
