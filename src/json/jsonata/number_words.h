// Whole numbers as English words, Roman numerals and the letters of spreadsheet columns, and back.
// Numbers are doubles without a fraction, not negative. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tandem::jsonata {

/// "four million, three hundred and one"; ordinals "... and first".
std::string number_to_words(double value, bool is_ordinal);
/// Either kind, in any case, as number_to_words() makes them or without commas, hyphens and "and".
std::optional<double> words_to_number(std::string_view words);
/// The length of the longest prefix of `text` (lower case) made of number words and what joins
/// them.
size_t words_prefix(std::string_view text);
/// "st", "nd", "rd", "th" for the last two digits.
std::string_view ordinal_suffix(double value);

/// Lower case; nothing for 0. The caller bounds the value: a thousand takes a letter.
std::string number_to_roman(double value);
std::optional<double> roman_to_number(std::string_view text);

/// 1 is "a", 27 "aa"; nothing for 0.
std::string number_to_letters(double value);
std::optional<double> letters_to_number(std::string_view text);

}  // namespace tandem::jsonata
