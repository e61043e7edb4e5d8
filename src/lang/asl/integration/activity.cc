// arn:aws:states:REGION:ACCOUNT:activity:NAME: the task waits for a worker that polls for it and
// answers by the token that it gets.
#include "lang/asl/integration/integration.h"

namespace tandem::asl {

namespace {

class Activity final : public Integration {
public:
    TaskFamily family() const override { return TaskFamily::kActivity; }
    std::string_view limit_name(const TaskState& task) const override { return task.resource; }
    Outcome<Call> call(const TaskState& task, const Payload&) const override {
        const std::string& arn = task.resource;
        // The worker is given the parameters when it takes the task.
        return Call{{CallableKind::kActivity, arn.substr(arn.rfind(':') + 1), {}}, {}, {}, false};
    }
    Outcome<json::Value> answer(const TaskState&, const Payload&, const TaskResult& result,
                                AnswerContext&) const override {
        return token_answer(result);
    }
};

}  // namespace

const Integration& activity() {
    static const Activity integration;
    return integration;
}

Outcome<json::Value> token_answer(const TaskResult& result) {
    if (result.outcome != TaskOutcome::kSucceeded) {
        Failure failure;
        if (!result.error.empty()) failure.error = result.error;
        if (!result.cause.empty()) failure.cause = result.cause;
        return tl::unexpected(std::move(failure));
    }
    auto value = json::parse(result.payload.is_null() ? "null" : result.payload.view());
    if (!value) return state_failure(kRuntime, "The task's output is not valid JSON.");
    return std::move(*value);
}

}  // namespace tandem::asl
