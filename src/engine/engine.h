// Engine: the facade in front of shards, timers, dispatcher, registry and recovery. Doors see this
// header and the model, nothing behind it. All verbs are safe from every thread. Callbacks run on
// an engine thread, exactly once, only after what they report is durable (a transient execution
// never is), and must not block.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/limits.h"
#include "base/result.h"
#include "engine/event_log.h"
#include "exec/executor.h"
#include "exec/services.h"
#include "model/execution.h"
#include "model/language.h"
#include "store/blob/blob_store.h"
#include "store/store.h"

namespace tandem {

/// Who runs the engine: threads of its own, or its owner, step by step (stepped.h).
enum class Threads { kOwn, kNone };

struct EngineOptions {
    Limits limits;
    const Clock* clock = &system_clock();
    uint64_t seed = 0;             // of entropy and request ids; 0 = a random one
    Services* services = nullptr;  // what tasks call beside functions; null: nothing
    EventLog* event_log = nullptr;
    std::chrono::milliseconds retention_every = std::chrono::minutes(1);  // old executions go
};

struct StartRequest {
    ExecutionId id;
    CallableRef callable;  // must exist; what it is listed under may be a part of it (part_of())
    std::string name;      // the door's name of the execution
    Payload input;
    Payload
        attributes;  // JSON object of the door, kept with the execution and given to the language
    std::string language;  // empty: the callable's
};

struct StartReply {
    ExecutionSummary summary;
    // An execution with that id was there already, and its language did not begin it anew: the door
    // decides what that means.
    bool existed = false;
};

/// A redrive: an execution that did not succeed goes on from where it stopped.
struct RedriveRequest {
    ExecutionId id;
    std::string token;  // a repetition with the same one is answered alike; empty: none
    Payload data = {};  // what the language needs beside it
    // Not for an execution that started or ended before.
    Timestamp started_from{};
    Timestamp stopped_from{};
};

struct RedriveReply {
    ExecutionSummary summary;  // as it is now
    Timestamp time{};          // of the redrive
    bool accepted = false;     // else the execution cannot be redriven, and is as it was
};

/// Ids of transient executions begin with this, and no others.
constexpr char kTransientMark = '~';
inline bool is_transient(const ExecutionId& id) { return id.str().starts_with(kTransientMark); }

template <class T>
using Callback = std::function<void(Result<T>)>;

/// What a worker of an activity gets: the task's input, and the token to answer it by.
struct ActivityTask {
    std::string token;
    Payload input;
};

/// A worker that waits for a task.
struct ActivityPoll {
    Payload worker;  // its name as JSON, or null
    std::chrono::milliseconds patience = std::chrono::seconds(kActivityPollSeconds);
    // Whether there is still somebody to answer; may be empty. Asked before the task is taken and
    // again when that is durable: what nobody was there to get is offered to the next worker.
    std::function<bool()> is_wanted;
    /// nullopt: the time is over. Errors: kOverloaded, kUnavailable.
    Callback<std::optional<ActivityTask>> done;
};

enum class PutMode { kCreate, kUpdate };

class Engine {
public:
    /// Opens the store's epoch, recovers from its indexes and starts the threads. `store`, `blobs`,
    /// `executor` and `languages` must outlive the engine. Errors: those of Store.
    static Result<std::unique_ptr<Engine>> open(EngineOptions options, Store& store,
                                                BlobStore& blobs, Executor& executor,
                                                std::vector<const Language*> languages);
    virtual ~Engine() = default;

    // Callables. put has the definition validated (language) or admitted (executor) first.
    /// kCreate: kAlreadyExists if the name is taken. kUpdate: kNotFound if it is not. Both keep
    /// every earlier revision, so that running executions go on with theirs.
    virtual Result<void> put_callable(Callable callable, PutMode mode) = 0;
    /// Changes attributes and aliases of the current revision in place, without a new revision.
    virtual Result<void> amend_callable(const Callable& callable) = 0;
    /// Records `callable` as a further revision beside the current one (a published version).
    virtual Result<void> put_revision(Callable callable) = 0;
    /// Resolves the qualifier (empty, revision or alias). Error: kNotFound.
    virtual Result<std::shared_ptr<const Callable>> callable(const CallableRef& ref) const = 0;
    /// Current revisions in name order, after name `after` (exclusive).
    virtual Result<std::vector<std::shared_ptr<const Callable>>> list_callables(
        CallableKind kind, std::string_view after, size_t limit) const = 0;
    /// All recorded revisions of one callable but the current one, in order of creation.
    virtual Result<std::vector<std::shared_ptr<const Callable>>> list_revisions(
        CallableKind kind, std::string_view name) const = 0;
    /// ref.qualifier empty: the callable with all revisions; else that revision. kNotFound.
    /// Open executions of it go on; their definition stays readable through execution_callable().
    virtual Result<void> delete_callable(const CallableRef& ref) = 0;
    /// The revision that an execution runs, even when it was deleted since.
    virtual Result<std::shared_ptr<const Callable>> execution_callable(
        const ExecutionSummary& summary) const = 0;
    /// Whether a new definition would be accepted. Error: kInvalidArgument in the language's words.
    virtual Result<void> validate(std::string_view language, std::string_view definition) const = 0;
    /// What the language says against it, or about it. Error: kUnsupported (no such language).
    virtual Result<std::vector<Diagnostic>> diagnose(std::string_view language,
                                                     std::string_view definition) const = 0;
    /// Of the states of the definition that refer to variables.
    virtual std::vector<VariableReferences> variable_references(const Callable& callable) const = 0;
    /// One state by itself, without a record; a call that it makes is the caller's to invoke().
    /// Errors: kInvalidArgument (the definition is refused), kUnsupported.
    virtual Result<StateTestReport> test_state(std::string_view language,
                                               const StateTest& test) const = 0;

    // Executions.
    /// Answers once the start is durable. Errors: kNotFound, kOverloaded, kUnavailable, kTooLarge.
    virtual void start(StartRequest request, Callback<StartReply> done) = 0;
    /// Runs an execution that is never stored, in memory alone: nothing of it survives a stop of
    /// the server, nothing waits for the disk, and describe(), history() and list() do not know it.
    /// Its id must be fresh and is_transient(). `started` is called when it has begun, `ended` with
    /// how it ended (either may be empty). What goes wrong before it begins is said to both, the
    /// stop of the server to `ended`. Errors: kNotFound, kOverloaded, kUnavailable, kTooLarge.
    virtual void run_transient(StartRequest request, Callback<ExecutionSummary> started,
                               Callback<ExecutionSummary> ended) = 0;
    /// Ends an open execution as aborted; answers its summary. A closed one is left as it is.
    virtual void stop(ExecutionId id, std::optional<std::string> error,
                      std::optional<std::string> cause, Callback<ExecutionSummary> done) = 0;
    /// Answers once the execution is durably open again. What the language cannot go on with is not
    /// accepted. Errors: kNotFound, kTooLarge (too many are open), kOverloaded, kUnavailable.
    virtual void redrive(RedriveRequest request, Callback<RedriveReply> done) = 0;
    /// Hands an open execution's language what somebody wants changed; a closed one is left as it
    /// is. Answers its summary, once the change is durable.
    virtual void signal(ExecutionId id, Payload data, Callback<ExecutionSummary> done) = 0;
    /// What the language tells of an execution as it is now; none of a closed one, unless the
    /// language restarts executions. kNotFound.
    virtual void inspect(ExecutionId id, Callback<Payload> done) = 0;
    /// Calls `done` once, as soon as what is durable of the execution satisfies `is_wanted` (which
    /// runs on an engine thread). One that is not there is waited for. Forgotten when the handle is
    /// dropped; kUnavailable.
    [[nodiscard]] virtual std::shared_ptr<void> wait(
        ExecutionId id, std::function<bool(const ExecutionSummary&)> is_wanted,
        Callback<ExecutionSummary> done) = 0;
    /// Forgets a closed execution; false: it is open, or is not there. kOverloaded, kUnavailable.
    virtual void erase(ExecutionId id, Callback<bool> done) = 0;
    virtual Result<ExecutionSummary> describe(const ExecutionId& id) const = 0;  // kNotFound
    virtual Result<std::vector<Event>> history(const ExecutionId& id,
                                               const EventRange& range) const = 0;
    virtual Result<ExecutionPage> list(const ExecutionFilter& filter, std::string_view cursor,
                                       size_t limit) const = 0;
    /// What it waits for now, with the reason. kNotFound.
    virtual void explain(ExecutionId id, Callback<std::vector<Waiting>> done) = 0;

    // Tasks that are answered from outside, by their token.
    /// Answers once that is durable. Errors: kInvalidArgument (no such token), kNotFound (no such
    /// execution), kTimeout (the task is not open any more), kOverloaded, kUnavailable.
    virtual void answer_task(std::string_view token, TaskResult result, Callback<void> done) = 0;
    /// A sign of life; the same errors.
    virtual void heartbeat_task(std::string_view token, Callback<void> done) = 0;
    /// Error besides those of ActivityPoll: kNotFound (no such activity).
    virtual void poll_activity(const std::string& activity, ActivityPoll poll) = 0;
    /// Ends all polls, and later ones at once: of a server that is about to stop.
    virtual void end_polls() = 0;

    // Direct calls and packages.
    /// Calls a service once, without a record.
    virtual void call_service(ServiceCall call, std::function<void(TaskResult)> done) = 0;
    /// Runs a function once, without a record (a synchronous invocation). Never fails by Result
    /// for what the function did: see TaskResult.
    virtual void invoke(Task task, std::function<void(TaskResult)> done) = 0;
    virtual Result<std::string> put_blob(std::string_view bytes) = 0;
    virtual Result<std::string> blob(std::string_view id) const = 0;
    /// Forgets a blob that no callable's definition mentions: of a package that was refused.
    virtual void drop_blob(std::string_view id) = 0;
    virtual Result<std::string> logs(std::string_view function, size_t limit_bytes) const = 0;

    /// False once the store failed or stop began.
    virtual bool is_ready() const = 0;
    /// Stops taking inputs, lets the last batch become durable, joins the threads.
    virtual void shutdown() = 0;
};

}  // namespace tandem
