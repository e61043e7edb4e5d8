// The Durable Task door: the gRPC service that the portable Durable Task SDKs connect to, clients
// and workers alike. A task hub is a namespace, named by the metadata "taskhub". Instances are
// executions (docs/compat/durable-task.md); workers get what waits for them over exec/work_items.
// gRPC's threads call it; nothing it does there blocks for long.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "engine/engine.h"
#include "exec/work_items/work_items.h"

namespace tandem::durabletask {

constexpr size_t kPageBytes = 2u << 20;  // of payloads in a page: clients receive 4 MiB by default
constexpr size_t kInstanceIdChars = 256;
constexpr size_t kNameBytes = 512;                 // of an orchestrator, activity, event
constexpr size_t kRequestBytes = 64u << 20;        // a message that is received
constexpr int kBatchInstances = 500;               // ids in one request
constexpr size_t kPageInstances = 1'000;           // of a query, at most
constexpr size_t kHistoryChunkBytes = 256u << 10;  // streamed
constexpr int64_t kHealthPingMs = 30'000;          // SDKs drop a stream that is silent for 120 s

struct DoorOptions {
    std::string address = "127.0.0.1";
    uint16_t port = 4001;  // 0: any
    std::string tls_certificate;
    std::string tls_key;
    std::string secret;  // that callers have to bring; empty: nobody is asked
};

class DurableTaskDoor {
public:
    /// `later` runs something after so many milliseconds. Error: kIo, the address cannot be had.
    static Result<std::unique_ptr<DurableTaskDoor>> listen(const DoorOptions& options,
                                                           Engine& engine, WorkItems& work_items,
                                                           WorkItems::Later later);
    virtual ~DurableTaskDoor() = default;
    virtual uint16_t port() const = 0;
    /// Ends all streams and calls; blocks until they are over.
    virtual void drain() = 0;
};

}  // namespace tandem::durabletask
