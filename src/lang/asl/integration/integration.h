// Integration: one kind of task resource ("arn:aws:states:::lambda:invoke"): whom a task calls, and
// what its answer means in AWS's words. Stateless, one constant object each; found by resource when
// a definition is compiled. A further integration is one more file and one more line in find().
#pragma once

#include <string>
#include <string_view>

#include "base/rng.h"
#include "json/value.h"
#include "lang/asl/failure.h"
#include "lang/asl/program.h"
#include "model/language.h"

namespace tandem::asl {

/// What a task asks the engine to do.
struct Call {
    CallableRef target;
    Payload payload;
    Payload client_context;
    bool want_log_tail = false;
};

/// What an integration may use to word an answer.
struct AnswerContext {
    const LanguageOptions& options;
    SplitMix64& random;
    Timestamp now;
};

class Integration {
public:
    virtual ~Integration() = default;
    virtual TaskFamily family() const = 0;
    /// Name of the resource in "The state/task '...' returned a result with a size ...".
    virtual std::string_view limit_name(const TaskState& task) const = 0;
    /// A function of the recorded parameters only, because pending() repeats it after a crash.
    virtual Outcome<Call> call(const TaskState& task, const Payload& parameters) const = 0;
    /// Why a task with these parameters cannot be begun; empty where it can. Not asked again when
    /// a call is repeated.
    virtual std::string refusal(const TaskState&, const Payload&) const { return {}; }
    /// What the answer to the call says: the task's result, or that it began; or how it failed.
    virtual Outcome<json::Value> answer(const TaskState& task, const Payload& parameters,
                                        const TaskResult& result, AnswerContext& context) const = 0;
};

/// Fills in what follows from task.resource; where nothing is known of the resource, with an
/// integration that fails every task.
void bind_integration(TaskState& task);
/// Whether this installation can call the task's resource and wait for its result.
bool is_available(const TaskState& task);

/// What a worker or whoever holds the task's token says.
Outcome<json::Value> token_answer(const TaskResult& result);
/// A task cannot be begun with these parameters.
Failure unusable(const Payload& parameters, std::string_view reason);
/// How the execution ended that a task began and waits for: one of a state machine, an
/// orchestration, a batch job.
Outcome<json::Value> child_result(const ExecutionSummary& child, Pattern pattern);
Outcome<json::Value> orchestration_result(const ExecutionSummary& child);
Outcome<json::Value> job_result(const ExecutionSummary& child, std::string_view service);

constexpr std::string_view kDurableTask = "durable-task";
constexpr std::string_view kSlurm = "slurm";
constexpr std::string_view kBatch = "batch";

// The implementations.
const Integration& lambda_function();
const Integration& lambda_invoke();
const Integration& activity();
const Integration& service_call();
const Integration& unsupported_resource();

}  // namespace tandem::asl
