#include "api/services/job_calls.h"

#include "base/stable_uuid.h"
#include "exec/slurm/request.h"

namespace tandem::services {

namespace {

// What jobs without a definition of their own are listed under.
constexpr const char* kJobs = "jobs";

TaskResult not_configured() {
    return failed(
        "Slurm.NotConfigured",
        "This server has no Slurm: docs/configuration.md, [slurm], says how to name one.");
}

}  // namespace

bool JobCalls::is_of_job(const ServiceCall& call) {
    return call.service == "slurm" && (call.action == "submit" || call.action == "await");
}

void JobCalls::call(ServiceCall call, Answered done) {
    if (jobs_ == nullptr) return done(not_configured());
    jobs_->call(std::move(call), std::move(done));
}

Result<void> JobCalls::make_callable() {
    if (context_.engine.callable({CallableKind::kJob, kJobs, ""})) return {};
    Callable callable;
    callable.kind = CallableKind::kJob;
    callable.name = kJobs;
    callable.revision = "1";
    callable.language = "job";
    callable.created = callable.updated = context_.clock.now();
    auto made = context_.engine.put_callable(std::move(callable), PutMode::kCreate);
    if (!made && made.error().code != ErrorCode::kAlreadyExists) return made;
    return {};
}

void JobCalls::start(const Asked& asked, Answered done) {
    if (jobs_ == nullptr) return done(not_configured());
    const auto wanted = slurm::read_request(asked.parameters);
    if (!wanted) return done(failed("Slurm.InvalidParameter", wanted.error().message));
    if (const auto made = make_callable(); !made)
        return done(failed("Slurm.ServiceException", made.error().message));
    const std::string id = stable_uuid(asked.key);
    StartRequest request;
    request.id = ExecutionId("job:" + id);
    request.callable = {CallableKind::kJob, kJobs, ""};
    request.name = id;
    request.input = Payload(json::print(asked.parameters));
    request.attributes = Payload(json::print(json::Value::object({{"StartedBy", asked.key}})));
    const std::string name = wanted->name;
    context_.engine.start(std::move(request), [id, name, done](const Result<StartReply>& reply) {
        if (!reply) {
            const bool is_busy = reply.error().code == ErrorCode::kOverloaded;
            return done(failed(is_busy ? "Slurm.ThrottlingException" : "Slurm.ServiceException",
                               reply.error().message));
        }
        TaskResult result = succeeded(json::Value::object({{"JobId", id}, {"JobName", name}}));
        result.execution = reply->summary.id;
        done(std::move(result));
    });
}

}  // namespace tandem::services
