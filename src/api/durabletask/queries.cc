// Instances are listed, and their histories read.
#include <algorithm>
#include <charconv>

#include "api/durabletask/service.h"

namespace tandem::durabletask {

namespace {

template <class Statuses>
std::vector<OrchestrationStatus> statuses_of(const Statuses& given) {
    std::vector<OrchestrationStatus> statuses;
    for (const int status : given) statuses.push_back(OrchestrationStatus(status));
    return statuses;
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

/// Newest first; a page ends when it is full, and the token says where.
Unary* Service::QueryInstances(Context* context, const QueryInstancesRequest* request,
                               QueryInstancesResponse* response) {
    return in_hub_later(context, [this, request, response](const auto& call, const auto& hub) {
        const InstanceQuery& query = request->query();
        InstanceFilter filter;
        filter.statuses = statuses_of(query.runtimestatus());
        filter.id_prefix = query.instanceidprefix().value();
        if (query.has_createdtimefrom()) filter.created_from = from_proto(query.createdtimefrom());
        if (query.has_createdtimeto()) filter.created_to = from_proto(query.createdtimeto());
        const int wanted = query.maxinstancecount();
        const size_t most = wanted > 0 ? std::min(size_t(wanted), kPageInstances) : kPageInstances;
        const bool with_payloads = query.fetchinputsandoutputs();
        const auto page = hubs_.page(hub, filter, query.continuationtoken().value(), most,
                                     with_payloads, kPageBytes);
        if (!page) return call->end(to_status(page.error()));
        QueryInstancesResponse found;
        for (const ExecutionSummary& summary : page->instances)
            *found.add_orchestrationstate() = state_of(summary, with_payloads);
        if (!page->next.empty()) found.mutable_continuationtoken()->set_value(page->next);
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
        const auto statuses = statuses_of(request->runtimestatus());
        const auto is_wanted = [&](const ExecutionSummary& s) {
            if (s.status == ExecutionStatus::kRunning || is_entity(s.name)) return false;
            if (request->has_completedtimefrom() &&
                s.stop_time < from_proto(request->completedtimefrom()))
                return false;
            if (request->has_completedtimeto() &&
                s.stop_time > from_proto(request->completedtimeto()))
                return false;
            return is_among(status_of(s), statuses);
        };
        const auto scanned =
            hubs_.scan(hub, common_status(statuses), [&](const ExecutionSummary& s) {
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
        const size_t space = std::min(last.find(' '), last.size());
        int64_t micros = 0;
        const auto read = std::from_chars(last.data(), last.data() + space, micros);
        const bool is_key =
            space < last.size() && read.ec == std::errc() && read.ptr == last.data() + space;
        if (is_key) {
            const std::pair<int64_t, std::string> before(micros, last.substr(space + 1));
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

grpc::ServerWriteReactor<HistoryChunk>* Service::StreamInstanceHistory(
    Context* context, const StreamInstanceHistoryRequest* request) {
    auto* stream = new HistoryStream;
    const auto hub = admit(*context);
    if (!hub) {
        stream->end(hub.error());
        return stream;
    }
    const std::string& instance = request->instanceid();
    if (const auto bad = bad_instance_id(instance)) {
        stream->end(refuse(grpc::StatusCode::INVALID_ARGUMENT, *bad));
        return stream;
    }
    const bool posted = work_.post([this, stream, hub = *hub, instance] {
        const auto found = hubs_.inspect(execution_id(hub, instance));
        if (!found && found.error().code == ErrorCode::kNotFound)
            return stream->end(
                refuse(grpc::StatusCode::NOT_FOUND, no_such_instance(hub, instance)));
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
