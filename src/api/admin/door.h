// AdminDoor: the few questions that AWS has no action for, under /tandem/v1, signed for the service
// "tandem" like any AWS request. It serves the command line:
//   GET /tandem/v1/executions/{arn}/waiting     what an execution waits for, and why; `now` is the
//                                               clock that its times are told by; of a task that
//                                               waits for a batch job with its `stage` in words
//   GET /tandem/v1/functions/{name}/logs?bytes= the end of a function's log, as text
//   GET /tandem/v1/agents                       pools, their agents and what waits
//   POST /tandem/v1/agents/token                {"pool", "agent"?, "valid_s"?} -> {"token"}
//   POST /tandem/v1/agents/{pool}/{agent}/drain no more calls; it ends when it is done
// Safe from every thread.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "api/aws/door.h"
#include "exec/agent/agents.h"
#include "exec/pilots/pilots.h"

namespace tandem::admin {

class AdminDoor final : public aws::AwsDoor {
public:
    /// Where a batch job is, in words; empty where nothing is known. Must not block.
    using StageOfJob = std::function<std::string(std::string_view job)>;

    /// `agents` outlives it; may be null.
    explicit AdminDoor(aws::Context context, Agents* agents = nullptr, StageOfJob stage_of_job = {})
        : context_(context), agents_(agents), stage_of_job_(std::move(stage_of_job)) {}
    /// Pools have pilots, too; before any request that asks after them.
    void show_pilots(const pilots::Pilots* pilots) { pilots_ = pilots; }
    std::string_view service() const override { return "tandem"; }
    bool owns(const net::HttpRequest& request) const override;
    void handle(net::HttpRequest request, net::HttpReply reply) override;
    net::HttpResponse failure(const aws::ApiError& error) const override;

private:
    void waiting(std::string_view arn, net::HttpReply reply);
    net::HttpResponse logs(std::string_view function, std::string_view query) const;
    net::HttpResponse of_agents(const net::HttpRequest& request, std::string_view rest);
    json::Value pools() const;
    /// Empty: its calls do not wait, or it runs on this machine.
    std::string why_queued(std::string_view resource) const;
    std::string why_waits(const AgentPoolStatus& status) const;
    net::HttpResponse token(std::string_view body);
    net::HttpResponse drain(std::string_view agent);
    void add_stages(const ExecutionId& id, std::vector<Waiting> waiting, net::HttpReply reply);

    aws::Context context_;
    Agents* agents_;
    std::atomic<const pilots::Pilots*> pilots_{nullptr};
    StageOfJob stage_of_job_;
};

}  // namespace tandem::admin
