#include "api/states/actions.h"
#include "api/states/execution.h"
#include "api/states/machine.h"

namespace tandem::states {

void stop_execution(const Context& context, const Input& input, Done done) {
    aws::Fields fields(input);
    const auto arn = fields.string("executionArn", {.required = true, .min = 1, .max = kArnChars});
    auto error = fields.string("error", {.max = kErrorChars, .sensitive = true});
    auto cause = fields.string("cause", {.max = kCauseChars, .sensitive = true});
    if (const auto wrong = fields.error()) return done(tl::unexpected(*wrong));
    const auto id = parse_execution_arn(context, *arn);
    if (!id) return done(tl::unexpected(id.error()));
    context.engine.stop(*id, std::move(error), std::move(cause),
                        [arn = *arn, done = std::move(done)](Result<ExecutionSummary> summary) {
                            if (summary)
                                return done(json::Value::object(
                                    {{"stopDate", aws::epoch_seconds(summary->stop_time)}}));
                            if (summary.error().code == ErrorCode::kNotFound)
                                return done(execution_does_not_exist(arn));
                            done(aws::refuse(summary.error()));
                        });
}

}  // namespace tandem::states
