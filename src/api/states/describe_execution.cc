#include "api/states/actions.h"
#include "api/states/execution.h"
#include "api/states/machine.h"

namespace tandem::states {

namespace {

bool is_redrivable(ExecutionStatus status) {
    switch (status) {
        case ExecutionStatus::kRunning:
        case ExecutionStatus::kSucceeded: return false;
        case ExecutionStatus::kFailed:
        case ExecutionStatus::kTimedOut:
        case ExecutionStatus::kAborted: return true;
    }
    return false;
}

}  // namespace

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
         {"stateMachineArn", aws::state_machine_arn(context.place, summary.callable)},
         {"name", summary.name},
         {"status", to_string(summary.status)},
         {"startDate", aws::epoch_seconds(summary.start_time)},
         {"redriveCount", 0}});
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
    if (is_redrivable(summary.status)) {
        out.set("redriveStatus", "REDRIVABLE");
    } else {
        out.set("redriveStatus", "NOT_REDRIVABLE");
        out.set("redriveStatusReason", "Execution is " + std::string(to_string(summary.status)) +
                                           " and cannot be redriven");
    }
    return out;
}

}  // namespace tandem::states
