// Comparison: whether an answer equals a recorded one. Recordings name what differs from run to
// run: dates, and placeholders like <uuid:1>, which must stand for the same text throughout. Order
// of events under Parallel and Map is free where `any_order` is set: then events are compared as a
// tree over previousEventId. For tests only.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "json/value.h"

namespace tandem::asl::testing {

class Comparison {
public:
    /// `substitutions`: (regular expression, text) applied to actual strings, as the recording's
    /// were.
    Comparison(std::vector<std::pair<std::string, std::string>> substitutions,
               std::set<std::string> any_text, bool any_order);
    void compare(const json::Value& expected, const json::Value& actual,
                 const std::string& path = "$");
    const std::vector<std::string>& differences() const { return differences_; }

private:
    void compare_objects(const json::Value& expected, const json::Value& actual,
                         const std::string& path);
    void compare_arrays(const json::Value& expected, const json::Value& actual,
                        const std::string& path);
    void compare_strings(const std::string& expected, const std::string& actual,
                         const std::string& path);
    void compare_trees(const json::Value& expected, const json::Value& actual,
                       int64_t expected_parent, int64_t actual_parent, const std::string& path);
    bool match(std::string_view pattern, std::string_view text,
               std::map<std::string, std::string>& names) const;
    std::string normalise(std::string text) const;
    void differ(const std::string& path, const std::string& expected, const std::string& actual);

    std::vector<std::pair<std::string, std::string>> substitutions_;
    std::set<std::string> any_text_;
    bool any_order_ = false;
    std::map<std::string, std::string> names_;
    std::vector<std::string> differences_;
};

/// Strings that are JSON objects become objects, one level, as in the recordings.
json::Value parse_inner(const json::Value& value);

}  // namespace tandem::asl::testing
