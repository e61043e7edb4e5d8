// What callers tell instances.
#include "api/durabletask/door.h"
#include "api/durabletask/http/answers.h"
#include "api/durabletask/http/door.h"
#include "base/encoding.h"
#include "json/value.h"

namespace tandem::durabletask::http {

namespace {

Result<std::optional<std::string>> reason_of(const Query& query) {
    auto reason = query.find("reason");
    if (reason && reason->size() > kReasonBytes) {
        return fail(ErrorCode::kInvalidArgument,
                    "The reason has more than " + std::to_string(kReasonBytes) + " bytes.");
    }
    return reason;
}

net::HttpResponse has_ended(const std::string& instance) {
    return refuse_with(410, "The orchestration '" + instance + "' has ended.");
}

}  // namespace

void ManagementDoor::signal(const RequestPtr& request, HistoryEvent event) {
    engine_.signal(execution_id(request->hub, request->route.instance),
                   message_of(std::move(event)), [request](const Result<ExecutionSummary>& told) {
                       request->reply(told ? bare(202) : failure(told.error()));
                   });
}

void ManagementDoor::raise_event(const RequestPtr& request) {
    const std::string& instance = request->route.instance;
    if (const auto bad = bad_name("event", request->route.name))
        return request->reply(refuse_with(400, *bad));
    const auto found = hubs_.describe(request->hub, instance);
    if (!found) return request->reply(failure(found.error()));
    if (is_terminal(status_of(*found))) return request->reply(has_ended(instance));
    if (!is_json(request->http)) {
        return request->reply(
            refuse_with(400, "Only application/json request content is supported."));
    }
    const std::string& body = request->http.body;
    if (const auto valid = json::check(body); !valid)
        return request->reply(refuse_with(400, "The body is not JSON: " + valid.error().message));
    HistoryEvent event;
    event.mutable_eventraised()->set_name(request->route.name);
    event.mutable_eventraised()->mutable_input()->set_value(body);
    signal(request, std::move(event));
}

/// To end, to pause, to go on.
void ManagementDoor::tell(const RequestPtr& request) {
    const std::string& instance = request->route.instance;
    const auto reason = reason_of(request->query);
    if (!reason) return request->reply(failure(reason.error()));
    const auto found = hubs_.describe(request->hub, instance);
    if (!found) return request->reply(failure(found.error()));
    if (is_terminal(status_of(*found))) return request->reply(has_ended(instance));
    HistoryEvent event;
    const auto fill = [&](auto& of, bool as_json) {
        if (!*reason) return;
        std::string text = **reason;
        if (as_json) {
            text.clear();
            json::print_string_to(text, **reason);
        }
        of.mutable_input()->set_value(std::move(text));
    };
    const Operation operation = request->route.operation;
    // It becomes the output, which SDKs read as JSON.
    if (operation == Operation::kTerminate) fill(*event.mutable_executionterminated(), true);
    else if (operation == Operation::kSuspend) fill(*event.mutable_executionsuspended(), false);
    else fill(*event.mutable_executionresumed(), false);
    signal(request, std::move(event));
}

void ManagementDoor::rewind(const RequestPtr& request) {
    const std::string& instance = request->route.instance;
    const auto reason = reason_of(request->query);
    if (!reason) return request->reply(failure(reason.error()));
    const auto found = hubs_.describe(request->hub, instance);
    if (!found) return request->reply(failure(found.error()));
    const OrchestrationStatus status = status_of(*found);
    if (is_terminal(status) && status != ORCHESTRATION_STATUS_FAILED)
        return request->reply(has_ended(instance));
    const auto not_failed = [request] {
        request->reply(
            refuse_with(400, "The orchestration has not failed: only failed ones are rewound."));
    };
    if (status != ORCHESTRATION_STATUS_FAILED) return not_failed();
    HistoryEvent event;
    ExecutionRewoundEvent& rewound = *event.mutable_executionrewound();
    if (*reason) rewound.mutable_reason()->set_value(**reason);
    RedriveRequest redrive;
    redrive.id = found->id;
    redrive.data = message_of(std::move(event));
    engine_.redrive(std::move(redrive), [request, not_failed](const Result<RedriveReply>& reply) {
        if (!reply) return request->reply(failure(reply.error()));
        if (!reply->accepted) return not_failed();
        request->reply(bare(202));
    });
}

}  // namespace tandem::durabletask::http
