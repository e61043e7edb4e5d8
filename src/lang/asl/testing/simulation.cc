#include "lang/asl/testing/simulation.h"

namespace tandem::asl::testing {

namespace {

ExecutionStatus status_after(const Event& last) {
    if (last.type == EventType::kExecutionSucceeded) return ExecutionStatus::kSucceeded;
    if (last.type == EventType::kExecutionFailed) return ExecutionStatus::kFailed;
    if (last.type == EventType::kExecutionTimedOut) return ExecutionStatus::kTimedOut;
    return is_closing(last.type) ? ExecutionStatus::kAborted : ExecutionStatus::kRunning;
}

}  // namespace

std::shared_ptr<ExecutionSummary> summary_of(const ExecutionId& id, const Event& first,
                                             const Event& last) {
    auto summary = std::make_shared<ExecutionSummary>();
    summary->id = id;
    summary->status = status_after(last);
    summary->input = first.input;
    summary->attributes = first.detail;
    summary->output = last.output;
    summary->error = last.error;
    summary->cause = last.cause;
    return summary;
}

Simulation::Simulation(const Language& language, std::shared_ptr<const Program> program)
    : language_(language), program_(std::move(program)), state_(language.initial(*program_)) {}

void Simulation::start(std::string input, std::string attributes) {
    Input start;
    start.type = InputType::kStart;
    start.data = Payload(std::move(input));
    start.attributes = Payload(std::move(attributes));
    feed(std::move(start));
}

void Simulation::feed(Input input) {
    input.now = now_;
    input.entropy = seed_++;
    const auto asked = open_.find(input.task);
    const bool is_taken = input.type == InputType::kTaskStarted && asked != open_.end() &&
                          asked->second.target.kind == CallableKind::kActivity;
    const bool is_answer = input.type == InputType::kTaskCompleted ||
                           input.type == InputType::kTaskAnswered ||
                           input.type == InputType::kChildEnded;
    if (is_taken || is_answer) open_.erase(input.task);
    if (leaves_memory_) state_ = refold();
    Decision decision = language_.decide(*program_, *state_, input);
    for (Action& action : decision.actions) {
        const bool is_owed =
            action.type == ActionType::kRunTask || action.type == ActionType::kWatch ||
            action.type == ActionType::kStartChild || action.type == ActionType::kRedriveChild;
        if (is_owed) open_.emplace(action.task, std::move(action));
        else open_.erase(action.task);
        if (action.type == ActionType::kStop) stopped_.push_back(action.child);
    }
    for (Event& event : decision.events) events_.push_back(std::move(event));
    if (checks_each_input_) check_laws();
}

std::unique_ptr<State> Simulation::refold() const {
    auto state = language_.initial(*program_);
    for (const Event& event : events_) language_.evolve(*program_, *state, event);
    return state;
}

void Simulation::check_laws() {
    const auto refolded = refold();
    const std::string folded = static_cast<const Execution&>(*refolded).dump();
    const std::string decided = execution().dump();
    if (folded != decided)
        broken_law_ = "fold(events) is\n" + folded + "but the state is\n" + decided;
    std::vector<Action> owed;
    for (const auto& [id, action] : open_) owed.push_back(action);
    if (language_.pending(*program_, *refolded) != owed) {
        broken_law_ = "pending() is not what was issued and not answered, after event " +
                      std::to_string(events_.empty() ? 0 : events_.back().seq);
    }
}

std::optional<Input> Simulation::answer_to(const Action& action, const Worker& worker) const {
    Input input;
    input.type = InputType::kTaskCompleted;
    input.task = action.task;
    if (action.type == ActionType::kWatch && children_) {
        input.type = InputType::kChildEnded;
        input.child = children_(action.child);
        return input;
    }
    const bool is_map_run =
        action.type == ActionType::kStartChild || action.type == ActionType::kRedriveChild;
    if (is_map_run) {
        if (!map_runs_) return std::nullopt;
        input.type = InputType::kChildEnded;
        input.child = map_runs_(action);
        return input;
    }
    std::optional<TaskResult> result;
    if (action.target.kind == CallableKind::kActivity && holder_)
        result = holder_(*execution().ticket(action.task));
    else result = worker(action);
    if (!result) return std::nullopt;
    input.result = std::move(*result);
    return input;
}

/// The oldest task that waits for the holder of its token.
bool Simulation::answer_awaited() {
    if (!holder_) return false;
    for (const auto& [task, scope] : execution().tasks()) {
        if (execution().find(scope)->task->stage != TaskStage::kAwaited) continue;
        Input input;
        input.type = InputType::kTaskAnswered;
        input.task = task;
        input.result = holder_(*execution().ticket(task));
        feed(std::move(input));
        return true;
    }
    return false;
}

void Simulation::run(const Worker& worker, const std::function<bool(const Simulation&)>& stop) {
    std::map<TaskId, bool> refused;
    while (execution().is_open() && !(stop && stop(*this))) {
        bool answered = false;
        for (const auto& [id, action] : open_) {
            if (refused.count(id) != 0) continue;
            auto input = answer_to(action, worker);
            if (!input) {
                refused[id] = true;
                continue;
            }
            feed(std::move(*input));
            answered = true;
            break;
        }
        if (answered || answer_awaited()) continue;
        const Timestamp due = state_->next_due();
        if (due == kNever) return;
        now_ = std::max(now_, due);
        feed(Input{});
    }
}

std::optional<TaskResult> succeed_with(std::string payload) {
    TaskResult result;
    result.payload = Payload(std::move(payload));
    return result;
}

TaskResult fail_with(std::string payload) {
    TaskResult result;
    result.outcome = TaskOutcome::kFailed;
    result.payload = Payload(std::move(payload));
    return result;
}

}  // namespace tandem::asl::testing
