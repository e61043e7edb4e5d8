// $formatInteger and $parseInteger: whole numbers by pictures, as XPath's fn:format-integer has
// them. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "json/jsonata/jsonata.h"

namespace tandem::jsonata {

/// Rounds down. Errors: D3130, D3131.
Outcome<std::string> format_integer(double value, std::string_view picture);
/// Nothing where the text is no number of the picture's kind. Errors: D3130, D3131.
Outcome<std::optional<double>> parse_integer(std::string_view text, std::string_view picture);

}  // namespace tandem::jsonata
