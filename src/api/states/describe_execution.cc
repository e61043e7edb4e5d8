#include "api/states/actions.h"
#include "api/states/execution.h"
#include "api/states/machine.h"
#include "api/states/map_run.h"
#include "api/states/redrive.h"

namespace tandem::states {

Answer<json::Value> describe_execution(const Context& context, const Input& input) {
    aws::Fields fields(input);
    const auto arn = fields.string("executionArn", {.required = true, .min = 1, .max = kArnChars});
    const auto data = fields.string("includedData", {.values = {"ALL_DATA", "METADATA_ONLY"}});
    if (const auto error = fields.error()) return tl::unexpected(*error);
    const auto found = find_execution(context, *arn);
    if (!found) return tl::unexpected(found.error());
    const ExecutionSummary& summary = *found;
    const bool all = data.value_or("ALL_DATA") == "ALL_DATA";
    json::Value out = json::Value::object(
        {{"executionArn", execution_arn(context, summary)},
         {"stateMachineArn", aws::state_machine_arn(context.place, machine_name(summary))},
         {"name", summary.name},
         {"status", to_string(summary.status)},
         {"startDate", aws::epoch_seconds(summary.start_time)}});
    if (const auto run = map_run_of(context, summary)) out.set("mapRunArn", *run);
    set_redrives(summary, out);
    set_qualifiers(context, summary, out);
    const json::Value details = json::Value::object({{"included", all}});
    if (all) out.set("input", summary.input.str());
    out.set("inputDetails", details);
    if (summary.status == ExecutionStatus::kSucceeded) {
        if (all) out.set("output", summary.output.str());
        out.set("outputDetails", details);
    }
    if (summary.status != ExecutionStatus::kRunning)
        out.set("stopDate", aws::epoch_seconds(summary.stop_time));
    if (all && summary.error) out.set("error", *summary.error);
    if (all && summary.cause) out.set("cause", *summary.cause);
    set_redrive_status(context, summary, out);
    return out;
}

}  // namespace tandem::states
