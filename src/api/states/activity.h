// An activity as this door keeps it: a Callable of kind activity, whose attributes hold its tags.
// Plain data and lookups.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "api/aws/answer.h"
#include "api/aws/door.h"
#include "json/value.h"
#include "model/callable.h"

namespace tandem::states {

struct Activity {
    std::shared_ptr<const Callable> callable;
    json::Value tags = json::Value::array();  // [{"key", "value"}]
};

Payload encode_activity(const json::Value& tags);

/// The name in an activity's ARN. Exceptions: InvalidArn; ActivityDoesNotExist for another account
/// or region.
aws::Answer<std::string> parse_activity_arn(const aws::Context& context, std::string_view arn);
bool is_activity_arn(std::string_view arn);

/// Exceptions: those above, ActivityDoesNotExist.
aws::Answer<Activity> find_activity(const aws::Context& context, std::string_view arn);

tl::unexpected<aws::ApiError> activity_does_not_exist(std::string_view arn);

}  // namespace tandem::states
