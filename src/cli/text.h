// Text for terminals: how wide it is, how it is cut to fit, and the words for durations. Widths are
// in columns; colour sequences (ESC [ ... m), as output.h writes them, take none. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"

namespace tandem::cli {

/// Columns that UTF-8 text takes: two for East Asian wide characters and emoji, none for accents.
size_t display_width(std::string_view text);

/// The text, or as much of it as leaves room for "…" within `columns`.
std::string fit(std::string_view text, size_t columns);

/// fit() in the middle: the begin and the end of long names tell them apart.
std::string fit_middle(std::string_view text, size_t columns);

/// The text and spaces up to `columns`.
std::string pad(std::string_view text, size_t columns);

/// Foreign text as one line that cannot move the cursor: line breaks and tabs become spaces, other
/// control characters, direction marks and invalid UTF-8 become "\ufffd".
std::string printable(std::string_view text);

/// printable() and fit(), with the whole size after what was cut.
std::string shortened(std::string_view text, size_t columns);

/// "0.250 s", "1.234 s", "2 min 03 s", "3 h 02 min", "5 d 03 h".
std::string human_duration(Duration duration);

/// Until something: "0.3 s", "12 s", then as human_duration; rounded up, never negative.
std::string countdown(Duration duration);

/// Since something: the same, rounded down.
std::string elapsed(Duration duration);

/// How long something took: "35 ms", then as elapsed().
std::string brief(Duration duration);

/// "1,431".
std::string grouped(int64_t number);

/// "1 item", "3 items".
std::string counted(int64_t number, std::string_view noun);

}  // namespace tandem::cli
