#include "api/states/start.h"

#include <algorithm>

namespace tandem::states {

namespace {

/// What the answer says beside the execution's own facts.
struct SyncStart {
    std::string machine_arn;
    std::string execution_arn;
    std::optional<std::string> trace_header;
    bool all_data = true;
};

json::Value billing(const ExecutionSummary& summary) {
    // "Duration is rounded up to the nearest 100 ms, memory to 64 MB."
    const auto ms =
        std::chrono::ceil<std::chrono::milliseconds>(summary.stop_time - summary.start_time);
    const int64_t steps = (ms.count() + kExpressBillingMs - 1) / kExpressBillingMs;
    return json::Value::object(
        {{"billedDurationInMilliseconds", std::max<int64_t>(steps, 1) * kExpressBillingMs},
         {"billedMemoryUsedInMB", kExpressMemoryMb}});
}

json::Value answer(const ExecutionSummary& summary, const SyncStart& asked) {
    json::Value out = json::Value::object({{"executionArn", asked.execution_arn},
                                           {"stateMachineArn", asked.machine_arn},
                                           {"name", summary.name},
                                           {"startDate", aws::epoch_seconds(summary.start_time)},
                                           {"stopDate", aws::epoch_seconds(summary.stop_time)},
                                           {"status", to_string(summary.status)}});
    const json::Value details = json::Value::object({{"included", asked.all_data}});
    if (asked.all_data) {
        if (summary.error) out.set("error", *summary.error);
        if (summary.cause) out.set("cause", *summary.cause);
        out.set("input", summary.input.str());
        if (summary.status == ExecutionStatus::kSucceeded) out.set("output", summary.output.str());
    }
    out.set("inputDetails", details);
    out.set("outputDetails", details);
    if (asked.trace_header) out.set("traceHeader", *asked.trace_header);
    out.set("billingDetails", billing(summary));
    return out;
}

}  // namespace

// The answer is owed until the execution ends; how it ends is no error of the call.
void start_sync_execution(const Context& context, const Input& input, Done done) {
    aws::Fields fields(input);
    const auto data = fields.string("includedData", {.values = {"ALL_DATA", "METADATA_ONLY"}});
    auto start = prepare_start(context, fields, Wants::kExpress);
    if (!start) return done(tl::unexpected(start.error()));
    SyncStart asked{std::move(start->machine_arn), std::move(start->execution_arn),
                    std::move(start->trace_header), data.value_or("ALL_DATA") == "ALL_DATA"};
    context.engine.run_transient(
        std::move(start->request), {},
        [asked = std::move(asked), done = std::move(done)](Result<ExecutionSummary> ended) {
            if (!ended) return done(start_failure(ended.error(), asked.machine_arn));
            done(answer(*ended, asked));
        });
}

}  // namespace tandem::states
