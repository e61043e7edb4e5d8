#include "lang/asl/run.h"

#include "base/check.h"
#include "base/limits.h"

namespace tandem::asl {

Run::Run(const LanguageOptions& options, const Definition& definition, Execution& execution,
         const Input& input, Probe* probe)
    : options_(options),
      definition_(definition),
      execution_(execution),
      input_(input),
      random_(input.entropy),
      probe_(probe) {}

Event Run::event_in(const Scope& scope, EventType type) const {
    Event event;
    event.type = type;
    event.scope = scope.id;
    event.previous_id = scope.previous;
    if (scope.state != kEnd) {
        event.kind = definition_of(scope).kind;
        event.name = definition_of(scope).name;
    }
    return event;
}

uint64_t Run::emit(Event event) {
    if (!execution_.is_open() && event.type != EventType::kExecutionRedriven) return 0;
    const bool is_hidden = event.type >= EventType::kWaitSet;
    if (!is_hidden && !is_closing(event.type) &&
        execution_.last_id() + 1 >= options_.history_events) {
        // The last place of the history is for the event that ends it.
        close(
            EventType::kExecutionFailed,
            {std::string(kRuntime), "The execution reached the maximum number of history events (" +
                                        std::to_string(options_.history_events) + ")."},
            event.previous_id);
        return 0;
    }
    event.seq = execution_.last_seq() + 1;
    event.id = is_hidden ? 0 : execution_.last_id() + 1;
    event.time = now();
    evolve(definition_, execution_, event);
    const uint64_t id = event.id;
    bytes_ += event.input.size() + event.output.size() + event.detail.size();
    decision_.events.push_back(std::move(event));
    return id;
}

void Run::close(EventType type, Failure failure, uint64_t previous) {
    if (!execution_.is_open()) return;
    drop_open_tasks();
    steps_.clear();
    Event event;
    event.type = type;
    event.previous_id = previous;
    event.error = std::move(failure.error);
    event.cause = std::move(failure.cause);
    emit(std::move(event));
}

void Run::drop_open_tasks() {
    for (const auto& [task, scope] : execution_.tasks()) abandon(*execution_.find(scope)->task);
}

void Run::go(const Scope& scope, int state, Payload input) {
    steps_.push_front({scope.id, state, std::move(input)});
}

void Run::go_later(const Scope& scope, int state, Payload input) {
    steps_.push_back({scope.id, state, std::move(input)});
}

bool Run::is_spent() const {
    return decision_.events.size() >= options_.decision_events ||
           bytes_ >= options_.decision_bytes ||
           work_ + (kStateWork - budget_.left) >= options_.decision_work;
}

void Run::begin_work() {
    work_ += kStateWork - budget_.left;
    budget_.left = kStateWork;
}

/// Leaves the steps that are left to the next decision.
void Run::defer_steps() {
    for (Step& step : std::exchange(steps_, {})) {
        Scope* scope = execution_.find(step.scope);
        if (scope == nullptr) continue;  // aborted by a sibling
        Scope* parent = execution_.find(scope->parent);
        const bool has_begun = scope->id == 0 || scope->state != kEnd;
        if (!has_begun && definition_of(*parent).kind == StateKind::kParallel) {
            if (parent->due == kNever) defer_children(*parent, std::move(step.input));
            continue;
        }
        const StateDefinition& state = definition_.state(step.state);
        Event event;
        event.type = EventType::kDeferred;
        event.scope = scope->id;
        event.kind = state.kind;
        event.name = state.name;
        event.due = soon();
        const bool is_output = step.input.view().data() == scope->output.view().data();
        if (!is_output) event.input = std::move(step.input);
        emit(std::move(event));
    }
}

/// `input` is that of branches which have not begun; once recorded it need not be again.
void Run::defer_children(const Scope& scope, Payload input) {
    Event event = event_in(scope, EventType::kDeferred);
    event.due = soon();
    if (input != scope.output) event.input = std::move(input);
    emit(std::move(event));
}

void Run::walk() {
    while (!steps_.empty()) {
        if (is_spent() && !decision_.events.empty()) return defer_steps();
        const Step next = std::move(steps_.front());
        steps_.pop_front();
        step(next);
    }
}

void Run::step(const Step& step) {
    // A branch that was queued may have been aborted by a sibling since.
    Scope* scope = execution_.find(step.scope);
    if (scope == nullptr || !execution_.is_open()) return;
    const StateDefinition& state = definition_.state(step.state);
    Event event;
    event.type = EventType::kStateEntered;
    event.scope = scope->id;
    event.previous_id = scope->previous;
    event.kind = state.kind;
    event.name = state.name;
    event.input = step.input;
    begin_work();
    if (emit(std::move(event)) != 0) run_state(*scope);
}

void Run::run_state(Scope& scope) {
    const StateDefinition& state = definition_of(scope);
    switch (state.kind) {
        case StateKind::kPass: return run_pass(scope, std::get<PassState>(state.body));
        case StateKind::kTask: return run_task(scope, std::get<TaskState>(state.body));
        case StateKind::kChoice: return run_choice(scope, std::get<ChoiceState>(state.body));
        case StateKind::kWait: return run_wait(scope, std::get<WaitState>(state.body));
        case StateKind::kSucceed: return run_succeed(scope);
        case StateKind::kFail: return run_fail(scope, std::get<FailState>(state.body));
        case StateKind::kParallel: return run_parallel(scope, std::get<ParallelState>(state.body));
        case StateKind::kMap: return run_map(scope, std::get<MapState>(state.body));
        case StateKind::kNone: break;
    }
    CHECK(false);
}

}  // namespace tandem::asl
