#include "api/lambda/function_name.h"

#include <algorithm>
#include <vector>

#include "api/aws/fields.h"

namespace tandem::lambda {

namespace {

constexpr std::string_view kPattern =
    "(arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1}:)?(\\d{12}:)?("
    "function:)?"
    "([a-zA-Z0-9-_]+)(:(\\$LATEST|[a-zA-Z0-9-_]+))?";
constexpr size_t kNameCharsMax = 64;

bool is_digits(std::string_view text) {
    return !text.empty() &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::vector<std::string_view> split(std::string_view text) {
    std::vector<std::string_view> out;
    for (;;) {
        const size_t colon = text.find(':');
        out.push_back(text.substr(0, colon));
        if (colon == std::string_view::npos) return out;
        text.remove_prefix(colon + 1);
    }
}

tl::unexpected<aws::ApiError> bad_name(std::string_view text) {
    return aws::refuse("ValidationException",
                       "1 validation error detected: Value '" + aws::shown(text) +
                           "' at 'functionName' failed to satisfy constraint: Member must satisfy "
                           "regular expression pattern: " +
                           std::string(kPattern));
}

}  // namespace

bool is_plain_name(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '_';
    });
}

bool is_alias_name(std::string_view text) { return is_plain_name(text) && !is_digits(text); }

tl::unexpected<aws::ApiError> function_not_found(const aws::Place& place, const FunctionRef& ref) {
    return aws::refuse("ResourceNotFoundException",
                       "Function not found: " + aws::function_arn(place, ref.name, ref.qualifier),
                       404);
}

aws::Answer<FunctionRef> parse_function(const aws::Place& place, std::string_view text,
                                        const std::optional<std::string>& qualifier) {
    auto parts = split(text);
    size_t at = 0;
    std::string_view region = place.region, account = place.account;
    // arn:aws:lambda:region:account:function:name[:qualifier], or that without a beginning.
    if (parts.size() >= 7 && parts[0] == "arn") {
        if (!parts[1].starts_with("aws") || parts[2] != "lambda" || parts[5] != "function")
            return bad_name(text);
        region = parts[3];
        account = parts[4];
        at = 6;
    } else {
        if (parts.size() >= 3 && is_digits(parts[0]) && parts[0].size() == 12 &&
            parts[1] == "function")
            account = parts[at++];
        if (at < parts.size() && parts[at] == "function" && parts.size() > at + 1) ++at;
    }
    const size_t left = parts.size() - at;
    if (left < 1 || left > 2 || !is_plain_name(parts[at])) return bad_name(text);
    FunctionRef ref{std::string(parts[at]), left == 2 ? std::string(parts[at + 1]) : std::string()};
    if (left == 2 && ref.qualifier != "$LATEST" && !is_plain_name(ref.qualifier))
        return bad_name(text);
    if (ref.name.size() > kNameCharsMax) {
        return aws::refuse("ValidationException",
                           "1 validation error detected: Value '" + aws::shown(ref.name) +
                               "' at 'functionName' failed to satisfy constraint: Member must have "
                               "length less than or equal to 64");
    }
    if (qualifier) {
        if (*qualifier != "$LATEST" && !is_plain_name(*qualifier)) {
            return aws::refuse("ValidationException",
                               "1 validation error detected: Value '" + aws::shown(*qualifier) +
                                   "' at 'qualifier' failed to satisfy constraint: Member must "
                                   "satisfy regular expression pattern: "
                                   "\\$(LATEST(\\.PUBLISHED)?)|[a-zA-Z0-9-_$]+");
        }
        if (!ref.qualifier.empty() && ref.qualifier != *qualifier) {
            return aws::refuse("InvalidParameterValueException",
                               "The derived qualifier from the function name does not match the "
                               "specified qualifier.");
        }
        ref.qualifier = *qualifier;
    }
    if (region != place.region) {
        return aws::refuse("ResourceNotFoundException",
                           "Functions from '" + std::string(region) +
                               "' are not reachable in this region ('" + place.region + "')",
                           404);
    }
    if (account != place.account)
        return function_not_found({std::string(account), place.region}, ref);
    return ref;
}

}  // namespace tandem::lambda
