#include "api/durabletask/task_hubs.h"

#include <algorithm>
#include <future>

#include "base/encoding.h"
#include "base/rng.h"

namespace tandem::durabletask {

namespace {

constexpr int kPurgeDepth = 100;  // of sub-orchestrations below sub-orchestrations
constexpr size_t kScanPage = 500;
constexpr size_t kPayloadsPage = 20;  // read at once where inputs and outputs come with them

ExecutionStatus stored_status(OrchestrationStatus status) {
    if (status == ORCHESTRATION_STATUS_COMPLETED) return ExecutionStatus::kSucceeded;
    if (status == ORCHESTRATION_STATUS_FAILED) return ExecutionStatus::kFailed;
    return is_terminal(status) ? ExecutionStatus::kAborted : ExecutionStatus::kRunning;
}

}  // namespace

std::optional<ExecutionStatus> common_status(const std::vector<OrchestrationStatus>& statuses) {
    if (statuses.empty()) return std::nullopt;
    const ExecutionStatus first = stored_status(statuses[0]);
    for (const OrchestrationStatus status : statuses) {
        if (stored_status(status) != first) return std::nullopt;
    }
    return first;
}

bool is_among(OrchestrationStatus status, const std::vector<OrchestrationStatus>& statuses) {
    return statuses.empty() ||
           std::find(statuses.begin(), statuses.end(), status) != statuses.end();
}

Result<void> TaskHubs::make(const std::string& hub) {
    if (engine_.callable({CallableKind::kTaskHub, hub, ""})) return {};
    Callable callable;
    callable.kind = CallableKind::kTaskHub;
    callable.name = hub;
    callable.revision = "1";
    callable.language = "durable";
    callable.created = callable.updated = system_clock().now();
    auto made = engine_.put_callable(std::move(callable), PutMode::kCreate);
    if (!made && made.error().code != ErrorCode::kAlreadyExists) return made;
    return {};
}

/// Its instances stay until retention forgets them, as those of a deleted state machine.
Result<void> TaskHubs::forget(const std::string& hub) {
    const auto gone = engine_.delete_callable({CallableKind::kTaskHub, hub, ""});
    if (gone || gone.error().code == ErrorCode::kNotFound) return {};
    return gone;
}

void TaskHubs::start(const Start& start, Payload input, Callback<StartReply> done) {
    StartRequest request;
    request.id = execution_id(start.hub(), start.request().instanceid());
    request.callable = {CallableKind::kTaskHub, start.hub(), ""};
    request.name = start.request().instanceid();
    request.input = std::move(input);
    request.attributes = Payload(start.SerializeAsString());
    engine_.start(std::move(request), std::move(done));
}

Result<ExecutionSummary> TaskHubs::describe(const std::string& hub,
                                            const std::string& instance) const {
    Result<ExecutionSummary> found = fail(ErrorCode::kNotFound, "");
    if (!is_entity(instance)) found = engine_.describe(execution_id(hub, instance));
    if (found || found.error().code != ErrorCode::kNotFound) return found;
    return fail(ErrorCode::kNotFound, no_such_instance(hub, instance));
}

Result<Inspection> TaskHubs::inspect(const ExecutionId& id) {
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

Result<void> TaskHubs::scan(const std::string& hub, std::optional<ExecutionStatus> status,
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

Result<InstancePage> TaskHubs::page(const std::string& hub, const InstanceFilter& wanted,
                                    std::string cursor, size_t most, bool with_payloads,
                                    size_t most_bytes) {
    ExecutionFilter filter;
    filter.kind = CallableKind::kTaskHub;
    filter.callable = hub;
    filter.status = common_status(wanted.statuses);
    if (wanted.created_from) filter.started_from = *wanted.created_from;
    if (wanted.created_to) filter.started_to = *wanted.created_to + Duration(1);
    InstancePage found;
    size_t bytes = 0;
    do {
        const size_t left = most - found.instances.size();
        auto page =
            engine_.list(filter, cursor, with_payloads ? std::min(left, kPayloadsPage) : left);
        if (!page) return tl::unexpected<Error>(page.error());
        for (size_t i = 0; i < page->executions.size(); ++i) {
            ExecutionSummary& summary = page->executions[i];
            if (is_entity(summary.name) || !summary.name.starts_with(wanted.id_prefix) ||
                !is_among(status_of(summary), wanted.statuses))
                continue;
            if (with_payloads) {  // of a listing, large inputs and outputs are left out
                auto whole = engine_.describe(summary.id);
                if (!whole) continue;  // purged meanwhile
                summary = *std::move(whole);
            }
            const size_t size = summary.input.size() + summary.output.size() + summary.facts.size();
            if (with_payloads && !found.instances.empty() && bytes + size > most_bytes) {
                // It begins the next page: the cursor there is that of what comes before it.
                if (i == 0) {
                    found.next = std::move(cursor);
                    return found;
                }
                auto before = engine_.list(filter, cursor, i);
                if (!before) return tl::unexpected<Error>(before.error());
                found.next = std::move(before->next);
                return found;
            }
            bytes += size;
            found.instances.push_back(std::move(summary));
        }
        cursor = std::move(page->next);
    } while (!cursor.empty() && found.instances.size() < most && bytes < most_bytes);
    found.next = std::move(cursor);
    return found;
}

Result<std::vector<std::string>> TaskHubs::ended(const std::string& hub,
                                                 const InstanceFilter& filter) {
    std::vector<std::string> ids;
    const auto scanned = scan(hub, common_status(filter.statuses), [&](const ExecutionSummary& s) {
        if (s.status != ExecutionStatus::kRunning && !is_entity(s.name) &&
            is_among(status_of(s), filter.statuses) &&
            (!filter.created_from || s.start_time >= *filter.created_from) &&
            (!filter.created_to || s.start_time <= *filter.created_to))
            ids.push_back(s.name);
        return true;
    });
    if (!scanned) return tl::unexpected<Error>(scanned.error());
    return ids;
}

Result<int> TaskHubs::purge(const std::string& hub, const std::string& instance, bool recursive,
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

Start start_again(const std::string& hub, const ExecutionSummary& before, bool with_new_id) {
    Start began, start;
    began.ParseFromString(before.attributes.str());
    start.set_hub(hub);
    CreateInstanceRequest& wanted = *start.mutable_request();
    wanted.set_name(began.request().name());
    if (began.request().has_version()) *wanted.mutable_version() = began.request().version();
    *wanted.mutable_tags() = began.request().tags();
    wanted.set_instanceid(with_new_id ? fresh_instance_id() : before.name);
    return start;
}

std::string fresh_instance_id() {
    const uint64_t words[] = {random_u64(), random_u64()};
    return hex(std::string_view(reinterpret_cast<const char*>(words), sizeof words));
}

Payload message_of(HistoryEvent event) {
    event.set_eventid(-1);
    Message message;
    *message.mutable_event() = std::move(event);
    return Payload(message.SerializeAsString());
}

}  // namespace tandem::durabletask
