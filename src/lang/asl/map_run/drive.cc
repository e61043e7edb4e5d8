#include "lang/asl/map_run/drive.h"

#include "base/check.h"
#include "base/limits.h"
#include "lang/asl/map_run/events.h"
#include "lang/asl/map_run/start.h"

namespace tandem::asl {

namespace {

Failure failure_of(const TaskResult& result, std::string_view otherwise) {
    const bool is_named = result.error.starts_with("States.");
    return {is_named ? result.error : std::string(otherwise), result.cause};
}

}  // namespace

Action call_action(const MapRunCall& call) {
    Action action;
    action.type = ActionType::kRunTask;
    action.task = call.task;
    action.target = {CallableKind::kService, call.service, {}};
    action.payload = call.parameters;
    return action;
}

Action child_action(const MapRun& run, TaskId task, const MapRunChild& child) {
    Action action;
    const bool goes_on = child.is_redriven && !run.is_express();
    action.type = goes_on ? ActionType::kRedriveChild : ActionType::kStartChild;
    action.task = task;
    action.child = child_id(run.facts, child);
    action.start = child_start(run.facts, child);
    return action;
}

std::vector<Action> owed(const MapRun& run) {
    std::vector<Action> actions;
    if (!run.is_open()) return actions;
    for (const auto& [task, child] : run.running) actions.push_back(child_action(run, task, child));
    if (run.call) actions.push_back(call_action(*run.call));
    if (run.stay) actions.push_back(call_action(*run.stay));
    return actions;
}

Decision Drive::decide() {
    if (input_.type == InputType::kRedrive) redrive();
    else if (run_.is_open()) act();
    return std::move(decision_);
}

void Drive::emit(Event event) {
    event.seq = run_.seq + 1;
    event.time = input_.now;
    bytes_ += event.input.size() + event.output.size();
    evolve(definition_, run_, event);
    decision_.events.push_back(std::move(event));
}

void Drive::act() {
    switch (input_.type) {
        case InputType::kStart: {
            if (run_.seq != 0) return;
            Event event;
            event.type = EventType::kExecutionStarted;
            event.input = input_.data;
            event.detail = input_.attributes;
            emit(std::move(event));
            return enter();
        }
        case InputType::kStop:
            return end(EventType::kExecutionAborted, {input_.error, input_.cause});
        case InputType::kTaskCompleted: return call_answered();
        case InputType::kChildEnded: return child_ended();
        case InputType::kSignal: return signal();
        case InputType::kTimer: {
            if (run_.due > input_.now) return;
            Event event;  // not due any more
            event.type = EventType::kDeferred;
            emit(std::move(event));
            return advance();
        }
        case InputType::kTaskStarted:
        case InputType::kTaskHeartbeat:
        case InputType::kTaskAnswered:
        case InputType::kMessage:
        case InputType::kRedrive: return;
    }
}

void Drive::advance() {
    if (run_.ending) return wind_up();
    if (run_.waits_to_enter()) return;
    if (exceeds_tolerance())
        return fail({std::string(kExceedToleratedFailures), std::string(kExceeded)});
    redrive_children();
    give_out();
    if (!run_.is_open() || run_.ending) return;
    if (is_spent()) return defer();
    if (wants_page()) return ask_page();
    const bool is_busy = run_.call || !run_.running.empty() || !run_.to_redrive.empty();
    if (!is_busy && run_.is_read() && run_.waiting_items() == 0) finish();
}

/// The rest is for another decision.
void Drive::defer() {
    Event event;
    event.type = EventType::kDeferred;
    event.due = input_.now + Duration(1);
    emit(std::move(event));
}

bool Drive::is_spent() const {
    return decision_.events.size() >= options_.decision_events || bytes_ >= options_.decision_bytes;
}

uint64_t Drive::free_places() const {
    const uint64_t places = run_.places(), taken = run_.running.size();
    return places > taken ? places - taken : 0;
}

/// "the workflow fails if either threshold is exceeded"; where neither is given, no failure is
/// tolerated. A share is known once all items are.
bool Drive::exceeds_tolerance() const {
    const uint64_t failed = run_.items.unsuccessful();
    if (failed == 0) return false;
    const auto& count = run_.tolerated_count;
    const auto& share = run_.tolerated_percentage;
    if (!count && !share) return true;
    if (count && failed > *count) return true;
    return share && run_.is_read() && double(failed) * 100 > *share * double(run_.known_items());
}

void Drive::call(std::string_view service, json::Value parameters) {
    Event event;
    event.type = EventType::kTaskScheduled;
    event.resource = service;
    event.input = Payload(json::print(parameters));
    emit(std::move(event));
    decision_.actions.push_back(call_action(service == kStayService ? *run_.stay : *run_.call));
}

/// "Backlogged Map Runs wait [...] until the total number of open Map Runs is less than the quota".
void Drive::enter() { call(kEnterService, json::Value::object()); }

void Drive::entered() {
    if (input_.result.outcome != TaskOutcome::kSucceeded)
        return fail(failure_of(input_.result, kRuntime));
    call(kStayService, json::Value::object());
    advance();
}

void Drive::call_answered() {
    if (!run_.call || run_.call->task != input_.task) return;
    if (run_.call->service == kEnterService) entered();
    else if (run_.call->service == kReadService) page_read();
    else written();
}

void Drive::child_ended() {
    const auto it = run_.running.find(input_.task);
    if (it == run_.running.end()) return;
    const ExecutionSummary& child = *input_.child;
    const bool has_succeeded = child.status == ExecutionStatus::kSucceeded;
    Event event;
    event.type = has_succeeded ? EventType::kIterationSucceeded : EventType::kIterationFailed;
    event.ref = input_.task;
    event.index = it->second.index;
    if (has_succeeded) {
        // What a Standard child came to is on its own record, unless it is wanted here.
        const bool is_wanted = run_.keeps_outputs() && run_.output_bytes <= options_.payload_bytes;
        if (is_wanted || run_.is_express()) event.output = child.output;
    } else {
        event.length = uint64_t(child.status);
        if (run_.is_express()) event.error = child.error, event.cause = child.cause;
    }
    emit(std::move(event));
    advance();
}

/// UpdateMapRun.
void Drive::signal() {
    Event event;
    event.type = EventType::kNote;
    event.detail = input_.data;
    emit(std::move(event));
    advance();
}

void Drive::redrive() {
    if (run_.has_succeeded || (run_.is_open() && !run_.ending)) return;
    if (run_.ending) {
        // What it would write is out of date before it is written.
        const MapRunEnding ending = *run_.ending;
        close(ending.type, {ending.error, ending.cause});
    }
    Event event;
    event.type = EventType::kExecutionRedriven;
    event.index = run_.redrives + 1;
    event.name = input_.attributes.str();
    emit(std::move(event));
    enter();
}

void Drive::finish() {
    const bool has_failures = run_.items.unsuccessful() != 0;
    if (!run_.has_writer() && !has_failures) {
        if (run_.output_bytes + 1 > options_.payload_bytes) return finish_with({});
        std::string output = "[";
        for (const Payload& one : run_.outputs) {
            if (output.size() > 1) output += ',';
            output += one.is_null() ? std::string_view("null") : one.view();
        }
        return finish_with(Payload(output + "]"));
    }
    write_results();
}

void Drive::write_results() {
    json::Value parameters = json::Value::object();
    parameters.set("run", map_run_id(run_.facts).str());
    parameters.set("redriven", run_.redriven_seq);
    for (const std::string_view fact : {"place", "machine", "label", "express", "writer"}) {
        if (const json::Value* value = run_.facts.find(fact)) parameters.set(fact, *value);
    }
    call(kWriteService, std::move(parameters));
}

/// The run's output; null where it is too large.
void Drive::finish_with(Payload output) {
    if (!output.is_null() && output.size() <= options_.payload_bytes)
        return close(EventType::kExecutionSucceeded, {}, std::move(output));
    fail({std::string(kDataLimitExceeded),
          "The state/task '" + run_.state->name +
              "' returned a result with a size exceeding the maximum number of bytes service "
              "limit."});
}

void Drive::written() {
    const TaskResult& result = input_.result;
    const bool has_succeeded = result.outcome == TaskOutcome::kSucceeded;
    if (run_.ending) {
        // What ends the run is told, and not that nobody can read of it.
        const MapRunEnding ending = *run_.ending;
        return close(ending.type, {ending.error, ending.cause}, {},
                     has_succeeded ? ResultsWritten::kYes : ResultsWritten::kNo);
    }
    if (has_succeeded) return finish_with(result.payload);
    const Failure failure = failure_of(result, "States.ResultWriterFailed");
    close(EventType::kExecutionFailed, failure);
}

void Drive::end(EventType type, Failure failure) {
    if (run_.ending) return;  // it has an end already
    const bool is_writing = run_.call && run_.call->service == kWriteService;
    if (!run_.exports() || is_writing) return close(type, std::move(failure));
    stop_children();
    cancel(run_.call);
    Event event;
    event.type = EventType::kNote;
    event.index = kEnding;
    event.length = uint64_t(type);
    event.error = std::move(failure.error);
    event.cause = std::move(failure.cause);
    emit(std::move(event));
    wind_up();
}

/// "PENDING: child workflow executions that were not started because the Map Run failed or was
/// aborted": those of items that are at hand.
void Drive::wind_up() {
    if (run_.call) return;
    if (!note_pending()) return defer();
    write_results();
}

void Drive::cancel(const std::optional<MapRunCall>& call) {
    if (!call) return;
    Action action;
    action.type = ActionType::kCancelTask;
    action.task = call->task;
    decision_.actions.push_back(std::move(action));
}

void Drive::stop_children() {
    // What was to begin in this decision does not; that it stays does, since that is cancelled.
    std::erase_if(decision_.actions, [&](const Action& action) {
        const bool is_stay = run_.stay && action.task == run_.stay->task;
        return !is_stay && action.type != ActionType::kStop;
    });
    for (const auto& [task, child] : run_.running) {
        Action stop;
        stop.type = ActionType::kStop;
        stop.task = task;
        stop.child = child_id(run_.facts, child);
        decision_.actions.push_back(std::move(stop));
    }
}

void Drive::close(EventType type, Failure failure, Payload output, ResultsWritten written) {
    stop_children();
    cancel(run_.call);
    cancel(run_.stay);
    // Of a run that succeeds results are written, or put together, when all have ended.
    if (type == EventType::kExecutionSucceeded) written = ResultsWritten::kYes;
    Event event;
    event.type = type;
    event.output = std::move(output);
    event.error = std::move(failure.error);
    event.cause = std::move(failure.cause);
    event.detail = Payload(json::print(described_ended(run_, written)));
    emit(std::move(event));
}

}  // namespace tandem::asl
