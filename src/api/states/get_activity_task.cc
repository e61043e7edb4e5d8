#include "api/aws/fields.h"
#include "api/states/actions.h"
#include "api/states/activity.h"

namespace tandem::states {

namespace {

tl::unexpected<aws::ApiError> poll_failure(const Error& error, const std::string& arn) {
    if (error.code == ErrorCode::kNotFound) return activity_does_not_exist(arn);
    if (error.code == ErrorCode::kOverloaded) {
        return aws::refuse("ActivityWorkerLimitExceeded",
                           "Activity Worker Limit Exceeded: 'No more than " +
                               std::to_string(kActivityPollers) +
                               " workers may poll for an activity at once'");
    }
    return aws::refuse(error);
}

}  // namespace

// A long poll: answered with a task, or after kActivityPollSeconds without one. What that answer
// leaves out is null in AWS's.
void get_activity_task(const Context& context, const Input& input, const Caller& caller,
                       Done done) {
    aws::Fields fields(input);
    const auto arn = fields.string("activityArn", {.required = true, .min = 1, .max = kArnChars});
    const auto worker = fields.string("workerName", {.min = 1, .max = kWorkerNameChars});
    if (const auto error = fields.error()) return done(tl::unexpected(*error));
    const auto activity = find_activity(context, *arn);
    if (!activity) return done(tl::unexpected(activity.error()));
    ActivityPoll poll;
    if (worker) poll.worker = Payload(json::print(json::Value(*worker)));
    poll.is_wanted = [caller] { return caller.is_waiting(); };
    poll.done = [arn = *arn,
                 done = std::move(done)](const Result<std::optional<ActivityTask>>& task) {
        if (!task) return done(poll_failure(task.error(), arn));
        json::Value out = json::Value::object();
        if (*task) {
            out.set("taskToken", (*task)->token);
            out.set("input", (*task)->input.str());
        }
        done(std::move(out));
    };
    context.engine.poll_activity(activity->callable->name, std::move(poll));
}

}  // namespace tandem::states
