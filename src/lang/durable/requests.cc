#include "lang/durable/requests.h"

#include <google/protobuf/wrappers.pb.h>

#include "json/value.h"
#include "lang/durable/callee.h"
#include "lang/durable/wire.h"

namespace tandem::durable {

namespace {

// Fields of OrchestratorRequest.
constexpr uint32_t kInstanceId = 1;
constexpr uint32_t kExecutionId = 2;
constexpr uint32_t kEntityParameters = 5;
constexpr uint32_t kTraceContext = 8;
// An entityMessageReorderWindow of nothing: SDKs take its presence for the support of entities.
constexpr std::string_view kNoReordering("\x0a\x00", 2);
constexpr size_t kFraming = 8;  // of one event, at most, but for huge ones

Action service_action(std::string_view service, TaskId task, Payload request, Payload routing) {
    Action action;
    action.type = ActionType::kRunTask;
    action.task = task;
    action.target = {CallableKind::kService, std::string(service), {}};
    action.payload = std::move(request);
    action.client_context = std::move(routing);
    return action;
}

Payload routing_of(const Orchestration& o, const std::string& name, const std::string* version,
                   int32_t task = 0) {
    Routing routing;
    routing.set_hub(o.hub());
    routing.set_name(name);
    if (version != nullptr) routing.set_version(*version);
    routing.set_instance(o.instance());
    routing.set_task(task);
    return encode_payload(routing);
}

std::string turn_request(const Orchestration& o) {
    google::protobuf::StringValue execution;
    execution.set_value(o.execution_id);
    HistoryEvent began;
    began.set_eventid(-1);
    to_proto(o.turn.began, began.mutable_timestamp());
    began.mutable_orchestratorstarted();
    size_t size = o.history.size() + o.instance().size() + o.trace.size() + 128;
    for (size_t i = 0; i < o.turn.events; ++i) size += o.inbox[i].bytes.size() + kFraming;
    std::string request;
    request.reserve(size);
    append_field(request, kInstanceId, o.instance());
    append_field(request, kExecutionId, encode(execution));
    request += o.history;
    append_event(request, EventField::kNewEvents, encode(began));
    for (size_t i = 0; i < o.turn.events; ++i)
        append_event(request, EventField::kNewEvents, o.inbox[i].bytes);
    append_field(request, kEntityParameters, kNoReordering);
    if (!o.trace.is_null()) append_field(request, kTraceContext, o.trace.view());
    return request;
}

/// Begins an execution of the state machine, or goes on waiting for its end.
Action machine_action(TaskId task, const OpenActivity& activity,
                      const TaskScheduledEvent& scheduled) {
    Action action;
    action.task = task;
    if (!activity.child.empty()) {
        action.type = ActionType::kWatch;
        action.child = activity.child;
        return action;
    }
    json::Value parameters = json::Value::object({{"StateMachineArn", activity.machine}});
    if (scheduled.has_input()) parameters.set("Input", scheduled.input().value());
    action = service_action(kMachineService, task, Payload(json::print(parameters)), {});
    action.owns_child = true;
    return action;
}

}  // namespace

Action turn_action(const Orchestration& o) {
    const CreateInstanceRequest& started = o.start.request();
    return service_action(kOrchestratorService, o.turn.task, Payload(turn_request(o)),
                          routing_of(o, started.name(),
                                     started.has_version() ? &started.version().value() : nullptr));
}

TaskScheduledEvent scheduled_of(const Orchestration& o, const OpenActivity& activity) {
    HistoryEvent event;
    event.ParseFromArray(o.history.data() + activity.place, int(activity.size));
    return event.taskscheduled();
}

Action activity_action(const Orchestration& o, TaskId task, const OpenActivity& activity) {
    TaskScheduledEvent scheduled = scheduled_of(o, activity);
    if (!activity.machine.empty()) return machine_action(task, activity, scheduled);
    if (activity.is_function) {
        Action action;
        action.type = ActionType::kRunTask;
        action.task = task;
        action.target = function_of(scheduled.name());
        action.payload = Payload(scheduled.has_input() ? scheduled.input().value() : "null");
        return action;
    }
    ActivityRequest request;
    request.set_name(scheduled.name());
    if (scheduled.has_version()) *request.mutable_version() = scheduled.version();
    if (scheduled.has_input()) request.mutable_input()->Swap(scheduled.mutable_input());
    request.mutable_orchestrationinstance()->set_instanceid(o.instance());
    request.mutable_orchestrationinstance()->mutable_executionid()->set_value(o.execution_id);
    request.set_taskid(activity.id);
    if (scheduled.has_parenttracecontext())
        *request.mutable_parenttracecontext() = scheduled.parenttracecontext();
    request.mutable_tags()->swap(*scheduled.mutable_tags());
    return service_action(
        kActivityService, task, encode_payload(request),
        routing_of(o, request.name(), request.has_version() ? &request.version().value() : nullptr,
                   activity.id));
}

std::vector<Action> pending_actions(const Orchestration& o) {
    std::vector<Action> actions;
    if (!o.is_open()) return actions;
    if (o.turn.task != 0) actions.push_back(turn_action(o));
    for (const auto& [task, activity] : o.activities)
        actions.push_back(activity_action(o, task, activity));
    return actions;
}

}  // namespace tandem::durable
