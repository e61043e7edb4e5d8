// OrchestrationCalls: durable-task:startOrchestration, as tasks of state machines begin
// orchestrations. Safe from every thread.
#pragma once

#include "api/durabletask/orchestrations.h"
#include "api/services/calls.h"

namespace tandem::services {

class OrchestrationCalls {
public:
    /// `post` runs what may wait for the disk.
    OrchestrationCalls(Engine& engine, durabletask::Post post)
        : engine_(engine), post_(std::move(post)) {}

    static bool owns(const ServiceCall& call);
    /// Answers with the instance's id, once it has durably begun.
    void start(const Asked& asked, Answered done);

private:
    Engine& engine_;
    const durabletask::Post post_;
};

}  // namespace tandem::services
