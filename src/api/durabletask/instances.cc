// Instances begin, and are looked at.
#include <algorithm>

#include "api/durabletask/service.h"

namespace tandem::durabletask {

namespace {

constexpr int kIgnore = 1;  // older clients' action: one that is there is as good

/// Whoever lets a running instance be replaced has it terminated first.
std::optional<std::string> bad_policy(const OrchestrationIdReusePolicy& policy) {
    const auto& statuses = policy.replaceablestatus();
    const auto has = [&](OrchestrationStatus status) {
        return std::find(statuses.begin(), statuses.end(), status) != statuses.end();
    };
    const bool replaces_running = has(ORCHESTRATION_STATUS_RUNNING) ||
                                  has(ORCHESTRATION_STATUS_PENDING) ||
                                  has(ORCHESTRATION_STATUS_SUSPENDED);
    if (!replaces_running || has(ORCHESTRATION_STATUS_TERMINATED) || policy.action() != 0)
        return std::nullopt;
    return "Invalid reusable statuses: cannot exclude 'Terminated' while also allowing reuse of "
           "running instances";
}

std::optional<std::string> bad_start(const CreateInstanceRequest& request) {
    if (auto bad = bad_name("orchestrator", request.name())) return bad;
    if (request.instanceid().empty()) return std::nullopt;
    if (is_entity(request.instanceid()))
        return "The instance ID of an orchestration must not begin with '@'.";
    if (auto bad = bad_instance_id(request.instanceid())) return bad;
    return bad_policy(request.orchestrationidreusepolicy());
}

}  // namespace

/// `instance_id` is of the response.
void Service::begin(const std::shared_ptr<Call>& call, const std::string& hub, const Start& start,
                    Payload input, std::string* instance_id) {
    if (const auto made = hubs_.make(hub); !made) return call->end(to_status(made.error()));
    const std::string& id = start.request().instanceid();
    const bool ignores = start.request().orchestrationidreusepolicy().action() == kIgnore;
    const auto done = [call, id, ignores, instance_id](const Result<StartReply>& reply) {
        if (!reply) return call->end(to_status(reply.error()));
        if (reply->existed && !ignores) {
            return call->end(
                refuse(grpc::StatusCode::ALREADY_EXISTS,
                       "An orchestration with the instance ID '" + id + "' exists already."));
        }
        call->answer([&] {
            *instance_id = id;
            return grpc::Status::OK;
        });
    };
    hubs_.start(start, std::move(input), done);
}

Unary* Service::StartInstance(Context* context, const CreateInstanceRequest* request,
                              CreateInstanceResponse* response) {
    return in_hub(context, [&](const std::shared_ptr<Call>& call, const std::string& hub) {
        if (const auto bad = bad_start(*request))
            return call->end(refuse(grpc::StatusCode::INVALID_ARGUMENT, *bad));
        Start start;
        start.set_hub(hub);
        CreateInstanceRequest& wanted = *start.mutable_request();
        wanted = *request;
        Payload input;
        if (wanted.has_input())
            input = Payload(std::move(*wanted.mutable_input()->mutable_value()));
        wanted.clear_input();
        if (wanted.instanceid().empty()) wanted.set_instanceid(fresh_instance_id());
        begin(call, hub, start, std::move(input), response->mutable_instanceid());
    });
}

/// With the input, name and version that it began with.
Unary* Service::RestartInstance(Context* context, const RestartInstanceRequest* request,
                                RestartInstanceResponse* response) {
    return in_hub_later(context, [this, request, response](const auto& call, const auto& hub) {
        if (const auto bad = bad_instance_id(request->instanceid()))
            return call->end(refuse(grpc::StatusCode::INVALID_ARGUMENT, *bad));
        const auto found = hubs_.describe(hub, request->instanceid());
        if (!found) return call->end(to_status(found.error()));
        if (!request->restartwithnewinstanceid() && found->status == ExecutionStatus::kRunning) {
            return call->end(refuse(grpc::StatusCode::FAILED_PRECONDITION,
                                    "The orchestration '" + request->instanceid() +
                                        "' has not ended: it cannot be restarted with the same "
                                        "instance ID."));
        }
        const Start start = start_again(hub, *found, request->restartwithnewinstanceid());
        begin(call, hub, start, found->input, response->mutable_instanceid());
    });
}

Unary* Service::GetInstance(Context* context, const GetInstanceRequest* request,
                            GetInstanceResponse* response) {
    return in_hub(context, [&](const std::shared_ptr<Call>& call, const std::string& hub) {
        if (const auto bad = bad_instance_id(request->instanceid()))
            return call->end(refuse(grpc::StatusCode::INVALID_ARGUMENT, *bad));
        const auto found = engine_.describe(execution_id(hub, request->instanceid()));
        if (!found && found.error().code != ErrorCode::kNotFound)
            return call->end(to_status(found.error()));
        if (found && !is_entity(request->instanceid())) {
            response->set_exists(true);
            *response->mutable_orchestrationstate() =
                state_of(*found, request->getinputsandoutputs());
        }
        call->end(grpc::Status::OK);
    });
}

/// An instance that is not there is waited for, too. The caller's deadline ends it, or its going.
void Service::wait(const std::shared_ptr<Call>& call, const std::string& hub,
                   const GetInstanceRequest& request, GetInstanceResponse* response,
                   std::function<bool(const ExecutionSummary&)> is_wanted) {
    if (const auto bad = bad_instance_id(request.instanceid()))
        return call->end(refuse(grpc::StatusCode::INVALID_ARGUMENT, *bad));
    const bool with_payloads = request.getinputsandoutputs();
    // As an orchestration an entity is not there.
    if (is_entity(request.instanceid())) is_wanted = [](const ExecutionSummary&) { return false; };
    call->hold(engine_.wait(execution_id(hub, request.instanceid()), std::move(is_wanted),
                            [call, response, with_payloads](Result<ExecutionSummary> summary) {
                                if (!summary) return call->end(to_status(summary.error()));
                                call->answer([&] {
                                    response->set_exists(true);
                                    *response->mutable_orchestrationstate() =
                                        state_of(*summary, with_payloads);
                                    return grpc::Status::OK;
                                });
                            }));
}

Unary* Service::WaitForInstanceStart(Context* context, const GetInstanceRequest* request,
                                     GetInstanceResponse* response) {
    return in_hub(context, [&](const std::shared_ptr<Call>& call, const std::string& hub) {
        wait(call, hub, *request, response, [](const ExecutionSummary& summary) {
            return status_of(summary) != ORCHESTRATION_STATUS_PENDING;
        });
    });
}

Unary* Service::WaitForInstanceCompletion(Context* context, const GetInstanceRequest* request,
                                          GetInstanceResponse* response) {
    return in_hub(context, [&](const std::shared_ptr<Call>& call, const std::string& hub) {
        wait(call, hub, *request, response, [](const ExecutionSummary& summary) {
            return summary.status != ExecutionStatus::kRunning;
        });
    });
}

}  // namespace tandem::durabletask
