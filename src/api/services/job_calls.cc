#include "api/services/job_calls.h"

#include "api/states/execution.h"
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
    if (doors_.jobs == nullptr) return done(not_configured());
    doors_.jobs->call(std::move(call), std::move(done));
}

/// Of the state machine whose execution calls.
std::string JobCalls::role_of(std::string_view key) const {
    const ExecutionId id(std::string(key.substr(0, key.find('#'))));
    const auto text = [](const json::Value* object, const char* member) {
        return object != nullptr && object->is_object() ? std::string(object->string_or(member, ""))
                                                        : std::string();
    };
    if (const auto summary = doors_.context->engine.describe(id)) {
        const auto attributes = json::parse(summary->attributes.view());
        return attributes ? text(attributes->find("Execution"), "RoleArn") : std::string();
    }
    // Of an Express one nothing is kept: the state machine's own.
    const auto machine = states::machine_of_express(id);
    if (machine.empty()) return {};
    const auto callable = doors_.context->engine.callable({CallableKind::kWorkflow, machine, {}});
    if (!callable) return {};
    const auto attributes = json::parse((*callable)->attributes.view());
    return attributes ? text(&*attributes, "roleArn") : std::string();
}

Result<void> JobCalls::make_callable() {
    if (doors_.context->engine.callable({CallableKind::kJob, kJobs, ""})) return {};
    Callable callable;
    callable.kind = CallableKind::kJob;
    callable.name = kJobs;
    callable.revision = "1";
    callable.language = "job";
    callable.created = callable.updated = doors_.context->clock.now();
    auto made = doors_.context->engine.put_callable(std::move(callable), PutMode::kCreate);
    if (!made && made.error().code != ErrorCode::kAlreadyExists) return made;
    return {};
}

void JobCalls::start(const Asked& asked, Answered done) {
    if (doors_.jobs == nullptr) return done(not_configured());
    auto parameters = doors_.job_definitions->complete(asked.parameters);
    if (!parameters) return done(failed("Slurm.InvalidParameter", parameters.error().message));
    const auto wanted = slurm::read_request(*parameters);
    if (!wanted) return done(failed("Slurm.InvalidParameter", wanted.error().message));
    parameters = slurm::as_project(*doors_.projects, role_of(asked.key), *std::move(parameters));
    if (!parameters) return done(failed("Slurm.PermissionDenied", parameters.error().message));
    if (const auto made = make_callable(); !made)
        return done(failed("Slurm.ServiceException", made.error().message));
    const std::string id = stable_uuid(asked.key);
    StartRequest request;
    request.id = ExecutionId("job:" + id);
    request.callable = {CallableKind::kJob, kJobs, ""};
    request.name = id;
    request.input = Payload(json::print(*parameters));
    request.attributes = Payload(json::print(json::Value::object({{"StartedBy", asked.key}})));
    const std::string name = wanted->name;
    doors_.context->engine.start(
        std::move(request), [id, name, done](const Result<StartReply>& reply) {
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
