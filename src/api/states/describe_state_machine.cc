#include "api/states/actions.h"
#include "api/states/machine.h"

namespace tandem::states {

Answer<json::Value> describe_state_machine(const Context& context, const Input& input) {
    aws::Fields fields(input);
    const auto arn =
        fields.string("stateMachineArn", {.required = true, .min = 1, .max = kArnChars});
    const auto data = fields.string("includedData", {.values = {"ALL_DATA", "METADATA_ONLY"}});
    if (const auto error = fields.error()) return tl::unexpected(*error);
    const auto machine = find_machine(context, *arn);
    if (!machine) return tl::unexpected(machine.error());
    const Callable& callable = *machine->callable;
    const MachineAttributes& attributes = machine->attributes;
    json::Value out = json::Value::object(
        {{"stateMachineArn", aws::state_machine_arn(context.place, callable.name)},
         {"name", callable.name},
         {"status", attributes.deleting ? "DELETING" : "ACTIVE"},
         {"roleArn", attributes.role_arn},
         {"type", machine_type(callable)},
         {"creationDate", aws::epoch_seconds(callable.created)},
         {"loggingConfiguration", attributes.logging},
         {"tracingConfiguration", json::Value::object({{"enabled", attributes.tracing}})}});
    if (data.value_or("ALL_DATA") == "ALL_DATA") out.set("definition", callable.definition.str());
    if (!attributes.initial) out.set("revisionId", callable.revision);
    return out;
}

}  // namespace tandem::states
