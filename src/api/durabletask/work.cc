// Workers get work items, and answer them.
#include "api/durabletask/service.h"
#include "api/durabletask/work_stream.h"
#include "model/task_hub.h"

namespace tandem::durabletask {

namespace {

/// By default gRPC receives 4 MiB, but for the one in JavaScript.
bool is_node(const Context& context) {
    const auto it = context.client_metadata().find("user-agent");
    return it != context.client_metadata().end() &&
           it->second.find("grpc-node-js") != grpc::string_ref::npos;
}

size_t limit_of(int32_t said) { return said > 0 ? size_t(said) : 0; }

template <class Filters>
std::vector<WorkFilter> filters_of(const Filters& filters) {
    std::vector<WorkFilter> out;
    for (const auto& filter : filters) {
        WorkFilter one{filter.name(), {}};
        if constexpr (requires { filter.versions(); })
            one.versions.assign(filter.versions().begin(), filter.versions().end());
        else one.name = durable::entity_instance("@" + one.name).substr(1);
        out.push_back(std::move(one));
    }
    return out;
}

WorkerTerms terms_of(const std::string& hub, const GetWorkItemsRequest& request, bool is_node) {
    WorkerTerms terms;
    terms.hub = hub;
    terms.limits = {limit_of(request.maxconcurrentorchestrationworkitems()),
                    limit_of(request.maxconcurrentactivityworkitems()),
                    limit_of(request.maxconcurrententityworkitems())};
    terms.has_filters = request.has_workitemfilters();
    const WorkItemFilters& filters = request.workitemfilters();
    terms.filters = {filters_of(filters.orchestrations()), filters_of(filters.activities()),
                     filters_of(filters.entities())};
    if (is_node) terms.receive_bytes = SIZE_MAX;
    for (const int capability : request.capabilities())
        terms.streams_history |= capability == WORKER_CAPABILITY_HISTORY_STREAMING;
    return terms;
}

/// As long as the stream is open.
void ping_later(const WorkItems::Later& later, const std::weak_ptr<WorkStream>& stream) {
    later(kHealthPingMs, [later, stream] {
        const auto open = stream.lock();
        if (!open) return;
        open->ping();
        ping_later(later, stream);
    });
}

}  // namespace

grpc::ServerWriteReactor<grpc::ByteBuffer>* Service::GetWorkItems(Context* context,
                                                                  const grpc::ByteBuffer* bytes) {
    const auto hub = admit(*context);
    if (!hub) return WorkStream::refused(hub.error()).get();
    GetWorkItemsRequest request;
    grpc::ByteBuffer kept(*bytes);
    const grpc::Status parsed =
        grpc::SerializationTraits<GetWorkItemsRequest>::Deserialize(&kept, &request);
    if (!parsed.ok()) {
        return WorkStream::refused(
                   refuse(grpc::StatusCode::INVALID_ARGUMENT, "the request is malformed"))
            .get();
    }
    const bool node = is_node(*context);
    const std::lock_guard lock(streams_mutex_);
    if (is_draining_)
        return WorkStream::refused(refuse(grpc::StatusCode::UNAVAILABLE, "the server is stopping"))
            .get();
    const auto stream = WorkStream::open(work_items_, terms_of(*hub, request, node),
                                         [this](const std::shared_ptr<WorkStream>& over) {
                                             const std::lock_guard again(streams_mutex_);
                                             streams_.erase(over);
                                         });
    streams_.insert(stream);
    // Older clients do not know the ping; those of JavaScript do not say which they are, and wait
    // as long as it takes.
    if (!node) ping_later(later_, stream);
    return stream.get();
}

Unary* Service::answer(Context* context, WorkAnswer answer) {
    return in_hub(context, [&](const std::shared_ptr<Call>& call, const std::string& hub) {
        answer.hub = hub;
        if (answer.token.empty() && answer.instance.empty()) {
            return call->end(refuse(grpc::StatusCode::INVALID_ARGUMENT,
                                    "The answer has neither a completion token nor an instance "
                                    "ID."));
        }
        const auto taken =
            work_items_.answer(std::move(answer), [call](const Result<void>& recorded) {
                call->end(recorded ? grpc::Status::OK : to_status(recorded.error()));
            });
        if (!taken) call->end(to_status(taken.error()));
    });
}

Unary* Service::CompleteOrchestratorTask(Context* context, const OrchestratorResponse* request,
                                         CompleteTaskResponse*) {
    WorkAnswer given;
    given.kind = WorkKind::kOrchestrator;
    given.token = request->completiontoken();
    given.instance = request->instanceid();
    given.is_partial = request->ispartial();
    given.response = Payload(request->SerializeAsString());
    return answer(context, std::move(given));
}

Unary* Service::CompleteActivityTask(Context* context, const ActivityResponse* request,
                                     CompleteTaskResponse*) {
    WorkAnswer given;
    given.kind = WorkKind::kActivity;
    given.token = request->completiontoken();
    given.instance = request->instanceid();
    given.task = request->taskid();
    given.response = Payload(request->SerializeAsString());
    return answer(context, std::move(given));
}

Unary* Service::CompleteEntityTask(Context* context, const EntityBatchResult* request,
                                   CompleteTaskResponse*) {
    WorkAnswer given;
    given.kind = WorkKind::kEntity;
    given.token = request->completiontoken();
    given.response = Payload(request->SerializeAsString());
    return answer(context, std::move(given));
}

template <class Request>
Unary* Service::abandon(Context* context, WorkKind kind, const Request& request) {
    return in_hub(context, [&](const std::shared_ptr<Call>& call, const std::string& hub) {
        const auto taken = work_items_.abandon(kind, hub, request.completiontoken());
        call->end(taken ? grpc::Status::OK : to_status(taken.error()));
    });
}

Unary* Service::AbandonTaskOrchestratorWorkItem(Context* context,
                                                const AbandonOrchestrationTaskRequest* request,
                                                AbandonOrchestrationTaskResponse*) {
    return abandon(context, WorkKind::kOrchestrator, *request);
}

Unary* Service::AbandonTaskActivityWorkItem(Context* context,
                                            const AbandonActivityTaskRequest* request,
                                            AbandonActivityTaskResponse*) {
    return abandon(context, WorkKind::kActivity, *request);
}

Unary* Service::AbandonTaskEntityWorkItem(Context* context, const AbandonEntityTaskRequest* request,
                                          AbandonEntityTaskResponse*) {
    return abandon(context, WorkKind::kEntity, *request);
}

}  // namespace tandem::durabletask
