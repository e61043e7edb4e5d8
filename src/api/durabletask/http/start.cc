// Instances begin, and are waited for if their callers want to.
#include <algorithm>
#include <cmath>

#include "api/durabletask/http/answers.h"
#include "api/durabletask/http/door.h"
#include "json/value.h"

namespace tandem::durabletask::http {

namespace {

/// How long the answer may take; 0: no time.
Result<std::chrono::milliseconds> patience_of(const Query& query) {
    const auto timeout = query.seconds("timeout");
    if (!timeout) return tl::unexpected<Error>(timeout.error());
    // How often to look: this server is told.
    const auto interval = query.seconds("pollingInterval");
    if (!interval) return tl::unexpected<Error>(interval.error());
    const auto on_failure = query.flag("returnInternalServerErrorOnFailure", false);
    if (!on_failure) return tl::unexpected<Error>(on_failure.error());
    const double seconds = std::min(timeout->value_or(0), double(kWaitSecondsMax));
    return std::chrono::milliseconds(int64_t(std::ceil(seconds * 1'000)));
}

}  // namespace

net::HttpResponse ManagementDoor::accepted(const Request& request,
                                           const std::string& instance) const {
    auto response = json_answer(202, request.links.print(instance));
    response.headers.add("Location", request.links.status(instance));
    response.headers.add("Retry-After", std::to_string(kStartRetrySeconds));
    return response;
}

void ManagementDoor::begin(const RequestPtr& request, const Start& start, Payload input) {
    const auto patience = patience_of(request->query);
    if (!patience) return request->reply(failure(patience.error()));
    if (const auto made = hubs_.make(request->hub); !made)
        return request->reply(failure(made.error()));
    const auto done = [this, request, patience = *patience,
                       id = start.request().instanceid()](const Result<StartReply>& reply) {
        if (!reply) return request->reply(failure(reply.error()));
        if (reply->existed) {
            return request->reply(refuse_with(
                409, "An orchestration with the instance ID '" + id + "' exists already."));
        }
        if (patience.count() == 0) return request->reply(accepted(*request, id));
        waits_->wait(execution_id(request->hub, id), patience, request->http.sender,
                     [this, request, id](std::optional<ExecutionSummary> summary) {
                         answer_end(request, id, summary);
                     });
    };
    hubs_.start(start, std::move(input), done);
}

/// Called by the engine: what there is to print is printed elsewhere.
void ManagementDoor::answer_end(const RequestPtr& request, const std::string& instance,
                                const std::optional<ExecutionSummary>& summary) {
    if (!summary) return request->reply(accepted(*request, instance));
    const auto answer = [request, summary] {
        const OrchestrationState state = state_of(*summary, true);
        if (state.orchestrationstatus() == ORCHESTRATION_STATUS_COMPLETED)
            return request->reply(json_answer(200, print_output(state)));
        const auto fails = request->query.flag("returnInternalServerErrorOnFailure", false);
        request->reply(status_answer(*summary, fails.value_or(false), {}, {}, request->links));
    };
    if (!work_.post(answer)) request->reply(accepted(*request, instance));
}

void ManagementDoor::start(const RequestPtr& request) {
    const Route& route = request->route;
    if (const auto bad = bad_name("orchestrator", route.name))
        return request->reply(refuse_with(400, *bad));
    if (is_entity(route.instance)) {
        return request->reply(
            refuse_with(400, "The instance ID of an orchestration must not begin with '@'."));
    }
    if (const auto bad = bad_instance_id(route.instance); bad && !route.instance.empty())
        return request->reply(refuse_with(400, *bad));
    Payload input;
    if (!request->http.body.empty()) {
        if (const auto valid = json::check(request->http.body); !valid) {
            return request->reply(
                refuse_with(400, "The body is not JSON: " + valid.error().message));
        }
        input = Payload(request->http.body);
    }
    Start start;
    start.set_hub(request->hub);
    start.mutable_request()->set_name(route.name);
    start.mutable_request()->set_instanceid(route.instance.empty() ? fresh_instance_id()
                                                                   : route.instance);
    begin(request, start, std::move(input));
}

void ManagementDoor::restart(const RequestPtr& request) {
    const std::string& instance = request->route.instance;
    const auto with_new_id = request->query.flag("restartWithNewInstanceId", true);
    if (!with_new_id) return request->reply(failure(with_new_id.error()));
    const auto found = hubs_.describe(request->hub, instance);
    if (!found) {
        const bool is_unknown = found.error().code == ErrorCode::kNotFound;
        return request->reply(is_unknown ? refuse_with(400, found.error().message)
                                         : failure(found.error()));
    }
    if (!*with_new_id && found->status == ExecutionStatus::kRunning) {
        return request->reply(refuse_with(409, "The orchestration '" + instance +
                                                   "' has not ended: it cannot be restarted with "
                                                   "the same instance ID."));
    }
    begin(request, start_again(request->hub, *found, *with_new_id), found->input);
}

}  // namespace tandem::durabletask::http
