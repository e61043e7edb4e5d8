#include "api/states/start.h"

#include <algorithm>

#include "api/aws/json_errors.h"
#include "api/states/execution.h"
#include "api/states/mock_config.h"
#include "api/states/version.h"
#include "base/rng.h"

namespace tandem::states {

namespace {

bool is_ascii(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return (uint8_t(c) & 0x80) == 0; });
}

Answer<std::string> check_input(const Context& context, aws::Fields& fields,
                                std::optional<std::string> text) {
    if (!text) return std::string("{}");
    if (text->size() > context.limits.payload_bytes) {
        fields.violate("input", std::nullopt,
                       "Member must have length less than or equal to " +
                           std::to_string(context.limits.payload_bytes));
        return tl::unexpected(*fields.error());
    }
    if (json::check(*text, {.max_depth = context.limits.json_depth})) return *std::move(text);
    std::string reason = aws::describe_json_error(*text);
    // An empty text, or one that only our stricter rules refuse (depth, surrogates).
    if (text->empty() || reason.empty()) reason = "Invalid execution input.";
    return aws::refuse("InvalidExecutionInput",
                       "Invalid State Machine Execution Input: '" + reason + "'");
}

// "<state machine ARN>#<test case>", where there is a mock configuration.
std::string take_test_case(const Context& context, std::string& arn) {
    const size_t mark = context.mock_config ? arn.find('#') : std::string::npos;
    if (mark == std::string::npos) return {};
    std::string test_case = arn.substr(mark + 1);
    arn.resize(mark);
    return test_case;
}

Answer<std::optional<json::Value>> read_mocks(const Context& context, const std::string& test_case,
                                              const std::string& machine) {
    if (test_case.empty()) return std::optional<json::Value>();
    auto mocks = mocks_of(*context.mock_config, machine, test_case);
    if (mocks) return mocks;
    return aws::refuse("ValidationException", "The mock configuration has no test case '" +
                                                  test_case + "' of the state machine '" + machine +
                                                  "'.");
}

// The static part of the context object, which version or alias was asked for, and the test case's
// responses.
Payload context_object(const Context& context, const Target& target, const std::string& arn,
                       const std::string& name, const std::optional<json::Value>& mocks,
                       const std::string& started_by) {
    std::string out = "{";
    const auto open = [&out](std::string_view key) {
        if (out.back() != '{') out += ',';
        json::print_string_to(out, key);
        out += ':';
    };
    const auto add = [&](std::string_view key, std::string_view text) {
        open(key);
        json::print_string_to(out, text);
    };
    open("Execution");
    out += '{';
    add("Id", arn);
    add("Name", name);
    add("RoleArn", target.role_arn);
    add("StartTime", format_iso8601(context.clock.now()));
    out += R"(,"RedriveCount":0})";
    open("StateMachine");
    out += '{';
    add("Id", aws::state_machine_arn(context.place, target.callable->name));
    add("Name", target.callable->name);
    out += '}';
    if (target.version != 0) {
        open(kVersionFact);
        out += std::to_string(target.version);
    }
    if (!target.alias.empty()) add(kAliasFact, target.alias);
    if (!started_by.empty()) add(kStartedByFact, started_by);
    if (mocks) {
        open(kMocksFact);
        out += json::print(*mocks);
    }
    return Payload(out + "}");
}

}  // namespace

Answer<Start> prepare_start(const Context& context, aws::Fields& fields, Wants wants,
                            const std::string& started_by) {
    auto machine_arn =
        fields.string("stateMachineArn", {.required = true, .min = 1, .max = kArnChars});
    const auto name = fields.string("name", {.min = 1, .max = kNameChars});
    auto text = fields.string("input", {.max = context.limits.payload_bytes, .sensitive = true});
    auto trace_header = fields.string("traceHeader", {.max = 256});
    if (trace_header && !is_ascii(*trace_header)) {
        fields.violate("traceHeader", *trace_header,
                       "Member must satisfy regular expression pattern: \\p{ASCII}*");
    }
    if (const auto error = fields.error()) return tl::unexpected(*error);
    if (name) {
        if (const auto error = check_name(*name)) return tl::unexpected(*error);
    }
    const std::string test_case = take_test_case(context, *machine_arn);
    const auto target = find_target(context, *machine_arn);
    if (!target) return tl::unexpected(target.error());
    if (target->deleting) return machine_deleting(*machine_arn);
    const Callable& callable = *target->callable;
    const bool express = is_express(callable);
    const auto mocks = read_mocks(context, test_case, callable.name);
    if (!mocks) return tl::unexpected(mocks.error());
    if (wants == Wants::kExpress && !express) return type_not_supported();
    auto checked = check_input(context, fields, std::move(text));
    if (!checked) return tl::unexpected(checked.error());

    Start out;
    const std::string& machine_name = callable.name;
    out.machine_arn = *std::move(machine_arn);
    out.request.name = name ? *name : random_uuid();
    out.is_express = express;
    out.trace_header = std::move(trace_header);
    if (express) {
        const std::string unique = random_uuid();
        out.execution_arn = aws::express_arn(context.place, machine_name, out.request.name, unique);
        out.request.id = express_id(machine_name, out.request.name, unique);
    } else {
        out.execution_arn = aws::execution_arn(context.place, machine_name, out.request.name);
        out.request.id = execution_id(machine_name, out.request.name);
    }
    if (out.request.id.str().size() > kExecutionIdBytes) {
        return aws::refuse("InvalidName", "Invalid Name: '" + out.request.name + "'");
    }
    out.request.callable = {CallableKind::kWorkflow, machine_name,
                            target->version != 0 ? callable.revision : ""};
    out.request.input = Payload(*std::move(checked));
    out.request.attributes =
        context_object(context, *target, out.execution_arn, out.request.name, *mocks, started_by);
    return out;
}

tl::unexpected<aws::ApiError> start_failure(const Error& error, const std::string& machine_arn) {
    if (error.code == ErrorCode::kNotFound) return machine_does_not_exist(machine_arn);
    if (error.code == ErrorCode::kTooLarge) {
        return aws::refuse("ExecutionLimitExceeded",
                           "The maximum number of running executions has been reached.");
    }
    return aws::refuse(error);
}

}  // namespace tandem::states
