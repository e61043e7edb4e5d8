// WorkItems: what waits for workers that connect by themselves (Durable Task SDKs), and which
// worker has what. Items are pushed, oldest first, to a connected worker that takes their name and
// has room; the connection is the lease: what a lost worker had is given to another one at once.
// Every handing out has a token of its own, so that only who has an item now can answer it. It
// keeps nothing: after a restart the engine adds again what is owed. Safe from every thread; sinks
// and answers are called without a lock held.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "exec/services.h"

namespace tandem {

enum class WorkKind : uint8_t { kOrchestrator = 0, kActivity = 1, kEntity = 2 };
constexpr size_t kWorkKinds = 3;

constexpr size_t kWorkerItems = 1'000;            // at a time, of a worker that says nothing
constexpr size_t kWorkerReceiveBytes = 4u << 20;  // gRPC's default
constexpr size_t kWorkItemFramingBytes = 256;     // around a request, at most
constexpr size_t kStreamedHistoryBytes = 1u
                                         << 20;  // of a turn: beyond, a worker that can asks for it
constexpr int64_t kAbandonStepMs = 1'000;        // an item comes back after n of them
constexpr int64_t kAbandonMostMs = 300'000;
constexpr size_t kPartialAnswerBytes = 256u << 20;  // of an orchestrator's answer in parts

/// What a worker gets.
struct WorkItem {
    WorkKind kind = WorkKind::kOrchestrator;
    std::string token;
    Payload request;  // encoded OrchestratorRequest, ActivityRequest or EntityRequest
};

/// What a worker takes of one kind, by name: any version if none is listed.
struct WorkFilter {
    std::string name;
    std::vector<std::string> versions;
};

struct WorkerTerms {
    std::string hub;
    std::array<size_t, kWorkKinds> limits{};  // items at a time; 0: not said
    bool has_filters = false;                 // then only what they list
    std::array<std::vector<WorkFilter>, kWorkKinds> filters;
    size_t receive_bytes = kWorkerReceiveBytes;
    bool streams_history = false;  // it asks for the history of a turn that comes without
};

/// A worker's answer.
struct WorkAnswer {
    WorkKind kind = WorkKind::kOrchestrator;
    std::string hub;          // its caller's; an item of another hub is not there for it
    std::string token;        // empty: of an older client, who names the instance (and the task)
    std::string instance;     // empty: not said
    int32_t task = 0;         // of an activity
    Payload response;         // encoded OrchestratorResponse, ActivityResponse or EntityBatchResult
    bool is_partial = false;  // of an orchestrator: more of it follows under the same token
};

class WorkItems {
public:
    using Sink = std::function<void(WorkItem)>;
    using Later = std::function<void(int64_t delay_ms, std::function<void()>)>;
    using WorkerId = uint64_t;

    explicit WorkItems(Later later) : later_(std::move(later)) {}

    /// `sink` is called for each item until disconnect() returns; perhaps once more by a thread
    /// that is about to.
    WorkerId connect(WorkerTerms terms, Sink sink);
    void disconnect(WorkerId worker);

    /// A call of the service "durable-task": its context is an encoded Routing.
    void add(ServiceCall call, std::function<void(TaskResult)> done);
    void cancel(std::string_view key);

    /// `recorded` hears once the answer is durable. Error, and then nothing is heard: kNotFound, no
    /// such item is out under this token; kInvalidArgument, it is another instance's; kTooLarge.
    Result<void> answer(WorkAnswer answer, std::function<void(const Result<void>&)> recorded);
    /// The worker gives the item back; it waits a while, longer each time. kNotFound.
    Result<void> abandon(WorkKind kind, std::string_view hub, std::string_view token);
    /// Forgets all, and whatever comes later.
    void close();

private:
    struct Item;
    struct Worker;
    using ItemPtr = std::shared_ptr<Item>;
    struct Bucket {  // what waits under one name and version, by age
        std::map<uint64_t, ItemPtr> items;
    };
    struct Hub {
        std::array<std::map<std::pair<std::string, std::string>, Bucket>, kWorkKinds> waiting;
        std::vector<std::shared_ptr<Worker>> workers;
    };
    /// What is to be done without the lock.
    struct Outcome {
        std::vector<std::function<void()>> calls;
        ~Outcome() {
            for (const auto& call : calls) call();
        }
    };

    void queue(const ItemPtr& item);
    void dispatch(Hub& hub, WorkKind kind, Outcome& outcome);
    bool place(Hub& hub, WorkKind kind, const ItemPtr& item, Outcome& outcome);
    void take_back(const ItemPtr& item);
    void give_up(const ItemPtr& item, Outcome& outcome);
    ItemPtr find(const WorkAnswer& answer) const;
    static std::string address_of(WorkKind kind, std::string_view hub, std::string_view instance,
                                  int32_t task);

    const Later later_;
    std::mutex mutex_;
    bool is_closed_ = false;
    uint64_t next_age_ = 1;
    WorkerId next_worker_ = 1;
    std::map<std::string, Hub, std::less<>> hubs_;
    std::unordered_map<std::string, ItemPtr> by_key_;
    std::unordered_map<std::string, ItemPtr> out_;  // by token
    // By what older clients say in place of a token, in the order in which they were handed out.
    std::unordered_map<std::string, std::vector<ItemPtr>> out_by_address_;
    std::unordered_map<WorkerId, std::shared_ptr<Worker>> workers_;
};

}  // namespace tandem
