// What AWS says about a text that should be JSON and is not. Its services quote their JSON parser
// (Jackson), and callers match on these texts; this finds the first error as that parser does and
// words it the same way. Pure function; not a parser: json::parse() decides what is valid.
#pragma once

#include <string>
#include <string_view>

namespace tandem::aws {

/// The message for `text`, without a location; empty if no error is found.
std::string describe_json_error(std::string_view text);
/// The same with its location: "... at [Source: (String)"{"a" 1}"; line: 1, column: 7]".
std::string locate_json_error(std::string_view text);

}  // namespace tandem::aws
