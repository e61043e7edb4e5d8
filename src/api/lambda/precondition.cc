#include "api/lambda/precondition.h"

namespace tandem::lambda {

std::optional<aws::ApiError> check_revision(const json::Value& body, std::string_view current) {
    const std::string_view wanted = body.string_or("RevisionId", "");
    if (wanted.empty() || wanted == current) return std::nullopt;
    return aws::ApiError{412,
                         "PreconditionFailedException",
                         "The Revision Id provided does not match the latest Revision Id. Call the "
                         "GetFunction/GetAlias API to "
                         "retrieve the latest Revision Id",
                         {},
                         0};
}

}  // namespace tandem::lambda
