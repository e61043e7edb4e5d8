#include "api/states/start.h"

#include <algorithm>

#include "api/aws/json_errors.h"
#include "api/states/execution.h"
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

// The static part of the context object, and which version or alias was asked for.
Payload context_object(const Context& context, const Target& target, const std::string& arn,
                       const std::string& name) {
    const Machine& machine = target.machine;
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
    add("RoleArn", machine.attributes.role_arn);
    add("StartTime", format_iso8601(context.clock.now()));
    out += R"(,"RedriveCount":0})";
    open("StateMachine");
    out += '{';
    add("Id", aws::state_machine_arn(context.place, machine.callable->name));
    add("Name", machine.callable->name);
    out += '}';
    if (target.version != 0) {
        open(kVersionFact);
        out += std::to_string(target.version);
    }
    if (!target.alias.empty()) add(kAliasFact, target.alias);
    return Payload(out + "}");
}

}  // namespace

Answer<Start> prepare_start(const Context& context, aws::Fields& fields, Wants wants) {
    const auto machine_arn =
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
    const auto target = find_target(context, *machine_arn);
    if (!target) return tl::unexpected(target.error());
    if (target->deleting) return machine_deleting(*machine_arn);
    const Callable& callable = *target->machine.callable;
    const bool express = is_express(callable);
    if (wants == Wants::kExpress && !express) return type_not_supported();
    auto checked = check_input(context, fields, std::move(text));
    if (!checked) return tl::unexpected(checked.error());

    Start out;
    const std::string& machine_name = callable.name;
    out.machine_arn = *machine_arn;
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
                            target->qualified ? callable.revision : ""};
    out.request.input = Payload(*std::move(checked));
    out.request.attributes = context_object(context, *target, out.execution_arn, out.request.name);
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
