// arn:aws:lambda:REGION:ACCOUNT:function:NAME[:QUALIFIER]: the function gets the state's parameters
// and its answer is the result as it is.
#include "lang/asl/integration/lambda_error.h"

namespace tandem::asl {

namespace {

class LambdaFunction final : public Integration {
public:
    TaskFamily family() const override { return TaskFamily::kLambdaFunction; }
    std::string_view limit_name(const TaskState& task) const override { return task.resource; }

    Outcome<Call> call(const TaskState& task, const Payload& parameters) const override {
        return Call{target_of(task), parameters, {}, false};
    }

    Outcome<json::Value> answer(const TaskState& task, const Payload&, const TaskResult& result,
                                AnswerContext& context) const override {
        if (result.outcome != TaskOutcome::kSucceeded) {
            return tl::unexpected(lambda_failure(result, target_of(task), false, context));
        }
        auto value = json::parse(result.payload.is_null() ? "null" : result.payload.view());
        if (!value)
            return tl::unexpected(
                Failure{"Lambda.Unknown", "The function returned a payload that is not JSON."});
        return std::move(*value);
    }

private:
    static CallableRef target_of(const TaskState& task) {
        FunctionName function = parse_function_name(task.resource);
        return {CallableKind::kFunction, std::move(function.name), std::move(function.qualifier)};
    }
};

}  // namespace

const Integration& lambda_function() {
    static const LambdaFunction integration;
    return integration;
}

}  // namespace tandem::asl
