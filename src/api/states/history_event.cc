#include "api/states/history_event.h"

#include <cctype>

#include "api/aws/fields.h"
#include "api/states/execution.h"

namespace tandem::states {

namespace {

// Builds the details member of one event.
class Details {
public:
    explicit Details(const HistoryOptions& options) : options_(options) {}

    Details& text(std::string_view key, std::string_view value) {
        if (!value.empty()) out_.set(key, value);
        return *this;
    }
    Details& optional(std::string_view key, const std::optional<std::string>& value) {
        if (value) out_.set(key, *value);
        return *this;
    }
    Details& seconds(std::string_view key, const std::optional<int64_t>& value) {
        if (value) out_.set(key, *value);
        return *this;
    }
    Details& number(std::string_view key, uint64_t value) {
        out_.set(key, value);
        return *this;
    }
    Details& input(const Event& e) { return data("input", "inputDetails", e.input); }
    Details& output(const Event& e) { return data("output", "outputDetails", e.output); }
    Details& failure(const Event& e) {
        return optional("error", e.error).optional("cause", e.cause);
    }
    json::Value take() { return std::move(out_); }

private:
    Details& data(std::string_view key, std::string_view details, const Payload& value) {
        if (value.is_null()) return *this;
        if (options_.include_data) out_.set(key, value.view());
        out_.set(details, json::Value::object({{"truncated", false}}));
        return *this;
    }

    const HistoryOptions& options_;
    json::Value out_ = json::Value::object();
};

std::string_view family_name(TaskFamily family) {
    switch (family) {
        case TaskFamily::kLambdaFunction: return "LambdaFunction";
        case TaskFamily::kTask: return "Task";
        case TaskFamily::kActivity: return "Activity";
        case TaskFamily::kNone: return "Task";
    }
    return "Task";
}

std::string_view task_step(EventType type) {
    // Every task event is named family + the rest of its own name: TaskScheduled -> Scheduled.
    return to_string(type).substr(std::string_view("Task").size());
}

// What the start of an execution says of its state machine.
json::Value with_origin(json::Value details, const Payload& attributes) {
    const auto facts = json::parse(attributes.view());
    const json::Value* execution = facts ? facts->find("Execution") : nullptr;
    const std::string_view role = execution ? execution->string_or("RoleArn", "") : "";
    if (!role.empty()) details.set("roleArn", role);
    const json::Value* machine = facts ? facts->find("StateMachine") : nullptr;
    if (!machine) return details;
    const std::string arn(machine->string_or("Id", ""));
    if (const int64_t version = facts->int_or(kVersionFact, 0); version != 0)
        details.set("stateMachineVersionArn", arn + ":" + std::to_string(version));
    if (const auto alias = facts->string_or(kAliasFact, ""); !alias.empty())
        details.set("stateMachineAliasArn", arn + ":" + std::string(alias));
    return details;
}

json::Value task_details(const Event& e, const Event* schedule, Details details) {
    const bool is_task = e.family == TaskFamily::kTask || e.family == TaskFamily::kNone;
    if (e.type == EventType::kTaskScheduled) {
        if (is_task) {
            // Parameters are the one input that has no "...Details".
            details.text("parameters", e.input.view())
                .text("region", e.region)
                .text("resource", e.resource)
                .text("resourceType", e.resource_type)
                .seconds("heartbeatInSeconds", e.heartbeat_s);
        } else {
            details.input(e).text("resource", e.resource);
            if (e.family == TaskFamily::kActivity)
                details.seconds("heartbeatInSeconds", e.heartbeat_s);
        }
        return details.seconds("timeoutInSeconds", e.timeout_s).take();
    }
    details.output(e).failure(e);
    if (is_task) {
        const Event& source = schedule ? *schedule : e;
        details.text("resource", source.resource).text("resourceType", source.resource_type);
    }
    return details.take();
}

/// Variables that a state assigned on leaving: the language records them as a JSON object.
json::Value with_assigned(json::Value details, const Payload& recorded) {
    const auto assigned = json::parse(recorded.view());
    if (!assigned || !assigned->is_object()) return details;
    json::Value variables = json::Value::object();
    for (const auto& [name, value] : assigned->as_object()) variables.set(name, json::print(value));
    details.set("assignedVariables", std::move(variables));
    details.set("assignedVariablesDetails", json::Value::object({{"truncated", false}}));
    return details;
}

struct Shown {
    std::string type;
    json::Value details;  // null: this type has none
};

// The member's name is the type's, in lower camel case; the states share two.
std::string details_name(const Event& e, std::string type) {
    if (e.type == EventType::kStateEntered) return "stateEnteredEventDetails";
    if (e.type == EventType::kStateExited) return "stateExitedEventDetails";
    type[0] = char(std::tolower(static_cast<unsigned char>(type[0])));
    return type + "EventDetails";
}

Shown shown(const Event& e, const Event* schedule, const HistoryOptions& options) {
    Details details(options);
    const std::string plain(to_string(e.type));
    switch (e.type) {
        case EventType::kExecutionStarted:
            return {plain, with_origin(details.input(e).take(), e.detail)};
        case EventType::kExecutionSucceeded: return {plain, details.output(e).take()};
        case EventType::kExecutionFailed:
        case EventType::kExecutionAborted:
        case EventType::kExecutionTimedOut: return {plain, details.failure(e).take()};
        case EventType::kExecutionRedriven:
            return {plain, details.number("redriveCount", e.index).take()};
        case EventType::kStateEntered:
            return {std::string(to_string(e.kind)) + plain,
                    details.input(e).text("name", e.name).take()};
        case EventType::kStateExited:
            return {std::string(to_string(e.kind)) + plain,
                    with_assigned(details.text("name", e.name).output(e).take(), e.detail)};
        case EventType::kStateStarted: {
            const bool map = e.kind == StateKind::kMap;
            return {std::string(to_string(e.kind)) + plain,
                    map ? details.number("length", e.length).take() : json::Value()};
        }
        case EventType::kStateSucceeded:
        case EventType::kStateFailed:
        case EventType::kStateAborted: return {std::string(to_string(e.kind)) + plain, {}};
        case EventType::kIterationStarted:
        case EventType::kIterationSucceeded:
        case EventType::kIterationFailed:
        case EventType::kIterationAborted:
            return {"Map" + plain, details.number("index", e.index).text("name", e.name).take()};
        case EventType::kTaskStarted:
            if (e.family == TaskFamily::kLambdaFunction) return {"LambdaFunctionStarted", {}};
            if (e.family == TaskFamily::kActivity) {
                const auto worker = json::parse(e.detail.view());
                if (worker && worker->is_string()) details.text("workerName", worker->as_string());
                return {"ActivityStarted", details.take()};
            }
            [[fallthrough]];
        case EventType::kTaskScheduled:
        case EventType::kTaskScheduleFailed:
        case EventType::kTaskStartFailed:
        case EventType::kTaskSubmitted:
        case EventType::kTaskSubmitFailed:
        case EventType::kTaskSucceeded:
        case EventType::kTaskFailed:
        case EventType::kTaskTimedOut:
            return {std::string(family_name(e.family)).append(task_step(e.type)),
                    task_details(e, schedule, details)};
        case EventType::kEvaluationFailed:
            return {plain,
                    details.failure(e).text("location", e.resource).text("state", e.name).take()};
        case EventType::kMapRunStarted:
            return {plain, details.text("mapRunArn", e.resource).take()};
        case EventType::kMapRunRedriven:
            return {plain,
                    details.text("mapRunArn", e.resource).number("redriveCount", e.index).take()};
        case EventType::kMapRunFailed: return {plain, details.failure(e).take()};
        case EventType::kMapRunSucceeded:
        case EventType::kMapRunAborted: return {plain, {}};
        case EventType::kWaitSet:
        case EventType::kRetrySet:
        case EventType::kTaskHeartbeat:
        case EventType::kTaskCancelled:
        case EventType::kNote:
        case EventType::kDeferred: break;  // hidden: never asked for
        case EventType::kMessageReceived:
        case EventType::kTurnCompleted:
        case EventType::kHistoryEvent:
        case EventType::kTurnScheduled: break;  // not of a workflow
    }
    return {plain, {}};
}

}  // namespace

bool needs_schedule(const Event& event) {
    const bool is_task = event.family == TaskFamily::kTask || event.family == TaskFamily::kNone;
    return is_task && event.resource.empty() && event.ref != 0 &&
           event.type > EventType::kTaskScheduled && event.type <= EventType::kTaskTimedOut;
}

json::Value history_event(const Event& event, const Event* schedule,
                          const HistoryOptions& options) {
    Shown s = shown(event, schedule, options);
    json::Value out = json::Value::object({{"timestamp", aws::epoch_seconds(event.time)},
                                           {"type", s.type},
                                           {"id", event.id},
                                           {"previousEventId", event.previous_id}});
    if (!s.details.is_null()) out.set(details_name(event, std::move(s.type)), std::move(s.details));
    return out;
}

}  // namespace tandem::states
