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
    /// `resource` and `resourceType` of the history's events.
    virtual std::string_view resource(const TaskState& task) const = 0;
    virtual std::string_view resource_type() const = 0;
    /// The same, of an integration that stands for several types.
    virtual std::string_view resource_type_of(const TaskState& task) const {
        return resource_type();
    }
    /// Name of the resource in "The state/task '...' returned a result with a size ...".
    virtual std::string_view limit_name(const TaskState& task) const = 0;
    /// A function of the recorded parameters only, because pending() repeats it after a crash.
    virtual Outcome<Call> call(const TaskState& task, const Payload& parameters) const = 0;
    /// The task's result, or how it failed.
    virtual Outcome<json::Value> answer(const TaskState& task, const Payload& parameters,
                                        const TaskResult& result, AnswerContext& context) const = 0;

    /// The integration for a resource; one that fails every task when there is none.
    static const Integration& find(std::string_view resource);
};

// The implementations.
const Integration& lambda_function();
const Integration& lambda_invoke();
const Integration& unsupported_resource();

}  // namespace tandem::asl
