#include "api/services/job_calls.h"

#include "api/states/execution.h"
#include "base/rng.h"
#include "base/stable_uuid.h"
#include "exec/slurm/batch_request.h"
#include "exec/slurm/request.h"

namespace tandem::services {

namespace {

// What jobs without a definition of their own are listed under.
constexpr const char* kJobs = "jobs";
constexpr std::string_view kBatch = "batch";

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

/// A refusal in the words of the API that was called.
TaskResult JobCalls::refused(const Asked& asked, std::string_view error, std::string message) {
    if (asked.service != kBatch) return failed("Slurm." + std::string(error), std::move(message));
    const std::pair<std::string_view, aws::ApiError> codes[] = {
        {"PermissionDenied", {403, "AccessDeniedException", message, {}, 0}},
        {"ThrottlingException", {429, "TooManyRequestsException", message, {}, 0}},
        {"ServiceException", {500, "ServerException", message, {}, 0}},
    };
    aws::ApiError said{400, "ClientException", message, {}, 0};
    for (const auto& [name, code] : codes) {
        if (name == error) said = code;
    }
    return sdk1_failure("Batch", "AWSBatch", said, random_uuid());
}

/// What the job's execution gets, found good.
Result<json::Value> JobCalls::parameters_of(const Asked& asked, std::string_view arn) const {
    json::Value told;
    Result<json::Value> parameters;
    if (asked.service == kBatch) {
        auto job = slurm::from_batch(asked.parameters, *doors_.job_definitions);
        if (!job) return tl::unexpected<Error>(job.error());
        parameters = std::move(job->parameters);
        told = std::move(job->told);
        told.set("JobArn", arn);
    } else {
        parameters = doors_.job_definitions->complete(asked.parameters);
        if (!parameters) return parameters;
    }
    const auto wanted = slurm::read_request(*parameters);
    if (!wanted) return tl::unexpected<Error>(wanted.error());
    parameters = slurm::as_project(*doors_.projects, role_of(asked.key), *std::move(parameters));
    if (parameters && asked.service == kBatch) parameters->set(slurm::kBatch, std::move(told));
    return parameters;
}

void JobCalls::start(const Asked& asked, Answered done) {
    if (doors_.jobs == nullptr) return done(not_configured());
    const std::string id = stable_uuid(asked.key);
    const aws::Place& place = doors_.context->place;
    const std::string arn = "arn:aws:batch:" + place.region + ":" + place.account + ":job/" + id;
    const auto parameters = parameters_of(asked, arn);
    if (!parameters) {
        const bool is_denied = parameters.error().code == ErrorCode::kPermissionDenied;
        return done(refused(asked, is_denied ? "PermissionDenied" : "InvalidParameter",
                            parameters.error().message));
    }
    if (const auto made = make_callable(); !made)
        return done(refused(asked, "ServiceException", made.error().message));
    StartRequest request;
    request.id = ExecutionId("job:" + id);
    request.callable = {CallableKind::kJob, kJobs, ""};
    request.name = id;
    request.input = Payload(json::print(*parameters));
    request.attributes = Payload(json::print(json::Value::object({{"StartedBy", asked.key}})));
    json::Value answer = json::Value::object(
        {{"JobId", id}, {"JobName", std::string(parameters->string_or("Name", ""))}});
    if (asked.service == kBatch) answer.set("JobArn", arn);
    doors_.context->engine.start(std::move(request), [asked, answer = std::move(answer),
                                                      done](const Result<StartReply>& reply) {
        if (!reply) {
            const bool is_busy = reply.error().code == ErrorCode::kOverloaded;
            return done(refused(asked, is_busy ? "ThrottlingException" : "ServiceException",
                                reply.error().message));
        }
        TaskResult result = succeeded(answer);
        result.execution = reply->summary.id;
        done(std::move(result));
    });
}

}  // namespace tandem::services
