// Instances are listed, and their histories read.
#include <algorithm>
#include <future>

#include "api/durabletask/service.h"

namespace tandem::durabletask {

namespace {

constexpr size_t kScanPage = 500;

ExecutionStatus stored_status(OrchestrationStatus status) {
    if (status == ORCHESTRATION_STATUS_COMPLETED) return ExecutionStatus::kSucceeded;
    if (status == ORCHESTRATION_STATUS_FAILED) return ExecutionStatus::kFailed;
    return is_terminal(status) ? ExecutionStatus::kAborted : ExecutionStatus::kRunning;
}

/// The one under which all of these are stored, if there is one.
template <class Statuses>
std::optional<ExecutionStatus> common_status(const Statuses& statuses) {
    if (statuses.empty()) return std::nullopt;
    const ExecutionStatus first = stored_status(OrchestrationStatus(*statuses.begin()));
    for (const int status : statuses) {
        if (stored_status(OrchestrationStatus(status)) != first) return std::nullopt;
    }
    return first;
}

template <class Statuses>
bool is_among(OrchestrationStatus status, const Statuses& statuses) {
    return statuses.empty() ||
           std::find(statuses.begin(), statuses.end(), status) != statuses.end();
}

bool matches(const InstanceQuery& query, const ExecutionSummary& summary) {
    return !is_entity(summary.name) && summary.name.starts_with(query.instanceidprefix().value()) &&
           is_among(status_of(summary), query.runtimestatus());
}

/// Streams a history in pieces of bounded size.
class HistoryStream final : public grpc::ServerWriteReactor<HistoryChunk> {
public:
    void end(const grpc::Status& status) { Finish(status); }
    void send(HistoryChunk history) {
        history_ = std::move(history);
        next();
    }
    void OnWriteDone(bool ok) override {
        if (ok) next();
        else Finish(grpc::Status::CANCELLED);
    }
    void OnDone() override { delete this; }

private:
    void next() {
        chunk_.Clear();
        size_t bytes = 0;
        while (at_ < history_.events_size() && bytes < kHistoryChunkBytes) {
            bytes += history_.events(at_).ByteSizeLong();
            chunk_.add_events()->Swap(history_.mutable_events(at_++));
        }
        if (chunk_.events_size() == 0) Finish(grpc::Status::OK);
        else StartWrite(&chunk_);
    }

    HistoryChunk history_, chunk_;
    int at_ = 0;
};

}  // namespace

Result<void> Service::scan(const std::string& hub, std::optional<ExecutionStatus> status,
                           const std::function<bool(const ExecutionSummary&)>& sees) {
    ExecutionFilter filter;
    filter.kind = CallableKind::kTaskHub;
    filter.callable = hub;
    filter.status = status;
    std::string cursor;
    do {
        auto page = engine_.list(filter, cursor, kScanPage);
        if (!page) return tl::unexpected<Error>(page.error());
        for (const ExecutionSummary& summary : page->executions) {
            if (!sees(summary)) return {};
        }
        cursor = page->next;
    } while (!cursor.empty());
    return {};
}

/// Newest first; a page ends when it is full, and the token says where.
Unary* Service::QueryInstances(Context* context, const QueryInstancesRequest* request,
                               QueryInstancesResponse* response) {
    return in_hub_later(context, [this, request, response](const auto& call, const auto& hub) {
        const InstanceQuery& query = request->query();
        ExecutionFilter filter;
        filter.kind = CallableKind::kTaskHub;
        filter.callable = hub;
        filter.status = common_status(query.runtimestatus());
        if (query.has_createdtimefrom()) filter.started_from = from_proto(query.createdtimefrom());
        if (query.has_createdtimeto())
            filter.started_to = from_proto(query.createdtimeto()) + Duration(1);
        const int wanted = query.maxinstancecount();
        const size_t most = wanted > 0 ? std::min(size_t(wanted), kPageInstances) : kPageInstances;
        QueryInstancesResponse found;
        std::string cursor = query.continuationtoken().value();
        do {
            const auto page =
                engine_.list(filter, cursor, most - size_t(found.orchestrationstate_size()));
            if (!page) return call->end(to_status(page.error()));
            for (const ExecutionSummary& summary : page->executions) {
                if (!matches(query, summary)) continue;
                // Of a listing, large inputs and outputs are left out.
                const auto whole = query.fetchinputsandoutputs()
                                       ? engine_.describe(summary.id)
                                       : Result<ExecutionSummary>(summary);
                if (!whole) continue;  // purged meanwhile
                *found.add_orchestrationstate() = state_of(*whole, query.fetchinputsandoutputs());
            }
            cursor = page->next;
        } while (!cursor.empty() && size_t(found.orchestrationstate_size()) < most);
        if (!cursor.empty()) found.mutable_continuationtoken()->set_value(cursor);
        call->answer([&] {
            response->Swap(&found);
            return grpc::Status::OK;
        });
    });
}

/// Those that have ended, in the order of their ends. The key of the last one says where to go on.
Unary* Service::ListInstanceIds(Context* context, const ListInstanceIdsRequest* request,
                                ListInstanceIdsResponse* response) {
    return in_hub_later(context, [this, request, response](const auto& call, const auto& hub) {
        std::vector<std::pair<int64_t, std::string>> ended;
        const auto is_wanted = [&](const ExecutionSummary& s) {
            if (s.status == ExecutionStatus::kRunning || is_entity(s.name)) return false;
            if (request->has_completedtimefrom() &&
                s.stop_time < from_proto(request->completedtimefrom()))
                return false;
            if (request->has_completedtimeto() &&
                s.stop_time > from_proto(request->completedtimeto()))
                return false;
            return is_among(status_of(s), request->runtimestatus());
        };
        const auto scanned =
            scan(hub, common_status(request->runtimestatus()), [&](const ExecutionSummary& s) {
                if (is_wanted(s)) ended.emplace_back(to_micros(s.stop_time), s.name);
                return true;
            });
        if (!scanned) return call->end(to_status(scanned.error()));
        std::sort(ended.begin(), ended.end());
        const auto key_of = [](const std::pair<int64_t, std::string>& one) {
            return std::to_string(one.first) + " " + one.second;
        };
        const std::string& last = request->lastinstancekey().value();
        auto first = ended.begin();
        if (const size_t space = last.find(' '); space != std::string::npos) {
            const std::pair<int64_t, std::string> before(std::atoll(last.c_str()),
                                                         last.substr(space + 1));
            first = std::upper_bound(ended.begin(), ended.end(), before);
        } else if (!last.empty()) {
            return call->end(
                refuse(grpc::StatusCode::INVALID_ARGUMENT, "The last instance key is not one."));
        }
        const size_t most = request->pagesize() > 0
                                ? std::min(size_t(request->pagesize()), kPageInstances)
                                : kPageInstances;
        const auto end = first + ptrdiff_t(std::min(most, size_t(ended.end() - first)));
        call->answer([&] {
            if (end != ended.end() && end != first)
                response->mutable_lastinstancekey()->set_value(key_of(*(end - 1)));
            for (auto it = first; it != end; ++it) response->add_instanceids(it->second);
            return grpc::Status::OK;
        });
    });
}

/// Waits for the shard: only on threads that may.
Result<Inspection> Service::inspect(const ExecutionId& id) {
    const auto promise = std::make_shared<std::promise<Result<Payload>>>();
    auto future = promise->get_future();
    engine_.inspect(id, [promise](Result<Payload> facts) { promise->set_value(std::move(facts)); });
    const auto facts = future.get();
    if (!facts) return tl::unexpected<Error>(facts.error());
    Inspection inspection;
    if (!inspection.ParseFromString(facts->str()))
        return fail(ErrorCode::kInternal, "the instance cannot be inspected");
    return inspection;
}

grpc::ServerWriteReactor<HistoryChunk>* Service::StreamInstanceHistory(
    Context* context, const StreamInstanceHistoryRequest* request) {
    auto* stream = new HistoryStream;
    const auto hub = admit(*context);
    if (!hub) {
        stream->end(hub.error());
        return stream;
    }
    const bool posted = work_.post([this, stream, id = execution_id(*hub, request->instanceid())] {
        const auto found = inspect(id);
        if (!found) return stream->end(to_status(found.error()));
        HistoryChunk history;
        if (!history.ParseFromString(found->history()))
            return stream->end(refuse(grpc::StatusCode::INTERNAL, "the history is malformed"));
        stream->send(std::move(history));
    });
    if (!posted)
        stream->end(refuse(grpc::StatusCode::RESOURCE_EXHAUSTED, "too many requests are waiting"));
    return stream;
}

}  // namespace tandem::durabletask
