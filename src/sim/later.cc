// Tasks whose results come later: workers poll for the activity's, functions and children hand on
// tokens, and calls start executions; and what must hold of all that.
#include <algorithm>

#include "base/encoding.h"
#include "lang/asl/execution.h"
#include "lang/asl/testing/map_run_model.h"
#include "lang/asl/testing/random_machine.h"
#include "sim/run.h"

namespace tandem::sim {

namespace {

using asl::testing::RandomMachine;

constexpr size_t kPollers = 3;
constexpr auto kPatience = std::chrono::hours(24);  // of real time, which does not pass here
constexpr const char* kWaitsForChild = "startExecution.sync";  // the beginning of both forms

bool ends_task(const Event& e, TaskId task) {
    if (e.seq <= task) return false;
    if (is_closing(e.type)) return true;
    if (e.ref != task) return false;
    return e.type == EventType::kTaskSucceeded || e.type == EventType::kTaskFailed ||
           e.type == EventType::kTaskTimedOut || e.type == EventType::kTaskCancelled;
}

/// The event with which the task was over; null while it is open.
const Event* end_of(const std::vector<Event>& events, TaskId task) {
    const auto it = std::find_if(events.begin(), events.end(),
                                 [&](const Event& e) { return ends_task(e, task); });
    return it == events.end() ? nullptr : &*it;
}

/// The execution and the task of a key.
std::pair<ExecutionId, TaskId> parts_of(const std::string& key) {
    const size_t hash = key.rfind('#');
    return {ExecutionId(key.substr(0, hash)), std::stoull(key.substr(hash + 1))};
}

/// What the holder of the token in a task's parameters has got: the function's payload or the
/// child's input; of an activity all of them.
Payload handed_on(const Payload& parameters) {
    const char* member = nullptr;
    if (!RandomMachine::parent_token_in(parameters.view()).empty()) member = "Input";
    if (!RandomMachine::token_in(parameters.view()).empty()) member = "Payload";
    const auto call = json::parse(parameters.view());
    const json::Value* value = member != nullptr ? call->find(member) : nullptr;
    return value != nullptr ? Payload(json::print(*value)) : parameters;
}

/// The machine and the input of a call that starts an execution.
std::pair<std::string, Payload> started_by(const Payload& parameters) {
    const auto call = json::parse(parameters.view());
    return {std::string(call->string_or("StateMachineArn", "")),
            Payload(json::print(*call->find("Input")))};
}

TaskResult begun(const ExecutionId& id, Timestamp now) {
    TaskResult result;
    result.payload = Payload(json::print(
        json::Value::object({{"ExecutionArn", id.str()}, {"StartDate", to_millis(now)}})));
    result.execution = id;
    return result;
}

}  // namespace

/// A worker polls for the activity, if not enough do; another one may go away instead.
bool Run::poll() {
    if (!scenario_.workload.later_tasks) return false;
    if (pollers_.size() >= kPollers) {
        if (chance(workers_.faults().lost_worker))
            *pollers_[random_.next() % pollers_.size()] = true;
        return false;
    }
    const auto has_gone = std::make_shared<bool>(false);
    pollers_.push_back(has_gone);
    ActivityPoll poll;
    poll.worker = Payload(std::string("\"w\""));
    poll.patience = kPatience;
    poll.is_wanted = [has_gone] { return !*has_gone; };
    poll.done = [this, has_gone, life = life_](Result<std::optional<ActivityTask>> task) {
        if (life != life_) return;
        std::erase(pollers_, has_gone);
        if (task && *task && *has_gone) broke("a task is handed to a worker who has gone");
        if (task && *task) handed_over(**task);
    };
    engine_->poll_activity("a", std::move(poll));
    return true;
}

void Run::handed_over(const ActivityTask& task) {
    const auto token = decode_task_token(task.token);
    if (!token) return broke("no task token: " + task.token);
    const std::string key = task_key(token->execution, token->task);
    if (!handed_.insert(task.token).second) return broke("handed to two workers: " + key);
    const auto events = store_->events(token->execution, {.first_seq = token->task});
    const bool is_recorded =
        events && std::any_of(events->begin(), events->end(), [&](const Event& e) {
            return e.type == EventType::kTaskStarted && e.ref == token->task;
        });
    if (!is_recorded) return broke("handed over before its record was durable: " + key);
    holders_.take(task.token, task.input);
}

void Run::use_token(const Holders::Deed& deed) {
    if (deed.is_heartbeat) return engine_->heartbeat_task(deed.token, [](const Result<void>&) {});
    engine_->answer_task(deed.token, deed.result,
                         [this, token = deed.token, life = life_](const Result<void>& reply) {
                             if (life == life_) answered(token, reply);
                         });
}

/// An answer is taken once; who is refused may rely on it that the task is over.
void Run::answered(const std::string& token, const Result<void>& reply) {
    const TaskToken task = *decode_task_token(token);
    const std::string key = task_key(task.execution, task.task);
    if (reply) {
        if (holders_.answer(token) != nullptr) broke("two answers were taken: " + key);
        ++result_.tokens;
        return holders_.accepted(token);
    }
    const ErrorCode code = reply.error().code;
    if (code == ErrorCode::kOverloaded || code == ErrorCode::kUnavailable)
        return holders_.try_again(token);
    if (code != ErrorCode::kTimeout) broke("a token is not known: " + reply.error().message);
    const auto events = store_->events(task.execution, {});
    if (!events || end_of(*events, task.task) == nullptr)
        broke("an answer is refused while the task is open: " + key);
    holders_.refused(token);
}

/// A function hands on the token that it gets, if it does not fail.
void Run::on_payload(const std::string&, const Payload& payload) {
    const std::string token = RandomMachine::token_in(payload.view());
    if (token.empty() || answer_to(payload).outcome != TaskOutcome::kSucceeded) return;
    holders_.take(token, payload);
}

/// Starts an execution, the same one whenever the call is repeated.
void Run::make_call(const ServiceCall& call) {
    if (call.service == "map-run") return call_of_map_run(call);
    if (call.service != "states") return calls_.answer(call.key, later_answer_to(call.parameters));
    const auto [machine, input] = started_by(call.parameters);
    const ExecutionId id("states:c" + std::to_string(stable_hash(call.key)));
    const auto [it, is_new] = known_.try_emplace(id);
    Known& known = it->second;
    if (is_new) {
        ++result_.children;
        known.kind = CallableKind::kWorkflow;
        known.input = input;
        known.started_by = call.key;
        known.machine = machine;
    }
    if (known.started_by != call.key || known.input != input || known.machine != machine)
        return broke("a call is repeated in another way: " + call.key);
    StartRequest request;
    request.id = id;
    request.callable = {CallableKind::kWorkflow, machine, ""};
    request.name = id.str();
    request.input = input;
    request.attributes = Payload(machine_attributes(machine));
    engine_->start(request,
                   [this, call, id, input = input, life = life_](const Result<StartReply>& reply) {
                       if (life == life_) child_started(call, id, input, reply);
                   });
}

void Run::child_started(const ServiceCall& call, const ExecutionId& id, const Payload& input,
                        const Result<StartReply>& reply) {
    if (!reply) return calls_.try_again(call.key);
    Known& known = known_.at(id);
    if (known.acknowledged && !reply->existed) broke("a child was started twice: " + id.str());
    known.acknowledged = true;
    if (const std::string token = RandomMachine::parent_token_in(input.view()); !token.empty())
        holders_.take(token, input);
    calls_.answer(call.key, begun(id, clock_.now()));
}

/// Everything waits: for workers who do not poll, for holders who have gone away, or for one who
/// never got the task because the server went in the middle.
bool Run::rouse() {
    if (!scenario_.workload.later_tasks) return false;
    if (poll() || holders_.come_back()) return true;
    bool did = false;
    for (const auto& [id, known] : known_) {
        const auto stored = store_->summary(id);
        if (!stored || !*stored || (*stored)->status != ExecutionStatus::kRunning) continue;
        if (known.kind == CallableKind::kFunction || id.str().starts_with("mapRun:")) continue;
        const auto events = store_->events(id, {});
        did = (events && rouse(id, *events, **stored)) || did;
    }
    return did;
}

bool Run::rouse(const ExecutionId& id, const std::vector<Event>& events,
                const ExecutionSummary& summary) {
    const auto program = program_of(summary);
    const auto state = asl_->initial(*program);
    for (const Event& e : events) asl_->evolve(*program, *state, e);
    const auto& execution = static_cast<const asl::Execution&>(*state);
    bool did = false;
    for (const auto& [number, scope] : execution.tasks()) {
        const asl::OpenTask& task = *execution.find(scope)->task;
        if (task.stage != asl::TaskStage::kAwaited) continue;
        const std::string key = task_key(id, number);
        const std::string token = encode_task_token({id, number, task.nonce});
        if (holders_.has(token)) continue;
        const bool may_be_lost =
            lost_hand_overs_.count(key) != 0 || scenario_.faults.lost_worker > 0;
        const bool is_activity = events[size_t(number) - 1].family == TaskFamily::kActivity;
        if (!is_activity || !may_be_lost) broke("nobody has the token of " + key);
        holders_.take(token, task.parameters);
        did = true;
    }
    return did;
}

void Run::note_ends(const ExecutionWrite& write) {
    for (const Event& e : write.events) {
        if (is_closing(e.type) || e.type == EventType::kTaskCancelled ||
            e.type == EventType::kTaskTimedOut || e.type == EventType::kMapRunAborted)
            let_go_[task_key(write.summary.id, e.seq)] = life_;
    }
}

/// What was taken is recorded.
void Run::check_answers(const ExecutionId& id, const std::vector<Event>& events) {
    for (const auto& [task, answer] : holders_.answers_of(id)) {
        const Event* end = end_of(events, task);
        const bool succeeds = answer.outcome == TaskOutcome::kSucceeded;
        const auto wanted = succeeds ? EventType::kTaskSucceeded : EventType::kTaskFailed;
        const bool is_it = end != nullptr && end->type == wanted &&
                           (succeeds ? end->output == answer.payload : end->error == answer.error);
        if (!is_it) return broke("an acknowledged answer is lost: " + task_key(id, task));
    }
}

/// At the end: what a task says of the execution that it waited for is how that ended.
void Run::check_children_of(const ExecutionId& id, const std::vector<Event>& events) {
    for (const Event& e : events) {
        if (e.type != EventType::kTaskSubmitted || !e.resource.starts_with(kWaitsForChild))
            continue;
        if (e.detail.view().empty()) continue;  // its call was mocked, and began nothing
        const Event* end = end_of(events, e.ref);
        if (end == nullptr) return broke("a child is waited for in what has ended: " + id.str());
        const auto child = store_->summary(ExecutionId(e.detail.str()));
        if (!child || !*child) return broke("a child is not on record: " + e.detail.str());
        if ((*child)->redrives > 0) continue;
        if (end->type == EventType::kTaskFailed && (*child)->status == ExecutionStatus::kSucceeded)
            return broke("a child's success is a failure to " + id.str());
        if (end->type != EventType::kTaskSucceeded) continue;
        const auto result = json::parse(end->output.view());
        const json::Value* output = result ? result->find("Output") : nullptr;
        const bool is_text =
            output != nullptr && output->is_string() && e.resource == kWaitsForChild;
        if ((*child)->status != ExecutionStatus::kSucceeded ||
            (is_text && output->as_string() != (*child)->output.view()))
            return broke("another result than the child's in " + id.str());
    }
}

/// A child is stopped with the task that waits for it, and never else.
void Run::check_child(const ExecutionId& id, const Known& known, const ExecutionSummary& summary) {
    const auto [parent, task] = parts_of(known.started_by);
    const auto events = store_->events(parent, {});
    if (!events || events->size() < task) return broke("a child of nobody: " + id.str());
    const bool is_owned = (*events)[size_t(task) - 1].resource.starts_with(kWaitsForChild);
    const Event* end = end_of(*events, task);
    if (summary.status == ExecutionStatus::kAborted && !known.stopped) {
        const bool is_let_go = end != nullptr && end->type != EventType::kTaskSucceeded &&
                               end->type != EventType::kTaskFailed;
        if (!is_owned || !is_let_go) return broke("nobody stopped the child " + id.str());
    }
    if (summary.status != ExecutionStatus::kRunning || !is_owned || end == nullptr) return;
    // After a crash a stop may be lost; and a call under way tells of the child when it is
    // answered.
    const auto it = let_go_.find(task_key(parent, end->seq));
    const bool must_stop = it != let_go_.end() && it->second == life_ && summary.redrives == 0 &&
                           !calls_.is_open(known.started_by);
    if (must_stop) broke("a child goes on without its parent: " + id.str());
}

/// At rest, what is owed is under way somewhere.
void Run::check_action(const ExecutionId& id, const Action& action) {
    const std::string key = task_key(id, action.task);
    if (action.type == ActionType::kStartChild || action.type == ActionType::kRedriveChild)
        return check_child_action(id, action);
    if (action.type == ActionType::kWatch) {
        const auto child = store_->summary(action.child);
        if (child && *child && (*child)->status == ExecutionStatus::kRunning) return;
        return broke("a parent did not hear of its child's end: " + key);
    }
    if (action.target.kind == CallableKind::kActivity) return;  // it waits in its queue
    const bool is_call = action.target.kind == CallableKind::kService;
    if (is_call ? !calls_.is_open(key) : !workers_.is_running(key))
        broke("a task that is owed runs nowhere: " + key);
}

/// A run without faults: of which each call is answered at once.
void Run::run_ideal(asl::testing::Simulation& ideal, const std::string& definition) {
    const asl::testing::MapRunModel map_runs(
        {*map_run_, *asl_, *express_}, definition,
        [this, definition](asl::testing::Simulation& child) { run_ideal(child, definition); });
    ideal.set_map_runs([&map_runs](const Action& action) { return map_runs.end_of(action); });
    ideal.set_later(
        [](const TaskTicket& ticket) { return later_answer_to(handed_on(ticket.input)); },
        [this](const ExecutionId& child) { return ideal_child(child); });
    ideal.run([](const Action& action) -> std::optional<TaskResult> {
        if (action.target.kind != CallableKind::kService) return answer_to(action.payload);
        if (!action.target.name.starts_with("states:")) return later_answer_to(action.payload);
        const auto [machine, input] = started_by(action.payload);
        return begun(ExecutionId(machine + "#" + input.str()), {});
    });
}

/// How an execution of that machine with that input ends without faults.
std::shared_ptr<const ExecutionSummary> Run::ideal_child(const ExecutionId& id) {
    const auto it = ideal_children_.find(id);
    if (it != ideal_children_.end()) return it->second;
    const size_t hash = id.str().find('#');
    const std::string machine = id.str().substr(0, hash);
    ExecutionSummary of;
    of.callable = machine;
    of.revision = "r1";
    of.language = asl_->name();
    asl::testing::Simulation ideal(*asl_, program_of(of));
    ideal.set_checks_each_input(false);
    ideal.start(id.str().substr(hash + 1), machine_attributes(machine));
    run_ideal(ideal, definition_of(of));
    auto summary = asl::testing::summary_of(id, ideal.events().front(), ideal.events().back());
    ideal_children_.emplace(id, summary);
    return summary;
}

}  // namespace tandem::sim
