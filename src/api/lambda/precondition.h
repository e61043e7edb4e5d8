// RevisionId: a change that names the revision it was made for fails if there is a newer one.
#pragma once

#include <optional>
#include <string_view>

#include "api/aws/answer.h"
#include "json/value.h"

namespace tandem::lambda {

/// PreconditionFailedException if `body` has another RevisionId than `current`.
std::optional<aws::ApiError> check_revision(const json::Value& body, std::string_view current);

}  // namespace tandem::lambda
