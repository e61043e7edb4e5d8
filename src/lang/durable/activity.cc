// The answer of an activity. Whatever it is, its orchestration hears of it, once.
#include "json/value.h"
#include "lang/durable/decider.h"
#include "lang/durable/wire.h"

namespace tandem::durable {

namespace {

/// What a function said of its failure, as Lambda words it.
TaskFailureDetails failure_of_function(const TaskResult& result) {
    const auto said = json::parse(result.payload.view());
    const bool is_object = said && said->is_object();
    const std::string name =
        result.error.empty() ? std::string(to_string(result.outcome)) : result.error;
    TaskFailureDetails failure = failure_of(
        is_object ? std::string(said->string_or("errorType", name)) : name,
        is_object ? std::string(said->string_or("errorMessage", result.cause)) : result.cause);
    const json::Value* trace = is_object ? said->find("stackTrace") : nullptr;
    if (trace != nullptr) failure.mutable_stacktrace()->set_value(json::print(*trace));
    return failure;
}

}  // namespace

/// A function knows nothing of the contract: its result is the activity's.
void Decider::answer_function(int32_t id, HistoryEvent event) {
    const TaskResult& result = input_.result;
    if (result.outcome == TaskOutcome::kSucceeded) {
        event.mutable_taskcompleted()->set_taskscheduledid(id);
        event.mutable_taskcompleted()->mutable_result()->set_value(result.payload.str());
    } else {
        event.mutable_taskfailed()->set_taskscheduledid(id);
        *event.mutable_taskfailed()->mutable_failuredetails() = failure_of_function(result);
    }
    receive({{std::move(event), input_.task - o_.base, {}, {}}});
}

void Decider::answer_activity(const OpenActivity& activity) {
    const TaskResult& result = input_.result;
    const int32_t id = activity.id;
    HistoryEvent event = history_event();
    if (activity.is_function) return answer_function(id, std::move(event));
    const auto fail = [&](TaskFailureDetails failure) {
        event.mutable_taskfailed()->set_taskscheduledid(id);
        *event.mutable_taskfailed()->mutable_failuredetails() = std::move(failure);
    };
    ActivityResponse response;
    const std::string_view bytes = result.payload.view();
    if (result.outcome != TaskOutcome::kSucceeded) {
        const std::string error =
            result.error.empty() ? std::string(to_string(result.outcome)) : result.error;
        fail(failure_of(error,
                        result.cause.empty() ? "the activity could not be run" : result.cause));
    } else if (!response.ParseFromArray(bytes.data(), int(bytes.size()))) {
        fail(failure_of("InvalidWorkerResponse",
                        "the answer of the activity's worker is malformed"));
    } else if (response.instanceid() != o_.instance() || response.taskid() != id) {
        fail(failure_of("InvalidWorkerResponse",
                        "the answer of the activity's worker is of task " +
                            std::to_string(response.taskid()) + " of instance '" +
                            shortened(response.instanceid(), kShownChars) + "'"));
    } else if (response.has_failuredetails()) {
        fail(std::move(*response.mutable_failuredetails()));
    } else {
        event.mutable_taskcompleted()->set_taskscheduledid(id);
        if (response.has_result())
            event.mutable_taskcompleted()->mutable_result()->Swap(response.mutable_result());
    }
    receive({{std::move(event), input_.task - o_.base, {}, {}}});
}

}  // namespace tandem::durable
