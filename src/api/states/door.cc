#include "api/states/door.h"

#include <algorithm>
#include <memory>

#include "api/states/action_names.h"
#include "api/states/actions.h"
#include "base/metrics.h"
#include "base/rng.h"

namespace tandem::states {

namespace {

Counter& requests = counter("tandem_api_requests_total", "Requests by door.", "door=\"states\"");

constexpr std::string_view kTarget = "AWSStepFunctions.";
// A definition of 1 MiB grows when it becomes a JSON string; more than this no action needs.
constexpr size_t kRequestBytes = 8 * kDefinitionBytes;
constexpr std::string_view kContentType = "application/x-amz-json-1.0";

}  // namespace

enum class Runs {
    kHere,    // reads what is in memory, or hands over to the engine
    kReads,   // reads one execution: here, unless its payloads may be elsewhere
    kQueued,  // reads the store
    kAlone,   // changes a state machine or an activity: queued, and one at a time
};

struct Action {
    std::string_view name;
    Runs runs = Runs::kHere;
    Answer<json::Value> (*sync)(const Context&, const Input&) = nullptr;
    void (*async)(const Context&, const Input&, Done) = nullptr;
    void (*called)(const Context&, const Input&, const Caller&, Done) = nullptr;
};

namespace {

constexpr Action kActions[] = {
    {"CreateStateMachine", Runs::kAlone, create_state_machine},
    {"UpdateStateMachine", Runs::kAlone, update_state_machine},
    {"DeleteStateMachine", Runs::kAlone, delete_state_machine},
    {"DescribeStateMachine", Runs::kHere, describe_state_machine},
    {"ListStateMachines", Runs::kHere, list_state_machines},
    {"PublishStateMachineVersion", Runs::kAlone, publish_state_machine_version},
    {"DeleteStateMachineVersion", Runs::kAlone, delete_state_machine_version},
    {"ListStateMachineVersions", Runs::kHere, list_state_machine_versions},
    {"CreateStateMachineAlias", Runs::kAlone, create_state_machine_alias},
    {"UpdateStateMachineAlias", Runs::kAlone, update_state_machine_alias},
    {"DeleteStateMachineAlias", Runs::kAlone, delete_state_machine_alias},
    {"DescribeStateMachineAlias", Runs::kHere, describe_state_machine_alias},
    {"ListStateMachineAliases", Runs::kHere, list_state_machine_aliases},
    {"ValidateStateMachineDefinition", Runs::kQueued, validate_state_machine_definition},
    {"TagResource", Runs::kAlone, tag_resource},
    {"UntagResource", Runs::kAlone, untag_resource},
    {"ListTagsForResource", Runs::kHere, list_tags_for_resource},
    {"CreateActivity", Runs::kAlone, create_activity},
    {"DescribeActivity", Runs::kHere, describe_activity},
    {"ListActivities", Runs::kHere, list_activities},
    {"DeleteActivity", Runs::kAlone, delete_activity},
    {"GetActivityTask", Runs::kHere, nullptr, nullptr, get_activity_task},
    {"SendTaskSuccess", Runs::kHere, nullptr, send_task_success},
    {"SendTaskFailure", Runs::kHere, nullptr, send_task_failure},
    {"SendTaskHeartbeat", Runs::kHere, nullptr, send_task_heartbeat},
    {"StartExecution", Runs::kHere, nullptr, nullptr, start_execution},
    {"StartSyncExecution", Runs::kHere, nullptr, start_sync_execution},
    {"TestState", Runs::kHere, nullptr, test_state},
    {"StopExecution", Runs::kHere, nullptr, stop_execution},
    {"RedriveExecution", Runs::kHere, nullptr, redrive_execution},
    {"DescribeExecution", Runs::kReads, describe_execution},
    {"DescribeStateMachineForExecution", Runs::kReads, describe_state_machine_for_execution},
    {"ListExecutions", Runs::kQueued, list_executions},
    {"GetExecutionHistory", Runs::kQueued, get_execution_history},
    {"DescribeMapRun", Runs::kHere, nullptr, describe_map_run},
    {"ListMapRuns", Runs::kQueued, list_map_runs},
    {"UpdateMapRun", Runs::kHere, nullptr, update_map_run},
};

const Action* find_action(std::string_view name) {
    const Action* action = std::find_if(std::begin(kActions), std::end(kActions),
                                        [&](const Action& a) { return a.name == name; });
    return action == std::end(kActions) ? nullptr : action;
}

bool has_content_type(const net::HttpRequest& request) {
    std::string_view type = request.headers.get_or("Content-Type", "");
    type = type.substr(0, type.find(';'));
    while (type.ends_with(' ')) type.remove_suffix(1);
    return type == kContentType;
}

}  // namespace

std::vector<std::string_view> action_names() {
    std::vector<std::string_view> out;
    for (const Action& action : kActions) out.push_back(action.name);
    return out;
}

bool StatesDoor::owns(const net::HttpRequest& request) const {
    return request.method == "POST" && request.path() == "/" &&
           request.headers.get_or("X-Amz-Target", "").starts_with(kTarget);
}

net::HttpResponse StatesDoor::failure(const aws::ApiError& error) const {
    aws::ApiError shown = error;
    // AWS JSON services answer a bad signature with 400, REST services with 403.
    if (shown.status == 403 && aws::is_framework_error(shown.code)) shown.status = 400;
    return aws::json10_failure(shown);
}

void StatesDoor::handle(net::HttpRequest request, net::HttpReply reply) {
    requests.add();
    reply = aws::with_request_id(std::move(reply), random_uuid());
    const std::string_view name = request.headers.get_or("X-Amz-Target", "").substr(kTarget.size());
    if (!has_content_type(request))
        return reply(failure({404, "UnknownOperationException", "", {}, 0}));
    const Action* action = find_action(name);
    if (action == nullptr) return reply(failure({400, "UnknownOperationException", "", {}, 0}));
    // A payload is a string in the body: quotes in it are escaped.
    const size_t most =
        std::max(kRequestBytes, kDefinitionBytes + 2 * context_.limits.payload_bytes);
    if (request.body.size() > most) {
        return reply(failure({413,
                              "RequestEntityTooLargeException",
                              "The request is larger than " + std::to_string(most) + " bytes.",
                              {},
                              0}));
    }
    auto body = aws::decode_body(request.body, context_.limits);
    if (!body) return reply(failure(body.error()));
    const Caller caller{std::move(request.peer), {}, std::move(request.sender)};
    run(*action, *std::move(body), caller, [this, reply](Answer<json::Value> answer) {
        reply(answer ? aws::json10_reply(*answer) : failure(answer.error()));
    });
}

void StatesDoor::call(std::string_view name, json::Value input, const Caller& caller, Done done) {
    const Action* action = find_action(name);
    if (action == nullptr) return done(aws::refuse("UnknownOperationException", ""));
    requests.add();
    run(*action, std::move(input), caller, std::move(done));
}

void StatesDoor::run(const Action& action, json::Value input, const Caller& caller, Done done) {
    if (action.called != nullptr) return action.called(context_, input, caller, std::move(done));
    if (action.async != nullptr) return action.async(context_, input, std::move(done));
    if (action.runs == Runs::kHere || (action.runs == Runs::kReads && !context_.has_objects))
        return done(action.sync(context_, input));
    aws::WorkQueue& queue =
        action.runs == Runs::kAlone ? context_.queue_for_changes() : context_.work;
    const bool posted = queue.post([this, &action, input = std::move(input), done] {
        std::unique_lock lock(changes_, std::defer_lock);
        if (action.runs == Runs::kAlone) lock.lock();
        auto answer = action.sync(context_, input);
        if (lock.owns_lock()) lock.unlock();
        done(std::move(answer));
    });
    if (!posted) done(aws::refuse("ThrottlingException", "Rate exceeded", 429));
}

}  // namespace tandem::states
