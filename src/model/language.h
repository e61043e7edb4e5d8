// Language: the pure interface that says what happens next. One implementation per language; the
// engine never switches on which one it holds.
//
// decide() turns an input into events and actions and folds every event it emits into `state`
// through evolve() (ADR 0001), so fold(all events) == state always holds. evolve() cannot fail.
// pending() recomputes what is owed after a crash: it equals the actions issued minus those
// answered. No clock, no random numbers, no I/O, no threads: time and entropy come in through
// Input. Objects are immutable (Program) or owned by one shard thread (State).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/limits.h"
#include "base/result.h"
#include "model/callable.h"
#include "model/event.h"
#include "model/execution.h"
#include "model/state_test.h"
#include "model/task.h"

namespace tandem {

enum class InputType : uint8_t {
    kStart,          // data = input, attributes = the door's facts about the execution
    kStop,           // error, cause: somebody ended the execution
    kTaskStarted,    // task: a worker took it (a lazy input: it waits for company to be recorded);
                     // of an activity, data = the worker's name as JSON, or null
    kTaskCompleted,  // task, result
    kTaskHeartbeat,  // task
    kTimer,          // State::next_due() has passed
    kRedrive,        // attributes = the client token; data: an unsuccessful execution goes on
    kTaskAnswered,   // task, result: by whoever holds its token
    kChildEnded,     // task, child: the execution that it watches has ended
    kSignal,         // data: somebody changes what the language lets change
    kMessage,        // data: what another execution sent
};

struct Input {
    InputType type = InputType::kTimer;
    Timestamp now{};       // when it was handed to decide(), or when it happened if that is known
    uint64_t entropy = 0;  // seed of all randomness of this decision
    Payload data;
    Payload attributes;
    TaskId task = 0;
    TaskResult result;
    std::optional<std::string> error;
    std::optional<std::string> cause;
    std::shared_ptr<const ExecutionSummary> child;
    bool owns_child = false;  // kTaskCompleted: as the action said
    // Of every input, where known:
    const ExecutionId* execution = nullptr;  // whose input it is
    const Callables* callables = nullptr;    // what is there; null: everything
};

enum class ActionType : uint8_t {
    kRunTask,       // call `target` with `payload`
    kCancelTask,    // its answer is not wanted any more; best effort
    kWatch,         // `task` wants to know how execution `child` ends
    kStop,          // execution `child`, which `task` began, is to end; best effort
    kStartChild,    // execution `child` begins, unless it is there, and `task` hears of its end
    kRedriveChild,  // the same, but if it has ended without success it goes on
    kSend,          // execution `child` gets `payload` once; with `start`, it begins if need be
};

/// An execution that another one begins, of its own definition or a part of it.
struct ChildStart {
    std::string name;      // the door's name of the execution
    std::string callable;  // what it is listed under, as part_of() reads it
    std::string language;
    Payload input;
    Payload attributes;
    friend bool operator==(const ChildStart&, const ChildStart&) = default;
};

struct Action {
    ActionType type = ActionType::kRunTask;
    TaskId task = 0;     // seq of the event that recorded it; of kSend the engine's own number
    CallableRef target;  // of kSend the sender's kind and revision, set by the engine
    ExecutionId child;
    std::shared_ptr<const ChildStart> start;  // kStartChild, kRedriveChild, perhaps kSend
    Payload payload;
    Payload client_context;      // Lambda's ClientContext, decoded JSON; of a service its own
    bool want_log_tail = false;  // the end of the call's log comes with its result
    bool owns_child = false;     // the execution that the call begins ends with the task
    friend bool operator==(const Action& a, const Action& b) {
        const bool same_start = a.start == b.start || (a.start && b.start && *a.start == *b.start);
        return same_start && a.type == b.type && a.task == b.task && a.target == b.target &&
               a.child == b.child && a.payload == b.payload &&
               a.client_context == b.client_context && a.want_log_tail == b.want_log_tail &&
               a.owns_child == b.owns_child;
    }
};

struct Decision {
    std::vector<Event> events;
    std::vector<Action> actions;
};

/// One thing that an execution waits for, for people (watch, explain).
struct Waiting {
    enum class For : uint8_t { kTask, kTimer, kRetry };
    For what = For::kTask;
    std::string state;  // name of the state
    std::string path;   // where: "Sweep[3]/Train"
    Timestamp since{};
    Timestamp due = kNever;
    std::string detail;  // resource of the task; error that is retried
};

/// A compiled definition: immutable, shared by all executions of one revision.
class Program {
public:
    virtual ~Program() = default;
};

/// What the holder of a task's token has to do with.
struct TaskTicket {
    uint64_t nonce = 0;
    bool is_started = false;  // a worker has taken it
    Payload input;
};

/// What is true of one execution now: the fold of its events.
class State {
public:
    virtual ~State() = default;
    virtual bool is_open() const = 0;
    /// Earliest time at which a kTimer input is wanted; kNever if none.
    virtual Timestamp next_due() const = 0;
    /// Tasks for which pending() has an action.
    virtual size_t open_tasks() const = 0;
    /// Whether an executor works for it, so that it had better stay in memory.
    virtual bool is_held() const { return open_tasks() > 0; }
    /// Of a task that may be answered from outside, while it is open.
    virtual std::optional<TaskTicket> ticket(TaskId) const { return std::nullopt; }
    /// seq of the last event folded.
    virtual uint64_t last_seq() const = 0;
    /// Kept in the execution's summary (ExecutionSummary::facts).
    virtual Payload facts() const { return {}; }
};

/// Facts of the installation that a language needs to name things (ARNs).
struct LanguageOptions {
    std::string account = "123456789012";
    std::string region = "us-east-1";
    // A definition may name resources that are not there: their answers are mocked.
    bool takes_any_resource = false;
    size_t payload_bytes = Limits{}.payload_bytes;
    size_t variable_bytes = Limits{}.variable_bytes;
    size_t variables_bytes = Limits{}.variables_bytes;
    size_t history_events = Limits{}.history_events;
    int64_t execution_s = Limits{}.execution_s;
    size_t map_iterations = Limits{}.map_iterations;
    // A decision that has come so far leaves the rest to the next kTimer input, due at once.
    size_t decision_events = kDecisionEvents;
    size_t decision_bytes = kDecisionBytes;
    size_t decision_work = kDecisionWork;
};

/// One thing that is wrong, or odd, in a definition.
struct Diagnostic {
    enum class Severity : uint8_t { kError, kWarning };
    Severity severity = Severity::kError;
    std::string code;
    std::string message;
    std::string location;  // a JSON pointer with [n] for items; may be empty
};

/// The variables that one state of a definition refers to.
struct VariableReferences {
    std::string state;
    std::vector<std::string> variables;
};

class Language {
public:
    virtual ~Language() = default;
    virtual std::string_view name() const = 0;
    /// Error: kInvalidArgument with the reason in the language's own words.
    virtual Result<std::shared_ptr<const Program>> compile(std::string_view definition) const = 0;
    /// The part of a definition that its children run. Error: as compile(); kUnsupported.
    virtual Result<std::shared_ptr<const Program>> compile_part(std::string_view,
                                                                std::string_view) const {
        return fail(ErrorCode::kUnsupported, "the language has no parts of definitions");
    }
    /// What a new definition must satisfy. It may ask for more than compile(), and for more from
    /// version to version: what was accepted once is compiled only. Error: as compile().
    virtual Result<void> validate(std::string_view definition) const {
        auto program = compile(definition);
        if (!program) return tl::unexpected<Error>(program.error());
        return {};
    }
    /// Everything that validate() refuses a definition for, and warnings. Empty: it is accepted.
    virtual std::vector<Diagnostic> diagnose(std::string_view definition) const {
        auto valid = validate(definition);
        if (valid) return {};
        return {{Diagnostic::Severity::kError, "INVALID_DEFINITION", valid.error().message, {}}};
    }
    /// One state by itself. Errors: kInvalidArgument, the definition is refused; kUnsupported.
    virtual Result<StateTestReport> test(const StateTest&) const {
        return fail(ErrorCode::kUnsupported, "the language does not test states");
    }
    /// Of the states that refer to any.
    virtual std::vector<VariableReferences> variable_references(std::string_view) const {
        return {};
    }
    /// Whether decide() takes kStart of an execution that is there already, open or closed, and
    /// says by a kExecutionStarted with seq 1 that its next generation begins.
    virtual bool restarts() const { return false; }
    virtual std::unique_ptr<State> initial(const Program& program) const = 0;
    virtual Decision decide(const Program& program, State& state, const Input& input) const = 0;
    virtual void evolve(const Program& program, State& state, const Event& event) const = 0;
    virtual std::vector<Action> pending(const Program& program, const State& state) const = 0;
    virtual std::vector<Waiting> waiting(const Program& program, const State& state) const = 0;
    /// For the door that made the execution; none where it has nothing to say. Of a closed one only
    /// where it restarts().
    virtual Payload inspect(const Program&, const State&) const { return {}; }
};

}  // namespace tandem
