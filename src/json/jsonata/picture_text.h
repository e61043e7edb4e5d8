// What the picture functions share: text as code points, the digits of the world's scripts, where
// grouping separators repeat, and doubles as decimal digits. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "json/jsonata/jsonata.h"

namespace tandem::jsonata {

/// Bytes of a picture at most: some of what pictures need is quadratic in them.
constexpr size_t kMostPicture = 4096;
/// D3130, of this implementation's own.
Failure picture_too_long();

/// Code points of UTF-8; U+FFFD for what is none.
std::u32string decode(std::string_view utf8);
std::string encode(std::u32string_view text);
void append_utf8(std::string& out, char32_t c);

std::string ascii_lower(std::string text);
std::string ascii_upper(std::string text);

/// The zero of the decimal digits that `c` belongs to (U+0030 for '7'), if it is one.
std::optional<char32_t> zero_of(char32_t c);

/// Separators at 3, 6, 9 stand for one after every third digit: that distance, or 0 where they do
/// not repeat. Positions count digits from the right.
size_t regular_distance(const std::vector<size_t>& positions);

/// `value` times ten to the power `exponent`, shifted as decimal text: no rounding but the last.
double shift_decimal(double value, int exponent);
/// Rounded to `places` (may be negative) decimal places, halves to the even neighbour.
double round_half_even(double value, int places);
/// All digits of a finite value with `places` after the point: "1234.50". Never an exponent.
std::string fixed(double value, int places);
/// The digits of a whole number, not negative: as many as tell it from its neighbours, then zeros.
std::string whole_digits(double value);

inline tl::unexpected<Failure> failure(std::string code, std::string message,
                                       std::string token = {}) {
    return tl::unexpected<Failure>(
        Failure{std::move(code), std::move(message), 0, std::move(token)});
}

}  // namespace tandem::jsonata
