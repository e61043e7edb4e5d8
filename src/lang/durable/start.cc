// How executions begin: for the first time, in place of one with the same id, as a new generation.
#include <algorithm>

#include "base/rng.h"
#include "lang/durable/decider.h"
#include "lang/durable/language.h"
#include "lang/durable/wire.h"

namespace tandem::durable {

namespace {

constexpr int kIgnore = 1;  // older clients' action: what is there stays

bool is_same_call(const ParentInstanceInfo& a, const ParentInstanceInfo& b) {
    const OrchestrationInstance& of_a = a.orchestrationinstance();
    const OrchestrationInstance& of_b = b.orchestrationinstance();
    return a.taskscheduledid() == b.taskscheduledid() && of_a.instanceid() == of_b.instanceid() &&
           of_a.executionid().value() == of_b.executionid().value();
}

/// At least so many digits.
std::string hex(uint64_t value, size_t digits) {
    std::string out;
    for (; value != 0 || out.size() < digits; value >>= 4)
        out.insert(out.begin(), "0123456789abcdef"[value & 15]);
    return out;
}

/// Whether a client's start takes the place of what is there. The door has refused policies that
/// contradict themselves.
bool replaces(const CreateInstanceRequest& request, const Orchestration& o) {
    if (!request.has_orchestrationidreusepolicy()) return !o.is_open();
    const OrchestrationIdReusePolicy& policy = request.orchestrationidreusepolicy();
    if (int(policy.action()) == kIgnore) return false;
    const auto& statuses = policy.replaceablestatus();
    return std::find(statuses.begin(), statuses.end(), o.status) != statuses.end();
}

/// Events that mean something to the next generation, too: the others answer what this one asked.
bool outlives_generation(EventKind kind) {
    return kind == HistoryEvent::kEventRaised || kind == HistoryEvent::kExecutionSuspended ||
           kind == HistoryEvent::kExecutionResumed;
}

}  // namespace

uint64_t task_base_from(uint64_t entropy) {
    return entropy >> kTaskBits << kTaskBits & ~(uint64_t{1} << 63);
}

std::string execution_id_from(uint64_t entropy) {
    SplitMix64 words(entropy);
    const std::string high = hex(words.next(), 16);
    return high + hex(words.next(), 16);
}

std::string derived_child_id(std::string_view execution_id, int32_t action) {
    return std::string(execution_id) + ":" + hex(uint32_t(action), 4);
}

void Decider::start() {
    Start start;
    const bool is_whole = start.ParseFromString(input_.attributes.str());
    if (o_.seq != 0) {
        if (is_whole) start_again(std::move(start));
        return;
    }
    if (!is_whole) start.Clear();
    start.clear_rewound();
    begin(std::move(start));
    if (is_whole) return;
    fail_now("InvalidStart", "the request that started the execution is malformed");
    out_.actions.clear();
}

void Decider::start_again(Start start) {
    if (start.has_rewound()) return rewind_again(start.rewound());
    if (!start.started_by().empty() && start.started_by() == o_.start.started_by()) return;
    if (start.has_parent()) {
        if (o_.start.has_parent() && is_same_call(o_.start.parent(), start.parent())) return;
        if (o_.is_open()) return refuse_parent(start.parent());
    } else if (!replaces(start.request(), o_)) {
        return;
    }
    if (o_.is_open()) {
        cancel_tasks();
        Ending ending;
        ending.status = ORCHESTRATION_STATUS_TERMINATED;
        ending.failure =
            failure_of("OrchestrationReplaced",
                       "the orchestration was replaced by a new one with the same instance id");
        release_locks();
        tell_parent(ending);
    }
    begin(std::move(start));
}

void Decider::begin(Start start) {
    CreateInstanceRequest& request = *start.mutable_request();
    request.clear_input();
    if (start.execution_id().empty()) start.set_execution_id(request.executionid().value());
    if (start.execution_id().empty()) start.set_execution_id(execution_id_from(input_.entropy));
    emit_start(start, input_.data, nullptr);
    run_turn();
}

/// The log of the generation begins with this event: whatever was before it is forgotten, but for
/// the start time and the custom status where it goes on.
void Decider::emit_start(const Start& start, Payload input, const Payload* goes_on_with) {
    Event e = event_of(EventType::kExecutionStarted);
    e.seq = 1;
    e.length = task_base_from(input_.entropy);
    e.input = std::move(input);
    e.detail = encode_payload(start);
    if (goes_on_with != nullptr) {
        e.index = kKeepsStartTime;
        e.due = o_.created;
        e.output = *goes_on_with;
    }
    emit(std::move(e));
}

void Decider::refuse_parent(const ParentInstanceInfo& parent) {
    Message message;
    message.set_execution_id(parent.orchestrationinstance().executionid().value());
    *message.mutable_event() = history_event();
    auto& failed = *message.mutable_event()->mutable_suborchestrationinstancefailed();
    failed.set_taskscheduledid(parent.taskscheduledid());
    *failed.mutable_failuredetails() =
        failure_of("OrchestrationAlreadyExists", "an orchestration with the instance id '" +
                                                     o_.instance() + "' is already running");
    send(parent.orchestrationinstance().instanceid(), message);
}

/// What this generation asked for is not wanted any more; what others raised meanwhile is, and what
/// it has sent in this very turn, to itself too.
void Decider::continue_as_new(const OrchestratorResponse& response, size_t consumed) {
    cancel_tasks();
    const CompleteOrchestrationAction* completion = nullptr;
    for (const OrchestratorAction& action : response.actions()) {
        if (action.has_completeorchestration()) completion = &action.completeorchestration();
        else apply(action);
    }
    release_locks();
    std::erase_if(out_.actions, [](const Action& a) { return a.type == ActionType::kRunTask; });
    out_.events.clear();
    Start start = o_.start;
    start.set_execution_id(execution_id_from(input_.entropy));
    CreateInstanceRequest& request = *start.mutable_request();
    request.clear_scheduledstarttimestamp();
    if (completion->has_newversion()) *request.mutable_version() = completion->newversion();
    if (completion->tags_size() != 0) *request.mutable_tags() = completion->tags();
    for (const HistoryEvent& event : completion->carryoverevents()) *start.add_carryover() = event;
    for (size_t i = consumed; i < o_.inbox.size(); ++i) {
        if (outlives_generation(o_.inbox[i].kind))
            start.add_carryover()->ParseFromString(o_.inbox[i].bytes);
    }
    const Payload status = value_of(response.has_customstatus(), response.customstatus());
    emit_start(start, value_of(completion->has_result(), completion->result()), &status);
    run_turn();
}

}  // namespace tandem::durable
