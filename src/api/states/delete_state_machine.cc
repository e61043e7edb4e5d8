#include "api/states/actions.h"
#include "api/states/machine.h"

namespace tandem::states {

// Open executions run to their end; until then the state machine is DELETING and starts no others.
// Deleting what does not exist succeeds.
Answer<json::Value> delete_state_machine(const Context& context, const Input& input) {
    aws::Fields fields(input);
    const auto arn =
        fields.string("stateMachineArn", {.required = true, .min = 1, .max = kArnChars});
    if (const auto error = fields.error()) return tl::unexpected(*error);
    auto machine = find_machine(context, *arn);
    if (!machine) {
        if (machine.error().code == "StateMachineDoesNotExist") return json::Value::object();
        return tl::unexpected(machine.error());
    }
    if (machine->attributes.deleting) return json::Value::object();
    Callable callable = *machine->callable;
    machine->attributes.deleting = true;
    callable.attributes = machine->attributes.encode();
    const auto marked = context.engine.amend_callable(callable);
    if (!marked && marked.error().code != ErrorCode::kNotFound) return aws::refuse(marked.error());
    auto rest = lookup_machine(context, callable.name);  // goes now if nothing runs
    if (!rest) return tl::unexpected(rest.error());
    return json::Value::object();
}

}  // namespace tandem::states
