// What must hold of a run, looked at from outside the engine: on every write, on every task, now
// and then, and at the end.
#include "sim/checks.h"
#include "sim/run.h"

namespace tandem::sim {

namespace {

constexpr size_t kMailboxSlack = 4'096;  // answers are taken even when a mailbox is full
constexpr int64_t kCallAttempts = 3;
constexpr uint64_t kChance = 4;  // times as many events a history may have, as it happens

}  // namespace

const Language& Run::language_of(const ExecutionSummary& summary) const {
    for (const auto* language : {&invocation_, &map_run_, &express_}) {
        if (summary.language == (*language)->name()) return **language;
    }
    return *asl_;
}

std::shared_ptr<const Program> Run::program_of(const ExecutionSummary& summary) const {
    if (summary.kind == CallableKind::kFunction) return call_program_;
    const Language& language = language_of(summary);
    auto& program = programs_[summary.callable + ":" + summary.revision + ":" + summary.language];
    if (program) return program;
    const std::string text = definition_of(summary);
    const size_t slash = summary.callable.find('/');
    const bool is_part = slash != std::string::npos && &language != map_run_.get();
    const std::string part =
        is_part ? summary.callable.substr(slash + 1, summary.callable.find(':') - slash - 1) : "";
    return program = is_part ? *language.compile_part(text, part) : *language.compile(text);
}

/// An action leaves only after the event that asked for it is durable, and once in a server's life.
void Run::on_run(const std::string& key) {
    if (!run_in_this_life_.insert(key).second)
        broke("a task was run twice without a crash: " + key);
    const size_t hash = key.rfind('#');
    const ExecutionId id(key.substr(0, hash));
    if (is_transient(id)) return on_express_run(id, key);
    const uint64_t seq = std::stoull(key.substr(hash + 1));
    const auto events = store_->events(id, {.first_seq = seq, .last_seq = seq});
    if (!events || events->size() != 1 || events->front().type != EventType::kTaskScheduled) {
        broke("a task was run before its record was durable: " + key);
    }
}

/// Nothing is recorded that has not happened yet.
void Run::on_write(const ExecutionWrite& write) {
    if (is_transient(write.summary.id))
        broke("an Express execution is recorded: " + write.summary.id.str());
    for (const Event& event : write.events) {
        if (event.time > clock_.latest())
            broke("an event from the future in " + write.summary.id.str());
    }
    note_begun(write);
    note_given(write);
    note_ends(write);
    if (write.erase) on_erase(write.summary.id);
}

/// Only what has ended is erased, and of that only function calls.
void Run::on_erase(const ExecutionId& id) {
    const auto stored = stored_->summary(id);
    if (!stored) return broke("unreadable: " + stored.error().message);
    Known& known = known_.at(id);
    if (!*stored) {
        if (!known.erased) broke("erased before it was recorded: " + id.str());
        return;
    }
    const auto events = stored_->events(id, {});
    if (!events) return broke("unreadable: " + events.error().message);
    if (known.kind != CallableKind::kFunction) return broke("an execution is erased: " + id.str());
    if ((*stored)->status == ExecutionStatus::kRunning)
        return broke("a function call is erased before its end: " + id.str());
    check_execution(id, known, true);
    known.erased = true;
}

void Run::check_bounds() {
    if (engine_->waiting() > size_t(scenario_.server.mailbox) * engine_->shards() + kMailboxSlack) {
        broke("a mailbox grew without bound");
    }
    if (engine_->in_memory() > known_.size() + open_express() + given_.size())
        broke("more executions in memory than there are");
}

void Run::check_execution(const ExecutionId& id, Known& known, bool is_end) {
    const auto fail = [&](const std::string& what) { broke(what + " in " + id.str()); };
    const auto stored = store_->summary(id);
    if (!stored) return fail("unreadable: " + stored.error().message);
    if (!*stored) {
        const bool is_lost = known.acknowledged && !known.erased;
        return is_lost ? fail("an acknowledged execution is lost") : void();
    }
    if (numbers_.emplace((*stored)->number, id).first->second != id)
        return fail("the number of another execution");
    const auto events = store_->events(id, {});
    if (!events) return fail("unreadable: " + events.error().message);
    if (events->size() < known.seen_events ||
        (known.seen_events > 0 && hash_of(*events, known.seen_events) != known.seen_hash)) {
        return fail("recorded history changed");
    }
    known.seen_events = events->size();
    known.seen_hash = hash_of(*events, known.seen_events);
    if ((*stored)->redrives < known.redrives) return fail("an acknowledged redrive is lost");
    if (auto wrong = check_history(*events, clock_.latest()); !wrong.empty()) return fail(wrong);
    const auto program = program_of(**stored);
    if (auto wrong = check_fold(language_of(**stored), *program, *events, **stored); !wrong.empty())
        return fail(wrong);
    if ((*stored)->input != known.input) return fail("another input");
    check_answers(id, *events);
    if (language_of(**stored).name() == map_run_->name()) check_map_run(id, *events, is_end);
    if (!is_end) return;
    if ((*stored)->status == ExecutionStatus::kRunning) return fail("it never ended");
    result_.fingerprint = result_.fingerprint * 31 + known.seen_hash;
    result_.redrives += (*stored)->redrives;
    if (known.kind == CallableKind::kFunction) return check_function_call(id, known, *events);
    check_children_of(id, *events);
    if (!known.started_by.empty()) check_child(id, known, **stored);
    if (known.is_of_map) check_of_map(id, **stored);
    const bool may_stop = known.stopped || !known.started_by.empty() || known.is_of_map;
    const bool is_stopped = may_stop && (*stored)->status == ExecutionStatus::kAborted;
    if (is_exact() && !is_stopped && !id.str().starts_with("mapRun:")) check_output(**stored);
}

/// A queued call ends as its function does, after as many attempts as that takes.
void Run::check_function_call(const ExecutionId& id, const Known& known,
                              const std::vector<Event>& events) {
    const auto attempts = std::count_if(events.begin(), events.end(), [](const Event& e) {
        return e.type == EventType::kTaskScheduled;
    });
    if (attempts > kCallAttempts) return broke("too many attempts: " + id.str());
    if (!is_exact() || known.stopped) return;
    const TaskResult wanted = answer_to(known.input);
    const bool succeeds = wanted.outcome == TaskOutcome::kSucceeded;
    const Event& last = events.back();
    const EventType end = succeeds ? EventType::kExecutionSucceeded : EventType::kExecutionFailed;
    if (last.type != end || (succeeds && last.output != wanted.payload) ||
        attempts != (succeeds ? 1 : kCallAttempts)) {
        broke("another end of a function call than without faults: " + id.str());
    }
}

/// Without time-outs and lost workers, faults change no result, nor does a stop that a redrive
/// mended.
void Run::check_output(const ExecutionSummary& summary) {
    const Language& language = is_transient(summary.id) ? *express_ : *endless_;
    asl::testing::Simulation ideal(language, program_of(summary));
    ideal.set_checks_each_input(false);
    ideal.start(summary.input.str(), summary.attributes.str());
    run_ideal(ideal, definition_of(summary));
    const Event& last = ideal.events().back();
    // How far the branches of a state have come when one of them fails is chance, and so is whether
    // a long history gets full. That of one that was redriven has what it did before, too.
    const size_t limit = Limits{}.history_events;
    const bool is_long = summary.redrives > 0 || last.id * kChance >= limit;
    if (is_long && summary.last_id >= limit && summary.error == "States.Runtime") return;
    if (last.output != summary.output || last.error != summary.error) {
        broke("another result than without faults in " + summary.id.str() + ": " +
              summary.output.str() + summary.error.value_or("") + " instead of " +
              last.output.str() + last.error.value_or(""));
    }
}

void Run::check_all(bool is_end) {
    for (auto& [id, known] : known_) {
        if (is_well()) check_execution(id, known, is_end);
    }
}

/// At rest, what open executions owe is what the workers run: pending() of the fold of each.
void Run::check_owed() {
    for (const auto& [id, known] : known_) {
        const auto stored = store_->summary(id);
        if (!stored || !*stored || (*stored)->status != ExecutionStatus::kRunning) continue;
        const Language& language = language_of(**stored);
        const auto program = program_of(**stored);
        const auto state = language.initial(*program);
        const auto events = store_->events(id, {});
        for (const Event& e : *events) language.evolve(*program, *state, e);
        for (const Action& action : language.pending(*program, *state)) check_action(id, action);
        if (!known.started_by.empty()) check_child(id, known, **stored);
        if (known.is_of_map) check_of_map(id, **stored);
    }
}

}  // namespace tandem::sim
