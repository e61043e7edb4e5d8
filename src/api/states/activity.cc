#include "api/states/activity.h"

#include "api/aws/arn.h"

namespace tandem::states {

using aws::Answer;
using aws::refuse;

namespace {

constexpr std::string_view kType = "activity:";

}  // namespace

Payload encode_activity(const json::Value& tags) {
    return Payload(json::print(json::Value::object({{"door", "states"}, {"tags", tags}})));
}

tl::unexpected<aws::ApiError> activity_does_not_exist(std::string_view arn) {
    return refuse("ActivityDoesNotExist", "Activity Does Not Exist: '" + std::string(arn) + "'");
}

bool is_activity_arn(std::string_view text) {
    const auto arn = aws::parse_arn(text);
    return arn && arn->service == "states" && arn->resource.starts_with(kType);
}

Answer<std::string> parse_activity_arn(const aws::Context& context, std::string_view text) {
    const auto arn = aws::parse_arn(text);
    if (!arn)
        return refuse("InvalidArn", "Invalid Arn: 'Invalid ARN prefix: " + std::string(text) + "'");
    if (!is_activity_arn(text)) {
        const std::string type = arn->resource.substr(0, arn->resource.find_first_of(":/"));
        return refuse("InvalidArn",
                      "Invalid Arn: 'Resource type not valid in this context: " + type + "'");
    }
    std::string name = arn->resource.substr(kType.size());
    const bool here = arn->account == context.place.account && arn->region == context.place.region;
    if (!here || name.empty()) return activity_does_not_exist(text);
    return name;
}

Answer<Activity> find_activity(const aws::Context& context, std::string_view arn) {
    auto name = parse_activity_arn(context, arn);
    if (!name) return tl::unexpected(name.error());
    auto callable = context.engine.callable({CallableKind::kActivity, *std::move(name), ""});
    if (!callable) {
        if (callable.error().code == ErrorCode::kNotFound) return activity_does_not_exist(arn);
        return refuse(callable.error());
    }
    Activity out;
    out.callable = *std::move(callable);
    if (const auto facts = json::parse(out.callable->attributes.view())) {
        if (const json::Value* tags = facts->find("tags"); tags && tags->is_array())
            out.tags = *tags;
    }
    return out;
}

}  // namespace tandem::states
