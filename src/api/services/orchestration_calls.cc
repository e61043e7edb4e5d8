#include "api/services/orchestration_calls.h"

namespace tandem::services {

namespace {

using durabletask::Begun;
using durabletask::Wanted;

constexpr std::string_view kStart = "startOrchestration";

/// What is wrong with the parameters, if anything.
std::optional<std::string> read(const Asked& asked, Wanted& wanted) {
    const json::Value& given = asked.parameters;
    std::string wrong;
    const auto text = [&](const char* member) -> std::optional<std::string> {
        const json::Value* value = given.find(member);
        if (value == nullptr || value->is_null()) return std::nullopt;
        if (value->is_string()) return value->as_string();
        wrong = std::string("The value for the field '") + member + "' must be a STRING";
        return std::nullopt;
    };
    wanted.started_by = asked.key;
    wanted.name = text("Name").value_or("");
    wanted.hub = text("TaskHub").value_or(wanted.hub);
    wanted.instance = text("InstanceId").value_or("");
    wanted.version = text("Version");
    if (const json::Value* tags = given.find("Tags"); tags != nullptr && !tags->is_null()) {
        if (!tags->is_object()) return "The value for the field 'Tags' must be an object";
        for (const auto& [key, value] : tags->as_object()) {
            if (!value.is_string())
                return "The value for the field 'Tags." + key + "' must be a STRING";
            wanted.tags[key] = value.as_string();
        }
    }
    if (const json::Value* input = given.find("Input")) wanted.input = Payload(json::print(*input));
    if (!wrong.empty()) return wrong;
    return std::nullopt;
}

TaskResult failure(const Error& error) {
    const auto name = [&] {
        switch (error.code) {
            case ErrorCode::kInvalidArgument: return "InvalidArgumentException";
            case ErrorCode::kAlreadyExists: return "OrchestrationAlreadyExists";
            case ErrorCode::kOverloaded: return "ThrottlingException";
            case ErrorCode::kTooLarge: return "LimitExceededException";
            case ErrorCode::kNotFound:
            case ErrorCode::kConflict:
            case ErrorCode::kUnauthenticated:
            case ErrorCode::kPermissionDenied:
            case ErrorCode::kTimeout:
            case ErrorCode::kUnsupported:
            case ErrorCode::kUnavailable:
            case ErrorCode::kIo:
            case ErrorCode::kCorrupt:
            case ErrorCode::kInternal: break;
        }
        return "InternalException";
    }();
    return failed(std::string("DurableTask.") + name, error.message);
}

}  // namespace

bool OrchestrationCalls::owns(const ServiceCall& call) {
    return call.service == "durable-task" && call.action == kStart;
}

void OrchestrationCalls::start(const Asked& asked, Answered done) {
    Wanted wanted;
    if (const auto wrong = read(asked, wanted)) return done(unusable(asked, *wrong));
    durabletask::begin_orchestration(
        engine_, post_, std::move(wanted), [done = std::move(done)](const Result<Begun>& begun) {
            if (!begun) return done(failure(begun.error()));
            TaskResult result = succeeded(json::Value::object({{"InstanceId", begun->instance}}));
            result.execution = begun->execution;
            done(std::move(result));
        });
}

}  // namespace tandem::services
