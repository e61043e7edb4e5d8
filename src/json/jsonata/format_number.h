// $formatNumber and $formatBase: numbers by pictures, as XPath's fn:format-number has them
// (Functions and Operators 3.1, 4.7), and in other bases. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "json/jsonata/jsonata.h"

namespace tandem::jsonata {

/// `options` null or an object: "decimal-separator", "grouping-separator", "exponent-separator",
/// "infinity", "minus-sign", "NaN", "percent", "per-mille", "zero-digit", "digit",
/// "pattern-separator". Errors: D3080 to D3093.
Outcome<std::string> format_number(double value, std::string_view picture,
                                   const json::Value* options);
/// Rounded to a whole number, in base 2 to 36. Error: D3100.
Outcome<std::string> format_base(double value, int64_t radix);

}  // namespace tandem::jsonata
