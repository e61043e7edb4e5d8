// What may be the name of a variable outside the expression: a Unicode identifier (UAX #31).
#pragma once

#include <string_view>

namespace tandem::jsonata {

/// A letter, then letters, digits, marks and connecting punctuation, of any script.
bool is_identifier(std::string_view text);

}  // namespace tandem::jsonata
