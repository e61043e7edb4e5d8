#include "api/aws/fields.h"
#include "api/states/actions.h"
#include "api/states/map_run.h"

namespace tandem::states {

void update_map_run(const Context& context, const Input& input, Done done) {
    aws::Fields fields(input);
    const auto arn = fields.string("mapRunArn", {.required = true, .min = 1, .max = kLongArnChars});
    json::Value change = json::Value::object();
    for (const std::string_view name : {"maxConcurrency", "toleratedFailureCount"}) {
        if (const auto number = fields.integer(name, {.min = 0, .max = INT32_MAX}))
            change.set(name, *number);
    }
    constexpr std::string_view kShare = "toleratedFailurePercentage";
    if (const json::Value* share = input.find(kShare); share != nullptr && !share->is_null()) {
        const bool is_share =
            share->is_number() && share->as_double() >= 0 && share->as_double() <= 100;
        if (!is_share) {
            fields.violate(kShare, json::print(*share), "Member must have value between 0 and 100");
        } else {
            change.set(kShare, share->as_double());
        }
    }
    if (const auto error = fields.error()) return done(tl::unexpected(*error));
    const auto run = find_map_run(context, *arn);
    if (!run) return done(tl::unexpected(run.error()));
    const auto ended = [](const ExecutionSummary& summary) {
        return aws::refuse(
            "ValidationException",
            "Map run is " + std::string(to_string(summary.status)) + " and cannot be updated");
    };
    if (run->status != ExecutionStatus::kRunning) return done(ended(*run));
    context.engine.signal(run->id, Payload(json::print(change)),
                          [done](Result<ExecutionSummary> summary) {
                              if (!summary) return done(aws::refuse(summary.error()));
                              done(json::Value::object());
                          });
}

}  // namespace tandem::states
