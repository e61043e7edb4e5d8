#include "api/aws/fields.h"
#include "api/aws/page_token.h"
#include "api/states/actions.h"
#include "api/states/execution.h"
#include "api/states/map_run.h"
#include "api/states/page.h"

namespace tandem::states {

Answer<json::Value> list_map_runs(const Context& context, const Input& input) {
    aws::Fields fields(input);
    const auto arn = fields.string("executionArn", {.required = true, .min = 1, .max = kArnChars});
    const auto page = read_page(fields, "ListMapRuns/" + arn.value_or(""));
    if (!page) return tl::unexpected(page.error());
    const auto execution = find_execution(context, *arn);
    if (!execution) return tl::unexpected(execution.error());
    ExecutionFilter filter;
    filter.kind = CallableKind::kWorkflow;
    filter.callable =
        std::string(part_of(execution->callable).callable) + ":" + execution->id.str();
    const auto listed = context.engine.list(filter, page->after, page->limit);
    if (!listed) {
        if (listed.error().code == ErrorCode::kInvalidArgument)
            return aws::refuse("InvalidToken", "Invalid Token: 'Invalid token'");
        return aws::refuse(listed.error());
    }
    json::Value runs = json::Value::array();
    for (const ExecutionSummary& run : listed->executions) {
        const std::string children = children_of(run);
        const PartOf of = part_of(children);
        json::Value one = json::Value::object(
            {{"executionArn", *arn},
             {"mapRunArn", map_run_arn(context, run)},
             {"stateMachineArn", aws::state_machine_arn(context.place, of.listed)},
             {"startDate", aws::epoch_seconds(run.start_time)}});
        if (run.status != ExecutionStatus::kRunning)
            one.set("stopDate", aws::epoch_seconds(run.stop_time));
        runs.push_back(std::move(one));
    }
    json::Value out = json::Value::object({{"mapRuns", std::move(runs)}});
    if (!listed->next.empty())
        out.set("nextToken", aws::encode_page_token("ListMapRuns/" + *arn, listed->next));
    return out;
}

}  // namespace tandem::states
