// Waits: requests that are answered when an instance has ended, or their time is over, or their
// caller has gone. Safe from every thread.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>

#include "engine/engine.h"
#include "exec/work_items/work_items.h"
#include "net/http.h"

namespace tandem::durabletask::http {

class Waits : public std::enable_shared_from_this<Waits> {
public:
    using Done = std::function<void(std::optional<ExecutionSummary>)>;

    Waits(Engine& engine, WorkItems::Later later) : engine_(engine), later_(std::move(later)) {}
    /// Calls `done` once, on any thread: with an instance that has ended, or with nothing.
    void wait(const ExecutionId& id, std::chrono::milliseconds patience, net::HttpSender sender,
              Done done);
    /// Answers all, and later ones at once: of a server that is about to stop.
    void end();

private:
    struct Wait {
        std::chrono::steady_clock::time_point until;
        net::HttpSender sender;
        Done done;
        std::shared_ptr<void> handle;  // the engine's
        bool is_over = false;
    };
    using WaitPtr = std::shared_ptr<Wait>;

    void finish(const WaitPtr& wait, std::optional<ExecutionSummary> summary);
    void watch(const WaitPtr& wait);

    Engine& engine_;
    const WorkItems::Later later_;
    std::mutex mutex_;
    bool is_ended_ = false;
    std::set<WaitPtr> waits_;
};

}  // namespace tandem::durabletask::http
