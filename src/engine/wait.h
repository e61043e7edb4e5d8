// Wait: somebody outside who is to hear of an execution once its durable summary is as wanted.
// Answered once; forgotten when whoever asked drops it. Safe from every thread.
#pragma once

#include <atomic>
#include <functional>

#include "engine/engine.h"

namespace tandem {

class Wait {
public:
    Wait(std::function<bool(const ExecutionSummary&)> is_wanted, Callback<ExecutionSummary> done)
        : is_wanted_(std::move(is_wanted)), done_(std::move(done)) {}

    /// What is durable of the execution now.
    void look(const ExecutionSummary& summary) {
        if (!is_over_ && is_wanted_(summary)) end(summary);
    }
    void end(Result<ExecutionSummary> result) {
        if (!is_over_.exchange(true)) done_(std::move(result));
    }
    bool is_over() const { return is_over_; }

private:
    const std::function<bool(const ExecutionSummary&)> is_wanted_;
    const Callback<ExecutionSummary> done_;
    std::atomic<bool> is_over_{false};
};

}  // namespace tandem
