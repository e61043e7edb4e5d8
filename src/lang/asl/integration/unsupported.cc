// Every resource that this installation cannot call: the task fails when it is reached, unless its
// answer is mocked.
#include "lang/asl/integration/integration.h"

namespace tandem::asl {

namespace {

class UnsupportedResource final : public Integration {
public:
    TaskFamily family() const override { return TaskFamily::kTask; }
    std::string_view limit_name(const TaskState& task) const override { return task.resource; }
    Outcome<Call> call(const TaskState& task, const Payload&) const override {
        return state_failure(
            kRuntime, "The resource '" + task.resource + "' is not supported by this server.");
    }
    Outcome<json::Value> answer(const TaskState& task, const Payload& parameters, const TaskResult&,
                                AnswerContext&) const override {
        return tl::unexpected(call(task, parameters).error());
    }
};

}  // namespace

const Integration& unsupported_resource() {
    static const UnsupportedResource integration;
    return integration;
}

}  // namespace tandem::asl
