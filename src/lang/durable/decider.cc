#include "lang/durable/decider.h"

#include "lang/durable/language.h"
#include "lang/durable/outbox.h"
#include "lang/durable/requests.h"
#include "lang/durable/wire.h"
#include "model/task_hub.h"

namespace tandem::durable {

std::optional<std::string> bad_instance_id(std::string_view hub, std::string_view instance) {
    if (instance.empty()) return "an instance id is empty";
    if (instance.find('\0') != std::string_view::npos) return "an instance id contains NUL";
    if (execution_id_of(hub, instance).str().size() > kExecutionIdBytes)
        return "an instance id is too long";
    return std::nullopt;
}

std::optional<std::string> bad_orchestration_id(std::string_view hub, std::string_view instance) {
    if (instance.starts_with('@')) return "the instance id of an orchestration begins with '@'";
    return bad_instance_id(hub, instance);
}

TaskFailureDetails failure_of(std::string type, std::string message) {
    TaskFailureDetails failure;
    failure.set_errortype(std::move(type));
    failure.set_errormessage(std::move(message));
    return failure;
}

Decision Decider::decide() {
    if (input_.type == InputType::kStart) {
        start();
        return std::move(out_);
    }
    if (!o_.is_open()) {
        if (input_.type == InputType::kRedrive) {
            Message message;
            if (!message.ParseFromString(input_.data.str())) message.Clear();
            rewind(message.event(), input_.attributes.str());
        }
        return std::move(out_);
    }
    if (input_.type == InputType::kStop) {
        stop();
    } else if (o_.seq > kGenerationEvents) {
        fail_now("LimitExceeded", "the execution has too many events");
        stop_orphan();
    } else if (input_.type == InputType::kTaskCompleted) {
        const auto activity = o_.activities.find(input_.task);
        if (input_.task != 0 && input_.task == o_.turn.task) answer_turn();
        else if (activity != o_.activities.end()) answer_activity(activity->second);
        else stop_orphan();
    } else if (input_.type == InputType::kChildEnded) {
        execution_ended();
    } else if (input_.type == InputType::kTimer) {
        fire_timers();
    } else if (input_.type == InputType::kSignal || input_.type == InputType::kMessage) {
        take_message();
    }
    return std::move(out_);
}

Event Decider::event_of(EventType type) const {
    Event e;
    e.type = type;
    e.seq = o_.seq + 1;
    e.time = input_.now;
    return e;
}

void Decider::emit(Event event) {
    evolve(o_, event);
    out_.events.push_back(std::move(event));
}

/// A HistoryEvent that happens now and that no action of the worker's has caused.
HistoryEvent Decider::history_event() const {
    HistoryEvent event;
    event.set_eventid(-1);
    to_proto(input_.now, event.mutable_timestamp());
    return event;
}

void Decider::run_turn() {
    if (o_.is_open() && o_.turn.task != 0) out_.actions.push_back(turn_action(o_));
}

void Decider::run_activity(TaskId task) {
    out_.actions.push_back(activity_action(o_, task, o_.activities.at(task)));
}

void Decider::cancel_tasks() {
    const auto cancel = [this](TaskId task) {
        Action action;
        action.type = ActionType::kCancelTask;
        action.task = task;
        out_.actions.push_back(std::move(action));
    };
    if (o_.turn.task != 0 && input_.task != o_.turn.task) cancel(o_.turn.task);
    for (const auto& [task, activity] : o_.activities) {
        if (activity.child.empty()) cancel(task);
    }
    stop_executions();
}

void Decider::send(const std::string& instance, const Message& message) {
    if (auto action = tell_orchestration(o_.hub(), instance, message))
        out_.actions.push_back(*std::move(action));
}

}  // namespace tandem::durable
