// How callers name a function: its name, a partial ARN or a full ARN, each perhaps with a qualifier
// (a version, $LATEST or an alias). Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "api/aws/answer.h"
#include "api/aws/arn.h"

namespace tandem::lambda {

struct FunctionRef {
    std::string name;
    std::string qualifier;  // empty: none given
};

/// `qualifier`: of the query string. Exceptions: ValidationException,
/// InvalidParameterValueException, ResourceNotFoundException (another account or region).
aws::Answer<FunctionRef> parse_function(const aws::Place& place, std::string_view text,
                                        const std::optional<std::string>& qualifier);

/// [a-zA-Z0-9-_]+
bool is_plain_name(std::string_view text);
/// A plain name that is not all digits.
bool is_alias_name(std::string_view text);

tl::unexpected<aws::ApiError> function_not_found(const aws::Place& place, const FunctionRef& ref);

}  // namespace tandem::lambda
