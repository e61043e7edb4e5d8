// Service: the rpcs of the contract, one file for each group of them. gRPC makes it; every rpc
// begins on one of its threads.
#pragma once

#include <durable_task.grpc.pb.h>

#include <set>

#include "api/aws/work_queue.h"
#include "api/durabletask/call.h"
#include "api/durabletask/door.h"
#include "api/durabletask/task_hubs.h"
#include "api/durabletask/words.h"

namespace tandem::durabletask {

class WorkStream;

// Work items are sent as bytes: their histories are not decoded and encoded again.
using Contract = TaskHubSidecarService::WithRawCallbackMethod_GetWorkItems<
    TaskHubSidecarService::CallbackService>;
using Context = grpc::CallbackServerContext;
using Unary = grpc::ServerUnaryReactor;

class Service final : public Contract {
public:
    Service(Engine& engine, WorkItems& work_items, WorkItems::Later later, std::string secret)
        : engine_(engine),
          hubs_(engine),
          work_items_(work_items),
          later_(std::move(later)),
          secret_(std::move(secret)) {}
    /// Ends all streams and refuses further ones.
    void drain();
    void close() { work_.close(); }

    using Empty = google::protobuf::Empty;
    Unary* Hello(Context* context, const Empty* request, Empty* response) override;
    Unary* CreateTaskHub(Context* context, const CreateTaskHubRequest* request,
                         CreateTaskHubResponse* response) override;
    Unary* DeleteTaskHub(Context* context, const DeleteTaskHubRequest* request,
                         DeleteTaskHubResponse* response) override;
    // instances.cc
    Unary* StartInstance(Context* context, const CreateInstanceRequest* request,
                         CreateInstanceResponse* response) override;
    Unary* RestartInstance(Context* context, const RestartInstanceRequest* request,
                           RestartInstanceResponse* response) override;
    Unary* GetInstance(Context* context, const GetInstanceRequest* request,
                       GetInstanceResponse* response) override;
    Unary* WaitForInstanceStart(Context* context, const GetInstanceRequest* request,
                                GetInstanceResponse* response) override;
    Unary* WaitForInstanceCompletion(Context* context, const GetInstanceRequest* request,
                                     GetInstanceResponse* response) override;
    // control.cc
    Unary* RaiseEvent(Context* context, const RaiseEventRequest* request,
                      RaiseEventResponse* response) override;
    Unary* TerminateInstance(Context* context, const TerminateRequest* request,
                             TerminateResponse* response) override;
    Unary* SuspendInstance(Context* context, const SuspendRequest* request,
                           SuspendResponse* response) override;
    Unary* ResumeInstance(Context* context, const ResumeRequest* request,
                          ResumeResponse* response) override;
    Unary* RewindInstance(Context* context, const RewindInstanceRequest* request,
                          RewindInstanceResponse* response) override;
    Unary* SkipGracefulOrchestrationTerminations(
        Context* context, const SkipGracefulOrchestrationTerminationsRequest* request,
        SkipGracefulOrchestrationTerminationsResponse* response) override;
    // queries.cc
    Unary* QueryInstances(Context* context, const QueryInstancesRequest* request,
                          QueryInstancesResponse* response) override;
    Unary* ListInstanceIds(Context* context, const ListInstanceIdsRequest* request,
                           ListInstanceIdsResponse* response) override;
    grpc::ServerWriteReactor<HistoryChunk>* StreamInstanceHistory(
        Context* context, const StreamInstanceHistoryRequest* request) override;
    // purge.cc
    Unary* PurgeInstances(Context* context, const PurgeInstancesRequest* request,
                          PurgeInstancesResponse* response) override;
    // work.cc
    grpc::ServerWriteReactor<grpc::ByteBuffer>* GetWorkItems(
        Context* context, const grpc::ByteBuffer* request) override;
    Unary* CompleteOrchestratorTask(Context* context, const OrchestratorResponse* request,
                                    CompleteTaskResponse* response) override;
    Unary* CompleteActivityTask(Context* context, const ActivityResponse* request,
                                CompleteTaskResponse* response) override;
    Unary* CompleteEntityTask(Context* context, const EntityBatchResult* request,
                              CompleteTaskResponse* response) override;
    Unary* AbandonTaskOrchestratorWorkItem(Context* context,
                                           const AbandonOrchestrationTaskRequest* request,
                                           AbandonOrchestrationTaskResponse* response) override;
    Unary* AbandonTaskActivityWorkItem(Context* context, const AbandonActivityTaskRequest* request,
                                       AbandonActivityTaskResponse* response) override;
    Unary* AbandonTaskEntityWorkItem(Context* context, const AbandonEntityTaskRequest* request,
                                     AbandonEntityTaskResponse* response) override;
    // entities.cc
    Unary* SignalEntity(Context* context, const SignalEntityRequest* request,
                        SignalEntityResponse* response) override;
    Unary* GetEntity(Context* context, const GetEntityRequest* request,
                     GetEntityResponse* response) override;
    Unary* QueryEntities(Context* context, const QueryEntitiesRequest* request,
                         QueryEntitiesResponse* response) override;
    Unary* CleanEntityStorage(Context* context, const CleanEntityStorageRequest* request,
                              CleanEntityStorageResponse* response) override;

private:
    /// Who calls, and for which hub. Its error: UNAUTHENTICATED, INVALID_ARGUMENT.
    tl::expected<std::string, grpc::Status> admit(const Context& context) const;
    /// Runs `work` with the hub if the call is admitted.
    template <class Work>
    Unary* in_hub(Context* context, Work work) {
        const auto call = Call::make();
        const auto hub = admit(*context);
        if (!hub) call->end(hub.error());
        else work(call, *hub);
        return call.get();
    }
    /// The same on a thread that may wait.
    Unary* in_hub_later(Context* context,
                        std::function<void(const std::shared_ptr<Call>&, const std::string&)> work);
    void begin(const std::shared_ptr<Call>& call, const std::string& hub, const Start& start,
               Payload input, std::string* instance_id);
    void wait(const std::shared_ptr<Call>& call, const std::string& hub,
              const GetInstanceRequest& request, GetInstanceResponse* response,
              std::function<bool(const ExecutionSummary&)> is_wanted);
    Unary* signal(Context* context, const std::string& instance, HistoryEvent event);
    Unary* answer(Context* context, WorkAnswer answer);
    template <class Request>
    Unary* abandon(Context* context, WorkKind kind, const Request& request);

    Engine& engine_;
    TaskHubs hubs_;
    WorkItems& work_items_;
    const WorkItems::Later later_;
    const std::string secret_;
    aws::WorkQueue work_{2, 1'000};
    std::mutex streams_mutex_;
    bool is_draining_ = false;
    std::set<std::shared_ptr<WorkStream>> streams_;
};

}  // namespace tandem::durabletask
