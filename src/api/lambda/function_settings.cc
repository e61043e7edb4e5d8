#include "api/lambda/function_settings.h"

#include <algorithm>
#include <array>

namespace tandem::lambda {

namespace {

using aws::ApiError;

constexpr std::string_view kRolePattern =
    "arn:(aws[a-zA-Z-]*)?:iam::\\d{12}:role/?[a-zA-Z_0-9+=,.@\\-_/]+";

ApiError invalid(std::string message) {
    return {400, "InvalidParameterValueException", std::move(message), {}, 0};
}

bool is_empty(const json::Value& value) {
    switch (value.kind()) {
        case json::Kind::kNull: return true;
        case json::Kind::kArray: return value.as_array().empty();
        case json::Kind::kString: return value.as_string().empty();
        case json::Kind::kObject:
            return std::all_of(value.as_object().begin(), value.as_object().end(),
                               [](const auto& m) { return is_empty(m.second); });
        case json::Kind::kBool: return !value.as_bool();
        case json::Kind::kInt:
        case json::Kind::kDouble: return false;
    }
    return false;
}

// What this server does not do is refused, unless it is given as "none".
std::optional<ApiError> check_unsupported(const json::Value& body) {
    constexpr std::array<std::string_view, 8> kUnsupported = {"Layers",
                                                              "FileSystemConfigs",
                                                              "VpcConfig",
                                                              "ImageConfig",
                                                              "DurableConfig",
                                                              "CapacityProviderConfig",
                                                              "CodeSigningConfigArn",
                                                              "TenancyConfig"};
    for (const std::string_view name : kUnsupported) {
        const json::Value* value = body.find(name);
        if (value && !is_empty(*value))
            return invalid("This server does not support '" + std::string(name) + "' yet.");
    }
    if (const json::Value* snap = body.find("SnapStart");
        snap && snap->string_or("ApplyOn", "None") != "None") {
        return invalid("This server does not support 'SnapStart'.");
    }
    return std::nullopt;
}

bool is_variable_name(std::string_view name) {
    auto alpha = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    return name.size() >= 2 && alpha(name[0]) && std::all_of(name.begin(), name.end(), [&](char c) {
               return alpha(c) || c == '_' || (c >= '0' && c <= '9');
           });
}

bool is_reserved_variable(std::string_view name) {
    constexpr std::array<std::string_view, 18> kReserved = {"_HANDLER",
                                                            "_X_AMZN_TRACE_ID",
                                                            "AWS_DEFAULT_REGION",
                                                            "AWS_REGION",
                                                            "AWS_EXECUTION_ENV",
                                                            "AWS_LAMBDA_FUNCTION_NAME",
                                                            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
                                                            "AWS_LAMBDA_FUNCTION_VERSION",
                                                            "AWS_LAMBDA_INITIALIZATION_TYPE",
                                                            "AWS_LAMBDA_LOG_GROUP_NAME",
                                                            "AWS_LAMBDA_LOG_STREAM_NAME",
                                                            "AWS_ACCESS_KEY",
                                                            "AWS_ACCESS_KEY_ID",
                                                            "AWS_SECRET_ACCESS_KEY",
                                                            "AWS_SESSION_TOKEN",
                                                            "AWS_LAMBDA_RUNTIME_API",
                                                            "LAMBDA_TASK_ROOT",
                                                            "LAMBDA_RUNTIME_DIR"};
    return std::find(kReserved.begin(), kReserved.end(), name) != kReserved.end();
}

std::optional<ApiError> apply_environment(const json::Value& given, FunctionSpec& spec) {
    aws::Fields fields(given);
    const json::Value* variables = fields.object("Variables");
    if (const auto error = fields.error()) return error;
    std::map<std::string, std::string> environment;
    size_t bytes = 0;
    std::string reserved;
    for (const auto& [name, value] : variables ? variables->as_object() : json::Object()) {
        if (!value.is_string())
            return ApiError{400,
                            "SerializationException",
                            "NUMBER_VALUE can not be converted to String",
                            {},
                            0};
        if (is_reserved_variable(name)) {
            reserved += (reserved.empty() ? "" : ", ") + name;
        } else if (!is_variable_name(name)) {
            fields.violate("environment.variables", name,
                           "Map keys must satisfy constraint: [Member must satisfy regular "
                           "expression pattern: [a-zA-Z]([a-zA-Z0-9_])+]");
        }
        if (value.as_string().find('\0') != std::string::npos)
            return invalid("Environment variable values cannot contain NUL characters.");
        bytes += name.size() + value.as_string().size();
        environment[name] = value.as_string();
    }
    if (!reserved.empty()) {
        return invalid(
            "Lambda was unable to configure your environment variables because the environment "
            "variables you have provided "
            "contains reserved keys that are currently not supported for modification. Reserved "
            "keys used in this request: " +
            reserved);
    }
    if (const auto error = fields.error()) return error;
    if (bytes > kEnvironmentBytes) {
        return invalid(
            "Lambda was unable to configure your environment variables because the environment "
            "variables you have provided "
            "exceeded the 4KB limit.");
    }
    spec.environment = std::move(environment);
    return std::nullopt;
}

std::optional<ApiError> apply_structures(aws::Fields& fields, FunctionRecord& record) {
    const json::Value* environment = fields.object("Environment");
    const json::Value* tracing = fields.object("TracingConfig");
    const json::Value* storage = fields.object("EphemeralStorage");
    const json::Value* logging = fields.object("LoggingConfig");
    const json::Value* dead_letter = fields.object("DeadLetterConfig");
    if (const auto error = fields.error()) return error;
    if (environment) {
        if (const auto error = apply_environment(*environment, record.spec)) return error;
    }
    if (tracing) {
        aws::Fields inner(*tracing);
        const auto mode = inner.string(
            "Mode", {.values = {"Active", "PassThrough"}, .error_name = "tracingConfig.mode"});
        if (const auto error = inner.error()) return error;
        if (mode) record.facts.tracing_mode = *mode;
    }
    if (storage) {
        aws::Fields inner(*storage);
        const auto size = inner.integer(
            "Size",
            {.required = true, .min = 512, .max = 10'240, .error_name = "ephemeralStorage.size"});
        if (const auto error = inner.error()) return error;
        record.spec.ephemeral_storage_mb = int(*size);
    }
    if (logging) record.facts.logging = *logging;
    if (dead_letter) {
        if (!dead_letter->string_or("TargetArn", "").empty())
            return invalid("This server does not support 'DeadLetterConfig' yet.");
        record.facts.dead_letter = {};
    }
    return std::nullopt;
}

}  // namespace

std::optional<ApiError> apply_settings(const json::Value& body, FunctionRecord& record) {
    aws::Fields fields(body);
    const auto role = fields.string("Role", {.error_name = "role"});
    const auto runtime = fields.string("Runtime", {.error_name = "runtime"});
    const auto handler = fields.string("Handler", {.max = 128, .error_name = "handler"});
    const auto description =
        fields.string("Description", {.max = 256, .error_name = "description"});
    const auto timeout = fields.integer(
        "Timeout", {.min = 1, .max = kFunctionTimeoutSecondsMax, .error_name = "timeout"});
    const auto memory = fields.integer(
        "MemorySize",
        {.min = kFunctionMemoryMbMin, .max = kFunctionMemoryMbMax, .error_name = "memorySize"});
    if (role && !aws::is_role_arn(*role)) {
        fields.violate(
            "role", *role,
            "Member must satisfy regular expression pattern: " + std::string(kRolePattern));
    }
    if (handler &&
        std::any_of(handler->begin(), handler->end(), [](unsigned char c) { return c <= ' '; })) {
        fields.violate("handler", *handler,
                       "Member must satisfy regular expression pattern: [^\\s]+");
    }
    if (const auto error = fields.error()) return error;
    if (const auto error = check_unsupported(body)) return error;
    if (const auto error = apply_structures(fields, record)) return error;
    if (role) record.facts.role = *role;
    if (runtime) record.spec.runtime = *runtime;
    if (handler) record.spec.handler = *handler;
    if (description) record.facts.description = *description;
    if (timeout) record.spec.timeout_s = int(*timeout);
    if (memory) record.spec.memory_mb = int(*memory);
    return std::nullopt;
}

}  // namespace tandem::lambda
