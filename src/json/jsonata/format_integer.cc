#include "json/jsonata/format_integer.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>

#include "json/jsonata/integer_picture.h"
#include "json/jsonata/number_words.h"
#include "json/jsonata/picture_text.h"

namespace tandem::jsonata {

namespace {

constexpr double kMostRoman = 1e6;  // a thousand is a letter each

tl::unexpected<Failure> no_such_sequence(std::string_view token) {
    return failure("D3130",
                   "Formatting or parsing an integer as a sequence starting with \"" +
                       std::string(token) + "\" is not supported by this implementation",
                   std::string(token));
}

Outcome<IntegerPicture> parse_decimal(std::string_view token) {
    IntegerPicture picture;
    const std::u32string text = decode(token);
    std::optional<char32_t> zero;
    size_t position = 0;
    for (auto at = text.rbegin(); at != text.rend(); ++at) {
        const std::optional<char32_t> own = zero_of(*at);
        if (own && zero && *own != *zero) {
            return failure("D3131",
                           "In a decimal digit pattern, all digits must be from the same decimal "
                           "group");
        }
        if (own) {
            zero = own;
            ++picture.mandatory_digits;
            ++position;
        } else if (*at == U'#') {
            ++picture.optional_digits;
            ++position;
        } else {
            picture.separators.push_back({position, *at});
        }
    }
    if (!zero) return no_such_sequence(token);
    picture.zero = *zero;
    std::reverse(picture.separators.begin(), picture.separators.end());
    std::vector<size_t> positions;
    for (const Separator& separator : picture.separators) {
        if (separator.text != picture.separators.front().text) return picture;
        positions.push_back(separator.position);
    }
    picture.regular_distance = regular_distance(positions);
    return picture;
}

/// "12,345" from "12345"; `digits` may be of any script.
std::u32string separated(const IntegerPicture& picture, std::u32string_view digits) {
    std::u32string out;
    size_t next = 0;  // separator
    for (size_t i = 0; i <= digits.size(); ++i) {
        const size_t right = digits.size() - i;
        if (picture.regular_distance > 0) {
            if (i > 0 && right > 0 && right % picture.regular_distance == 0) {
                out += picture.separators.front().text;
            }
        } else {
            for (; next < picture.separators.size() && picture.separators[next].position >= right;
                 ++next) {
                if (picture.separators[next].position == right && i > 0) {
                    out += picture.separators[next].text;
                }
            }
        }
        if (i < digits.size()) out += digits[i];
    }
    return out;
}

std::string format_decimal(const IntegerPicture& picture, double value) {
    if (picture.zero == U'0' && picture.separators.empty() && value < 0x1p53) {
        char text[20];
        const auto end = std::to_chars(text, text + sizeof text, int64_t(value)).ptr;
        const size_t size = size_t(end - text);
        std::string out(picture.mandatory_digits > size ? picture.mandatory_digits - size : 0, '0');
        out.append(text, size);
        if (picture.is_ordinal) out += ordinal_suffix(value);
        return out;
    }
    const std::string plain = whole_digits(value);
    std::u32string digits;
    if (plain.size() < picture.mandatory_digits) {
        digits.assign(picture.mandatory_digits - plain.size(), picture.zero);
    }
    for (const char c : plain) digits += picture.zero + char32_t(c - '0');
    std::string out = encode(separated(picture, digits));
    if (picture.is_ordinal) out += ordinal_suffix(value);
    return out;
}

/// Upper case begins each word but "and".
std::string title_case(std::string words) {
    bool begins = true;
    for (size_t i = 0; i < words.size(); ++i) {
        if (begins && words.compare(i, 4, "and ") != 0 && words[i] >= 'a') {
            words[i] = char(words[i] - 'a' + 'A');
        }
        begins = words[i] == ' ' || words[i] == '-';
    }
    return words;
}

std::optional<double> parse_decimal_text(const IntegerPicture& picture, std::string_view text) {
    const std::u32string characters = decode(text);
    size_t i = 0;
    while (i < characters.size() && (characters[i] == U' ' || characters[i] == U'\t')) ++i;
    const bool is_negative = i < characters.size() && characters[i] == U'-';
    if (i < characters.size() && (characters[i] == U'-' || characters[i] == U'+')) ++i;
    std::string digits;
    for (; i < characters.size(); ++i) {
        const char32_t c = characters[i];
        if (c >= picture.zero && c <= picture.zero + 9) {
            digits += char('0' + (c - picture.zero));
            continue;
        }
        const bool separates =
            std::any_of(picture.separators.begin(), picture.separators.end(),
                        [&](const Separator& separator) { return separator.text == c; });
        if (!separates) break;  // an ordinal's suffix, and whatever else follows
    }
    if (digits.empty()) return std::nullopt;
    const double value = std::strtod(digits.c_str(), nullptr);
    if (!std::isfinite(value)) return std::nullopt;
    return is_negative ? -value : value;
}

}  // namespace

Outcome<IntegerPicture> parse_integer_token(std::string_view token) {
    IntegerPicture picture;
    if (token == "A" || token == "a") {
        picture.numbering = Numbering::kLetters;
    } else if (token == "I" || token == "i") {
        picture.numbering = Numbering::kRoman;
    } else if (token == "W" || token == "w" || token == "Ww") {
        picture.numbering = Numbering::kWords;
    } else {
        return parse_decimal(token);
    }
    if (token == "Ww") {
        picture.letter_case = LetterCase::kTitle;
    } else if (token[0] <= 'Z') {
        picture.letter_case = LetterCase::kUpper;
    }
    return picture;
}

Outcome<IntegerPicture> parse_integer_picture(std::string_view picture) {
    if (picture.size() > kMostPicture) return tl::unexpected(picture_too_long());
    const size_t semicolon = picture.rfind(';');
    auto parsed = parse_integer_token(picture.substr(0, semicolon));
    if (parsed && semicolon != std::string_view::npos) {
        parsed->is_ordinal = picture.substr(semicolon + 1, 1) == "o";
    }
    return parsed;
}

Outcome<std::string> format_with(const IntegerPicture& picture, double value) {
    if (!std::isfinite(value)) return std::string(std::isnan(value) ? "NaN" : "Infinity");
    const double size = std::fabs(value);
    std::string out;
    switch (picture.numbering) {
        case Numbering::kDecimal: out = format_decimal(picture, size); break;
        case Numbering::kWords: out = number_to_words(size, picture.is_ordinal); break;
        case Numbering::kLetters: out = number_to_letters(size); break;
        case Numbering::kRoman:
            if (size > kMostRoman) return no_such_sequence("i");
            out = number_to_roman(size);
            break;
    }
    if (picture.numbering != Numbering::kDecimal) {
        if (picture.letter_case == LetterCase::kUpper) out = ascii_upper(std::move(out));
        if (picture.letter_case == LetterCase::kTitle) out = title_case(std::move(out));
    }
    return value < 0 ? "-" + out : out;
}

std::optional<double> parse_with(const IntegerPicture& picture, std::string_view text) {
    if (picture.numbering == Numbering::kDecimal) return parse_decimal_text(picture, text);
    const bool is_negative = !text.empty() && text[0] == '-';
    if (is_negative) text.remove_prefix(1);
    std::optional<double> value;
    switch (picture.numbering) {
        case Numbering::kDecimal: break;
        case Numbering::kWords: value = words_to_number(text); break;
        case Numbering::kRoman: value = roman_to_number(text); break;
        case Numbering::kLetters: value = letters_to_number(text); break;
    }
    if (value && is_negative) value = -*value;
    return value;
}

Outcome<std::string> format_integer(double value, std::string_view picture) {
    const auto parsed = parse_integer_picture(picture);
    if (!parsed) return tl::unexpected(parsed.error());
    return format_with(*parsed, std::floor(value));
}

Outcome<std::optional<double>> parse_integer(std::string_view text, std::string_view picture) {
    const auto parsed = parse_integer_picture(picture);
    if (!parsed) return tl::unexpected(parsed.error());
    return parse_with(*parsed, text);
}

}  // namespace tandem::jsonata
