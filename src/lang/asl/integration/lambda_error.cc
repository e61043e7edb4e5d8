#include "lang/asl/integration/lambda_error.h"

#include <vector>

#include "base/encoding.h"

namespace tandem::asl {

namespace {

std::vector<std::string_view> split(std::string_view text) {
    std::vector<std::string_view> parts;
    while (true) {
        const size_t colon = text.find(':');
        parts.push_back(text.substr(0, colon));
        if (colon == std::string_view::npos) return parts;
        text.remove_prefix(colon + 1);
    }
}

std::string function_arn(const CallableRef& target, const LanguageOptions& options) {
    return "arn:aws:lambda:" + options.region + ":" + options.account + ":function:" + target.name +
           ":" + (target.qualifier.empty() ? "$LATEST" : target.qualifier);
}

/// A refusal of the Lambda API, as the AWS SDK for Java words it.
Failure service_failure(const TaskResult& result, std::string name, int status, std::string message,
                        AnswerContext& context) {
    const std::string_view prefix = "Lambda.";
    if (!result.error.empty()) name = result.error;
    if (name.starts_with(prefix)) name.erase(0, prefix.size());
    if (!result.cause.empty()) message = result.cause;
    const uint64_t high = context.random.next();
    const std::string id =
        result.request_id.empty() ? uuid_v4(high, context.random.next()) : result.request_id;
    return {"Lambda." + name,
            message + " (Service: AWSLambda; Status Code: " + std::to_string(status) +
                "; Error Code: " + name + "; Request ID: " + id + "; Proxy: null)"};
}

/// The function ran, or should have: its error document says what went wrong.
Failure function_failure(const TaskResult& result, bool compact) {
    const auto document = json::parse(result.payload.view());
    const json::Value* type = document ? document->find("errorType") : nullptr;
    if (type == nullptr || !type->is_string() || type->as_string().empty()) {
        return {"Lambda.Unknown",
                "The cause could not be determined because Lambda did not return an error type. "
                "Returned payload: " +
                    to_valid_utf8(result.payload.str())};
    }
    return {type->as_string(), compact ? json::print(*document) : result.payload.str()};
}

}  // namespace

FunctionName parse_function_name(std::string_view text) {
    const auto parts = split(text);
    // The name stands after "function" in an ARN and in a partial one, else first.
    size_t at = 0;
    for (size_t i = 0; i + 1 < parts.size(); ++i) {
        if (parts[i] == "function") at = i + 1;
    }
    FunctionName function{std::string(parts[at]), {}};
    if (at + 1 < parts.size()) function.qualifier = std::string(parts[at + 1]);
    return function;
}

Failure lambda_failure(const TaskResult& result, const CallableRef& target, bool compact,
                       AnswerContext& context) {
    switch (result.outcome) {
        case TaskOutcome::kNotFound: {
            // The service names the function by its ARN, whatever the cause says here.
            TaskResult named = result;
            named.cause = "Function not found: " + function_arn(target, context.options);
            return service_failure(named, "ResourceNotFoundException", 404, {}, context);
        }
        case TaskOutcome::kThrottled:
            return service_failure(result, "TooManyRequestsException", 429, "Rate Exceeded.",
                                   context);
        case TaskOutcome::kRejected:
            return service_failure(result, "InvalidRequestContentException", 400,
                                   "The request was refused.", context);
        case TaskOutcome::kSucceeded:
        case TaskOutcome::kFailed:
        case TaskOutcome::kTimedOut:
        case TaskOutcome::kLost: break;
    }
    return function_failure(result, compact);
}

}  // namespace tandem::asl
