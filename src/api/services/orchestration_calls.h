// OrchestrationCalls: orchestrations begun by tasks of state machines (startOrchestration) and by
// calls of functions that are orchestrations (runOrchestration, which waits for the end). Safe from
// every thread; nothing that waits holds one.
#pragma once

#include <map>
#include <mutex>

#include "api/durabletask/orchestrations.h"
#include "api/services/calls.h"

namespace tandem::services {

class OrchestrationCalls {
public:
    using Later = std::function<void(int64_t, std::function<void()>)>;

    /// `post` runs what may wait for the disk; `later` may be empty: then no time is up.
    OrchestrationCalls(Engine& engine, durabletask::Post post, Later later)
        : engine_(engine), post_(std::move(post)), later_(std::move(later)) {}

    static bool owns(const ServiceCall& call);
    void call(const Asked& asked, Answered done);
    /// False: no call with that key waits. Else its orchestration is terminated.
    bool cancel(std::string_view key);
    /// Calls that wait are dropped, as in a crash.
    void close();

private:
    /// A call that waits for an end. `done` is empty once it has been answered.
    struct Run {
        std::string key;
        Answered done;
        ExecutionId execution;
        std::shared_ptr<void> wait;
    };
    using RunPtr = std::shared_ptr<Run>;

    void start(const Asked& asked, durabletask::Wanted wanted, Answered done);
    void run(const Asked& asked, durabletask::Wanted wanted, Answered done);
    void wait_for(const RunPtr& run, const ExecutionId& execution);
    void give_up(const RunPtr& run, TaskResult result);
    bool finish(const RunPtr& run, TaskResult result);
    void terminate(const ExecutionId& execution);

    Engine& engine_;
    const durabletask::Post post_;
    const Later later_;
    std::mutex mutex_;  // of what is below, and of every Run
    std::map<std::string, RunPtr, std::less<>> runs_;
};

}  // namespace tandem::services
