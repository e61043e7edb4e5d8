// Instances are forgotten: those that have ended.
#include "api/durabletask/service.h"

namespace tandem::durabletask {

Unary* Service::PurgeInstances(Context* context, const PurgeInstancesRequest* request,
                               PurgeInstancesResponse* response) {
    return in_hub_later(context, [this, request, response](const auto& call, const auto& hub) {
        std::vector<std::string> ids;
        bool is_complete = true;
        auto until = std::chrono::steady_clock::time_point::max();
        if (request->has_purgeinstancefilter()) {
            const PurgeInstanceFilter& filter = request->purgeinstancefilter();
            if (filter.has_timeout()) {
                until = std::chrono::steady_clock::now() +
                        std::chrono::seconds(
                            std::clamp<int64_t>(filter.timeout().seconds(), 0, 86'400)) +
                        std::chrono::nanoseconds(filter.timeout().nanos());
            }
            InstanceFilter wanted;
            for (const int status : filter.runtimestatus())
                wanted.statuses.push_back(OrchestrationStatus(status));
            if (filter.has_createdtimefrom())
                wanted.created_from = from_proto(filter.createdtimefrom());
            if (filter.has_createdtimeto()) wanted.created_to = from_proto(filter.createdtimeto());
            auto ended = hubs_.ended(hub, wanted);
            if (!ended) return call->end(to_status(ended.error()));
            ids = *std::move(ended);
        } else if (request->has_instancebatch()) {
            const auto& batch = request->instancebatch().instanceids();
            if (batch.size() > kBatchInstances) {
                return call->end(
                    refuse(grpc::StatusCode::INVALID_ARGUMENT,
                           "Name at most " + std::to_string(kBatchInstances) + " instances."));
            }
            ids.assign(batch.begin(), batch.end());
        } else {
            ids.push_back(request->instanceid());
        }
        int gone = 0;
        for (const std::string& id : ids) {
            if (const auto bad = bad_instance_id(id))
                return call->end(refuse(grpc::StatusCode::INVALID_ARGUMENT, *bad));
            if (std::chrono::steady_clock::now() > until) {
                is_complete = false;
                break;
            }
            const auto one = hubs_.purge(hub, id, request->recursive());
            if (!one) return call->end(to_status(one.error()));
            gone += *one;
        }
        call->answer([&] {
            response->set_deletedinstancecount(gone);
            response->mutable_iscomplete()->set_value(is_complete);
            return grpc::Status::OK;
        });
    });
}

}  // namespace tandem::durabletask
