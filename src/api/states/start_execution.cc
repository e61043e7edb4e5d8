#include "api/aws/json_errors.h"
#include "api/states/actions.h"
#include "api/states/execution.h"
#include "api/states/machine.h"
#include "base/rng.h"

namespace tandem::states {

namespace {

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

// The static part of the context object.
Payload context_object(const Context& context, const Machine& machine, const std::string& arn,
                       const std::string& name) {
    return Payload(json::print(json::Value::object(
        {{"Execution", json::Value::object({{"Id", arn},
                                            {"Name", name},
                                            {"RoleArn", machine.attributes.role_arn},
                                            {"StartTime", format_iso8601(context.clock.now())},
                                            {"RedriveCount", 0}})},
         {"StateMachine", json::Value::object({{"Id", aws::state_machine_arn(
                                                          context.place, machine.callable->name)},
                                               {"Name", machine.callable->name}})}})));
}

struct Start {
    StartRequest request;
    std::string machine_arn;
    std::string execution_arn;
};

Answer<Start> prepare(const Context& context, const Input& input) {
    aws::Fields fields(input);
    const auto machine_arn =
        fields.string("stateMachineArn", {.required = true, .min = 1, .max = kArnChars});
    const auto name = fields.string("name", {.min = 1, .max = kNameChars});
    auto text = fields.string("input", {.max = context.limits.payload_bytes, .sensitive = true});
    fields.string("traceHeader", {.max = 256});
    if (const auto error = fields.error()) return tl::unexpected(*error);
    if (name) {
        if (const auto error = check_name(*name)) return tl::unexpected(*error);
    }
    const auto machine = find_machine(context, *machine_arn);
    if (!machine) return tl::unexpected(machine.error());
    if (machine->attributes.deleting) return machine_deleting(*machine_arn);
    auto checked = check_input(context, fields, std::move(text));
    if (!checked) return tl::unexpected(checked.error());

    Start out;
    const std::string& machine_name = machine->callable->name;
    out.machine_arn = *machine_arn;
    out.request.name = name ? *name : random_uuid();
    out.execution_arn = aws::execution_arn(context.place, machine_name, out.request.name);
    out.request.id = execution_id(machine_name, out.request.name);
    if (out.request.id.str().size() > kExecutionIdBytes) {
        return aws::refuse("InvalidName", "Invalid Name: '" + out.request.name + "'");
    }
    out.request.callable = {CallableKind::kWorkflow, machine_name, ""};
    out.request.input = Payload(*std::move(checked));
    out.request.attributes = context_object(context, *machine, out.execution_arn, out.request.name);
    return out;
}

Answer<json::Value> answer(const Result<StartReply>& reply, const Payload& input,
                           const std::string& machine_arn, const std::string& execution_arn) {
    if (!reply) {
        const ErrorCode code = reply.error().code;
        if (code == ErrorCode::kNotFound) return machine_does_not_exist(machine_arn);
        if (code == ErrorCode::kTooLarge) {
            return aws::refuse("ExecutionLimitExceeded",
                               "The maximum number of running executions has been reached.");
        }
        return aws::refuse(reply.error());
    }
    // "If StartExecution is called with the same name and input as a running execution, the call
    // succeeds and returns the same response as the original request."
    const ExecutionSummary& summary = reply->summary;
    if (reply->existed && (summary.status != ExecutionStatus::kRunning || summary.input != input)) {
        return aws::refuse("ExecutionAlreadyExists",
                           "Execution Already Exists: '" + execution_arn + "'");
    }
    return json::Value::object(
        {{"executionArn", execution_arn}, {"startDate", aws::epoch_seconds(summary.start_time)}});
}

}  // namespace

void start_execution(const Context& context, const Input& input, Done done) {
    auto start = prepare(context, input);
    if (!start) return done(tl::unexpected(start.error()));
    Payload text = start->request.input;
    context.engine.start(std::move(start->request),
                         [text, machine_arn = std::move(start->machine_arn),
                          execution_arn = std::move(start->execution_arn),
                          done = std::move(done)](Result<StartReply> reply) {
                             done(answer(reply, text, machine_arn, execution_arn));
                         });
}

}  // namespace tandem::states
