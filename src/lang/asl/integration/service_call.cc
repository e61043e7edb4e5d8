// arn:aws:states:::SERVICE:ACTION: a call of an API. Whoever carries it out words result and error;
// here is the form of such resources.
#include "lang/asl/integration/integration.h"
#include "lang/asl/integration/service_actions.h"

namespace tandem::asl {

namespace {

/// The action without the call pattern that ends it.
std::string_view plain_action(const TaskState& task) {
    const std::string_view action = task.action;
    return action.substr(0, action.find('.'));
}

const ServiceAction* action_of(const TaskState& task) {
    return find_action(task.service, plain_action(task));
}

class ServiceCall final : public Integration {
public:
    TaskFamily family() const override { return TaskFamily::kTask; }
    std::string_view limit_name(const TaskState& task) const override { return task.service; }
    Outcome<Call> call(const TaskState& task, const Payload& parameters) const override {
        return Call{
            {CallableKind::kService, task.service + ":" + std::string(plain_action(task)), {}},
            parameters,
            {},
            false};
    }
    std::string refusal(const TaskState& task, const Payload& parameters) const override {
        const auto given = json::parse(parameters.view());
        if (!given || !given->is_object()) return "The value must be an object";
        std::vector<std::string_view> names;
        for (const auto& [name, value] : given->as_object()) names.push_back(name);
        std::string out;
        for (const std::string& wrong : wrong_parameters(*action_of(task), names))
            out.append(out.empty() ? "" : ", ").append(wrong);
        return out;
    }
    Outcome<json::Value> answer(const TaskState&, const Payload&, const TaskResult& result,
                                AnswerContext&) const override {
        return token_answer(result);
    }
};

constexpr std::pair<std::string_view, Pattern> kPatterns[] = {
    {".waitForTaskToken", Pattern::kWaitForTaskToken},
    {".sync", Pattern::kSync},
    {".sync:2", Pattern::kSync2},
};

/// Service, action and pattern; the service has a colon in "aws-sdk:s3".
void take_apart(TaskState& task) {
    constexpr std::string_view kService = ":states:::";
    const std::string_view all = task.resource;
    task.action = task.resource;
    const size_t service = all.find(kService);
    if (service == std::string_view::npos) return;
    const std::string_view rest = all.substr(service + kService.size());
    constexpr std::string_view kSdk = "aws-sdk:";
    const size_t colon = rest.find(':', rest.starts_with(kSdk) ? kSdk.size() : 0);
    if (colon == std::string_view::npos) return;
    task.service = rest.substr(0, colon);
    task.action = rest.substr(colon + 1);
    for (const auto& [end, pattern] : kPatterns) {
        if (task.action.ends_with(end)) task.pattern = pattern;
    }
}

const Integration& integration_of(const TaskState& task) {
    const bool is_invoke = task.service == "lambda" && plain_action(task) == "invoke";
    if (is_invoke &&
        (task.pattern == Pattern::kRequestResponse || task.pattern == Pattern::kWaitForTaskToken)) {
        return lambda_invoke();
    }
    const bool begins_executions = task.service == "states" || task.service == kDurableTask ||
                                   task.service == kSlurm || task.service == kBatch;
    if (waits_for_child(task.pattern) && !begins_executions) return unsupported_resource();
    if (task.service != "lambda" && action_of(task) != nullptr) return service_call();
    const bool is_named = task.service.empty();
    if (is_named && task.resource.find(":states:") != std::string::npos &&
        task.resource.find(":activity:") != std::string::npos) {
        return activity();
    }
    if (is_named && task.resource.find(":lambda:") != std::string::npos &&
        task.resource.find(":function:") != std::string::npos) {
        return lambda_function();
    }
    return unsupported_resource();
}

}  // namespace

Failure unusable(const Payload& parameters, std::string_view reason) {
    return state_failure(kRuntime, "The Parameters '" + parameters.str() +
                                       "' could not be used to start the Task: [" +
                                       std::string(reason) + "]")
        .value();
}

const Integration& service_call() {
    static const ServiceCall integration;
    return integration;
}

void bind_integration(TaskState& task) {
    take_apart(task);
    task.integration = &integration_of(task);
    if (task.integration == &activity()) task.pattern = Pattern::kActivity;
}

bool is_available(const TaskState& task) { return task.integration != &unsupported_resource(); }

}  // namespace tandem::asl
