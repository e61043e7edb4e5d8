// IntegerPicture: a picture of $formatInteger, analysed: decimal digits with separators, words,
// Roman numerals or letters, cardinal or ordinal. The parts of date pictures are made of them too.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "json/jsonata/jsonata.h"

namespace tandem::jsonata {

enum class Numbering { kDecimal, kWords, kRoman, kLetters };
enum class LetterCase { kLower, kUpper, kTitle };

/// A separator with `position` digits to its right.
struct Separator {
    size_t position = 0;
    char32_t text = 0;
};

struct IntegerPicture {
    Numbering numbering = Numbering::kDecimal;
    LetterCase letter_case = LetterCase::kLower;
    bool is_ordinal = false;
    // Of kDecimal:
    char32_t zero = U'0';
    size_t mandatory_digits = 0;
    size_t optional_digits = 0;
    std::vector<Separator> separators;  // from the left
    size_t regular_distance = 0;        // 0: the separators stand where they stand
};

/// A whole picture: "#,##0;o". Errors: D3130 (a numbering nobody knows), D3131 (mixed digits).
Outcome<IntegerPicture> parse_integer_picture(std::string_view picture);
/// The part before the modifier: "#,##0".
Outcome<IntegerPicture> parse_integer_token(std::string_view token);

/// `value` is a finite whole number. Error: D3130 where the numbering has no room for it.
Outcome<std::string> format_with(const IntegerPicture& picture, double value);
/// The number that `text` is; nothing where it is none.
std::optional<double> parse_with(const IntegerPicture& picture, std::string_view text);

}  // namespace tandem::jsonata
