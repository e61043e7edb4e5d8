// Fields: typed reading of an AWS request. Every reader notes what is wrong instead of failing, so
// that one reply names all violations in AWS's words ("2 validation errors detected: ...").
// A wrong JSON type is a SerializationException and comes first, as in AWS.
// Used on one thread, for one request.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/aws/answer.h"
#include "base/clock.h"
#include "json/value.h"

namespace tandem::aws {

struct StringRule {
    bool required = false;
    size_t min = 0;
    size_t max = SIZE_MAX;                                // characters
    bool sensitive = false;                               // its value is never quoted
    std::initializer_list<std::string_view> values = {};  // enum
    std::string_view error_name = {};                     // how messages call it; default: its name
};

struct IntRule {
    bool required = false;
    int64_t min = INT64_MIN;
    int64_t max = INT64_MAX;
    std::string_view error_name = {};
};

class Fields {
public:
    /// `object` must outlive this.
    explicit Fields(const json::Value& object) : object_(object) {}

    std::optional<std::string> string(std::string_view name, const StringRule& rule = {});
    std::optional<int64_t> integer(std::string_view name, const IntRule& rule = {});
    std::optional<bool> boolean(std::string_view name);
    /// Object or array members; nullptr when absent, null or of another kind (noted).
    const json::Value* object(std::string_view name);
    const json::Value* array(std::string_view name);

    /// Notes a violation: "Value <value> at '<name>' failed to satisfy constraint: <constraint>".
    void violate(std::string_view name, std::optional<std::string_view> value,
                 std::string_view constraint);
    void bad_type(std::string message);

    /// What all readers so far noted, if anything.
    std::optional<ApiError> error() const;

private:
    const json::Value* present(std::string_view name) const;

    const json::Value& object_;
    std::string bad_type_;
    std::vector<std::string> violations_;
};

/// What an error's text shows of a value that was refused: all of it, or its beginning and "...".
std::string shown(std::string_view value);

/// Characters (code points) of well-formed UTF-8.
size_t utf8_length(std::string_view text);

/// Seconds since the epoch with three decimals, as AWS JSON writes dates.
json::Value epoch_seconds(Timestamp t);

}  // namespace tandem::aws
