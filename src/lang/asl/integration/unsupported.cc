// Every resource that this installation cannot call: the task fails when it is reached, unless its
// answer is mocked.
#include "lang/asl/integration/integration.h"

namespace tandem::asl {

namespace {

class UnsupportedResource final : public Integration {
public:
    TaskFamily family() const override { return TaskFamily::kTask; }
    std::string_view resource(const TaskState& task) const override { return named(task).second; }
    std::string_view resource_type() const override { return {}; }
    std::string_view resource_type_of(const TaskState& task) const override {
        return named(task).first;
    }
    std::string_view limit_name(const TaskState& task) const override { return task.resource; }
    Outcome<Call> call(const TaskState& task, const Payload&) const override {
        return state_failure(
            kRuntime, "The resource '" + task.resource + "' is not supported by this server.");
    }
    Outcome<json::Value> answer(const TaskState& task, const Payload& parameters, const TaskResult&,
                                AnswerContext&) const override {
        return tl::unexpected(call(task, parameters).error());
    }

private:
    /// Type and resource of "arn:aws:states:::TYPE:RESOURCE"; the type has a colon in "aws-sdk:s3".
    static std::pair<std::string_view, std::string_view> named(const TaskState& task) {
        constexpr std::string_view kService = ":states:::";
        const std::string_view all = task.resource;
        const size_t service = all.find(kService);
        if (service == std::string_view::npos) return {{}, all};
        const std::string_view rest = all.substr(service + kService.size());
        constexpr std::string_view kSdk = "aws-sdk:";
        const size_t colon = rest.find(':', rest.starts_with(kSdk) ? kSdk.size() : 0);
        if (colon == std::string_view::npos) return {{}, all};
        return {rest.substr(0, colon), rest.substr(colon + 1)};
    }
};

}  // namespace

const Integration& unsupported_resource() {
    static const UnsupportedResource integration;
    return integration;
}

const Integration& Integration::find(std::string_view resource) {
    if (resource == "arn:aws:states:::lambda:invoke") return lambda_invoke();
    if (resource.starts_with("arn:aws:lambda:") &&
        resource.find(":function:") != std::string_view::npos) {
        return lambda_function();
    }
    return unsupported_resource();
}

}  // namespace tandem::asl
