#include "api/states/actions.h"
#include "api/states/execution.h"
#include "api/states/machine.h"
#include "api/states/map_run.h"

namespace tandem::states {

// Answers the revision that the execution runs, also after an update or a deletion.
Answer<json::Value> describe_state_machine_for_execution(const Context& context,
                                                         const Input& input) {
    aws::Fields fields(input);
    const auto arn = fields.string("executionArn", {.required = true, .min = 1, .max = kArnChars});
    const auto data = fields.string("includedData", {.values = {"ALL_DATA", "METADATA_ONLY"}});
    if (const auto error = fields.error()) return tl::unexpected(*error);
    const auto summary = find_execution(context, *arn);
    if (!summary) return tl::unexpected(summary.error());
    const auto callable = context.engine.execution_callable(*summary);
    if (!callable) return aws::refuse(callable.error());
    const auto attributes = MachineAttributes::decode((*callable)->attributes);
    json::Value out = json::Value::object(
        {{"stateMachineArn", aws::state_machine_arn(context.place, machine_name(*summary))},
         {"name", machine_name(*summary)},
         {"roleArn", attributes.role_arn},
         {"updateDate", aws::epoch_seconds((*callable)->updated)},
         {"loggingConfiguration", attributes.logging},
         {"tracingConfiguration", json::Value::object({{"enabled", attributes.tracing}})}});
    if (data.value_or("ALL_DATA") == "ALL_DATA") show_definition(context, **callable, out);
    if (const auto run = map_run_of(context, *summary)) {
        out.set("mapRunArn", *run);
        out.set("label", part_of(summary->callable).part);
    }
    if (!attributes.initial) out.set("revisionId", (*callable)->revision);
    return out;
}

}  // namespace tandem::states
