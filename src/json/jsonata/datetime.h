// $fromMillis and $toMillis: moments as text by pictures, as XPath's fn:format-dateTime has them.
// Proleptic Gregorian calendar, years from -271821 to 275760, offsets as +hhmm. Pure: the current
// time comes in as an argument.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "json/jsonata/jsonata.h"

namespace tandem::jsonata {

/// `millis` since 1970-01-01T00:00Z; without a picture ISO 8601. `timezone` is "+hhmm" or "-hhmm".
/// Errors: D3130 to D3135 for the picture; T0410 for a moment or a timezone that is none.
Outcome<std::string> from_millis(int64_t millis, std::optional<std::string_view> picture,
                                 std::optional<std::string_view> timezone);

/// Nothing where the text does not match the picture. What the picture does not name comes from
/// `now_millis` where it is larger than what it names, and is least where it is smaller.
/// Errors: D3110 (no picture and no ISO 8601), D3130 to D3135, D3136 (a gap in what is named).
Outcome<std::optional<int64_t>> to_millis(std::string_view text,
                                          std::optional<std::string_view> picture,
                                          int64_t now_millis);

}  // namespace tandem::jsonata
