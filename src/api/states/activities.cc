// CreateActivity, DescribeActivity, ListActivities, DeleteActivity.
#include "api/aws/page_token.h"
#include "api/states/actions.h"
#include "api/states/activity.h"
#include "api/states/machine.h"
#include "api/states/page.h"
#include "base/rng.h"

namespace tandem::states {

namespace {

json::Value described(const Context& context, const Callable& callable) {
    return json::Value::object({{"activityArn", aws::activity_arn(context.place, callable.name)},
                                {"name", callable.name},
                                {"creationDate", aws::epoch_seconds(callable.created)}});
}

json::Value created(const Context& context, const Callable& callable) {
    return json::Value::object({{"activityArn", aws::activity_arn(context.place, callable.name)},
                                {"creationDate", aws::epoch_seconds(callable.created)}});
}

}  // namespace

// "CreateActivity is an idempotent API [...] based on the activity name. If a following request has
// different tags values, [they] will not be updated, even if they are different."
Answer<json::Value> create_activity(const Context& context, const Input& input) {
    aws::Fields fields(input);
    const auto name = fields.string("name", {.required = true, .min = 1, .max = kNameChars});
    const json::Value* tags = fields.array("tags");
    const json::Value* encryption = fields.object("encryptionConfiguration");
    if (const auto error = fields.error()) return tl::unexpected(*error);
    if (const auto error = check_name(*name)) return tl::unexpected(*error);
    if (encryption) {
        if (auto error = check_encryption(*encryption)) return tl::unexpected(*std::move(error));
    }
    const auto checked_tags = read_tags(tags);
    if (!checked_tags) return tl::unexpected(checked_tags.error());
    auto existing = context.engine.callable({CallableKind::kActivity, *name, ""});
    if (existing) return created(context, **existing);
    if (existing.error().code != ErrorCode::kNotFound) return aws::refuse(existing.error());

    Callable callable;
    callable.kind = CallableKind::kActivity;
    callable.name = *name;
    callable.revision = random_uuid();
    callable.created = callable.updated = context.clock.now();
    callable.attributes = encode_activity(*checked_tags);
    if (const auto put = context.engine.put_callable(callable, PutMode::kCreate); !put)
        return aws::refuse(put.error());
    return created(context, callable);
}

Answer<json::Value> describe_activity(const Context& context, const Input& input) {
    aws::Fields fields(input);
    const auto arn = fields.string("activityArn", {.required = true, .min = 1, .max = kArnChars});
    if (const auto error = fields.error()) return tl::unexpected(*error);
    const auto activity = find_activity(context, *arn);
    if (!activity) return tl::unexpected(activity.error());
    return described(context, *activity->callable);
}

Answer<json::Value> list_activities(const Context& context, const Input& input) {
    aws::Fields fields(input);
    auto asked = read_page(fields, "ListActivities");
    if (!asked) return tl::unexpected(asked.error());
    auto& [limit, after] = *asked;
    const auto page = context.engine.list_callables(CallableKind::kActivity, after, limit + 1);
    if (!page) return aws::refuse(page.error());
    json::Value activities = json::Value::array();
    std::string next;
    for (const auto& callable : *page) {
        if (activities.as_array().size() == limit) {
            next = aws::encode_page_token("ListActivities", after);
            break;
        }
        after = callable->name;
        activities.push_back(described(context, *callable));
    }
    json::Value out = json::Value::object({{"activities", std::move(activities)}});
    if (!next.empty()) out.set("nextToken", std::move(next));
    return out;
}

// Deleting what does not exist succeeds. Tasks that wait for a worker stay open.
Answer<json::Value> delete_activity(const Context& context, const Input& input) {
    aws::Fields fields(input);
    const auto arn = fields.string("activityArn", {.required = true, .min = 1, .max = kArnChars});
    if (const auto error = fields.error()) return tl::unexpected(*error);
    const auto activity = find_activity(context, *arn);
    if (!activity) {
        if (activity.error().code == "ActivityDoesNotExist") return json::Value::object();
        return tl::unexpected(activity.error());
    }
    const auto gone =
        context.engine.delete_callable({CallableKind::kActivity, activity->callable->name, ""});
    if (!gone && gone.error().code != ErrorCode::kNotFound) return aws::refuse(gone.error());
    return json::Value::object();
}

}  // namespace tandem::states
