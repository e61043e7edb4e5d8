#include "lang/asl/testing/history.h"

namespace tandem::asl::testing {

namespace {

constexpr const char* kKinds[] = {"",        "Pass", "Task",     "Choice", "Wait",
                                  "Succeed", "Fail", "Parallel", "Map"};
constexpr const char* kFamilies[] = {"", "LambdaFunction", "Task", "Activity"};

std::string type_of(const Event& e) {
    const std::string kind = kKinds[size_t(e.kind)];
    const std::string family = kFamilies[size_t(e.family)];
    switch (e.type) {
        case EventType::kExecutionStarted: return "ExecutionStarted";
        case EventType::kExecutionSucceeded: return "ExecutionSucceeded";
        case EventType::kExecutionFailed: return "ExecutionFailed";
        case EventType::kExecutionAborted: return "ExecutionAborted";
        case EventType::kExecutionTimedOut: return "ExecutionTimedOut";
        case EventType::kExecutionRedriven: return "ExecutionRedriven";
        case EventType::kStateEntered: return kind + "StateEntered";
        case EventType::kStateExited: return kind + "StateExited";
        case EventType::kStateStarted: return kind + "StateStarted";
        case EventType::kStateSucceeded: return kind + "StateSucceeded";
        case EventType::kStateFailed: return kind + "StateFailed";
        case EventType::kStateAborted: return kind + "StateAborted";
        case EventType::kIterationStarted: return "MapIterationStarted";
        case EventType::kIterationSucceeded: return "MapIterationSucceeded";
        case EventType::kIterationFailed: return "MapIterationFailed";
        case EventType::kIterationAborted: return "MapIterationAborted";
        case EventType::kTaskScheduled: return family + "Scheduled";
        case EventType::kTaskScheduleFailed: return family + "ScheduleFailed";
        case EventType::kTaskStarted: return family + "Started";
        case EventType::kTaskStartFailed: return family + "StartFailed";
        case EventType::kTaskSubmitted: return family + "Submitted";
        case EventType::kTaskSubmitFailed: return family + "SubmitFailed";
        case EventType::kTaskSucceeded: return family + "Succeeded";
        case EventType::kTaskFailed: return family + "Failed";
        case EventType::kTaskTimedOut: return family + "TimedOut";
        case EventType::kEvaluationFailed: return "EvaluationFailed";
        case EventType::kWaitSet: return "WaitSet";
        case EventType::kRetrySet: return "RetrySet";
        case EventType::kTaskHeartbeat: return "TaskHeartbeat";
        case EventType::kTaskCancelled: return "TaskCancelled";
        case EventType::kNote: return "Note";
        case EventType::kDeferred: return "Deferred";
        case EventType::kMapRunStarted: return "MapRunStarted";
        case EventType::kMapRunSucceeded: return "MapRunSucceeded";
        case EventType::kMapRunFailed: return "MapRunFailed";
        case EventType::kMapRunAborted: return "MapRunAborted";
        case EventType::kMapRunRedriven: return "MapRunRedriven";
        case EventType::kMessageReceived:
        case EventType::kTurnCompleted:
        case EventType::kHistoryEvent:
        case EventType::kTurnScheduled: break;  // not of a workflow
    }
    return "?";
}

void add_text(json::Value& to, std::string_view key, const Payload& payload) {
    if (payload.is_null()) return;
    to.set(key, payload.view());
    to.set(std::string(key) + "Details", json::Value::object({{"truncated", false}}));
}

void add_error(json::Value& to, const Event& e) {
    if (e.error) to.set("error", *e.error);
    if (e.cause) to.set("cause", *e.cause);
}

json::Value task_details(const Event& e) {
    json::Value details = json::Value::object();
    const bool is_lambda = e.family == TaskFamily::kLambdaFunction;
    if (!is_lambda || e.type == EventType::kTaskScheduled) details.set("resource", e.resource);
    if (!is_lambda) details.set("resourceType", e.resource_type);
    if (!e.region.empty()) details.set("region", e.region);
    if (is_lambda) add_text(details, "input", e.input);
    else if (!e.input.is_null()) details.set("parameters", e.input.view());
    add_text(details, "output", e.output);
    add_error(details, e);
    if (e.timeout_s) details.set("timeoutInSeconds", *e.timeout_s);
    if (e.heartbeat_s) details.set("heartbeatInSeconds", *e.heartbeat_s);
    return details;
}

json::Value state_details(const Event& e) {
    json::Value details = json::Value::object({{"name", e.name}});
    add_text(details, "input", e.input);
    add_text(details, "output", e.output);
    if (e.detail.is_null()) return details;
    json::Value variables = json::Value::object();
    const auto assigned = json::parse(e.detail.view());
    for (const auto& [name, value] : assigned->as_object()) variables.set(name, json::print(value));
    details.set("assignedVariables", std::move(variables));
    details.set("assignedVariablesDetails", json::Value::object({{"truncated", false}}));
    return details;
}

void add_details(json::Value& entry, const Event& e) {
    std::string key = type_of(e);
    json::Value details = json::Value::object();
    if (e.type == EventType::kStateEntered || e.type == EventType::kStateExited) {
        key = e.type == EventType::kStateEntered ? "stateEntered" : "stateExited";
        details = state_details(e);
    } else if (e.type == EventType::kStateStarted) {
        if (e.kind != StateKind::kMap) return;
        details.set("length", int64_t(e.length));
    } else if (e.type >= EventType::kIterationStarted && e.type <= EventType::kIterationAborted) {
        details.set("name", e.name);
        details.set("index", int64_t(e.index));
    } else if (e.type >= EventType::kTaskScheduled && e.type <= EventType::kTaskTimedOut) {
        details = task_details(e);
        if (details.as_object().empty()) return;
    } else if (e.type == EventType::kExecutionRedriven) {
        details.set("redriveCount", int64_t(e.index));
    } else if (e.type <= EventType::kExecutionTimedOut) {
        add_text(details, "input", e.input);
        add_text(details, "output", e.output);
        add_error(details, e);
        if (e.type == EventType::kExecutionStarted) details.set("roleArn", "snf_role_arn");
    } else {
        return;
    }
    key[0] = char(std::tolower(static_cast<unsigned char>(key[0])));
    entry.set(key + "EventDetails", std::move(details));
}

}  // namespace

json::Value history_of(const std::vector<Event>& events) {
    json::Value list = json::Value::array();
    for (const Event& e : events) {
        if (e.id == 0) continue;
        json::Value entry = json::Value::object({{"id", int64_t(e.id)},
                                                 {"previousEventId", int64_t(e.previous_id)},
                                                 {"timestamp", to_seconds(e.time)},
                                                 {"type", type_of(e)}});
        add_details(entry, e);
        list.push_back(std::move(entry));
    }
    return list;
}

}  // namespace tandem::asl::testing
