// Instances are forgotten: those that have ended.
#include <future>

#include "api/durabletask/service.h"

namespace tandem::durabletask {

namespace {

constexpr int kPurgeDepth = 100;  // of sub-orchestrations below sub-orchestrations

}  // namespace

/// How many are gone. Children go first: what is left after a crash can be purged again.
Result<int> Service::purge(const std::string& hub, const std::string& instance, bool recursive,
                           int depth) {
    const ExecutionId id = execution_id(hub, instance);
    const auto summary = engine_.describe(id);
    if (!summary && summary.error().code == ErrorCode::kNotFound) return 0;
    if (!summary) return tl::unexpected<Error>(summary.error());
    if (summary->status == ExecutionStatus::kRunning || is_entity(instance)) return 0;
    int gone = 0;
    if (recursive && depth < kPurgeDepth) {
        const auto inspection = inspect(id);
        HistoryChunk history;
        if (inspection && history.ParseFromString(inspection->history())) {
            for (const HistoryEvent& event : history.events()) {
                if (!event.has_suborchestrationinstancecreated()) continue;
                const std::string& child = event.suborchestrationinstancecreated().instanceid();
                const auto below = purge(hub, child, true, depth + 1);
                if (!below) return below;
                gone += *below;
            }
        }
    }
    const auto promise = std::make_shared<std::promise<Result<bool>>>();
    auto future = promise->get_future();
    engine_.erase(id, [promise](Result<bool> erased) { promise->set_value(std::move(erased)); });
    const auto erased = future.get();
    if (!erased) return tl::unexpected<Error>(erased.error());
    return gone + (*erased ? 1 : 0);
}

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
            const auto& statuses = filter.runtimestatus();
            const auto scanned = scan(hub, std::nullopt, [&](const ExecutionSummary& s) {
                const OrchestrationStatus status = status_of(s);
                const bool wanted = s.status != ExecutionStatus::kRunning && !is_entity(s.name) &&
                                    (statuses.empty() || std::find(statuses.begin(), statuses.end(),
                                                                   status) != statuses.end()) &&
                                    (!filter.has_createdtimefrom() ||
                                     s.start_time >= from_proto(filter.createdtimefrom())) &&
                                    (!filter.has_createdtimeto() ||
                                     s.start_time <= from_proto(filter.createdtimeto()));
                if (wanted) ids.push_back(s.name);
                return true;
            });
            if (!scanned) return call->end(to_status(scanned.error()));
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
            const auto one = purge(hub, id, request->recursive());
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
