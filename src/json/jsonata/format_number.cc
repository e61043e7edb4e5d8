#include "json/jsonata/format_number.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "json/jsonata/picture_text.h"

namespace tandem::jsonata {

namespace {

// The words of the error codes, from D3080 on.
constexpr std::string_view kMessages[] = {
    "The picture string must only contain a maximum of two sub-pictures",
    "The sub-picture must not contain more than one instance of the 'decimal-separator' character",
    "The sub-picture must not contain more than one instance of the 'percent' character",
    "The sub-picture must not contain more than one instance of the 'per-mille' character",
    "The sub-picture must not contain both a 'percent' and a 'per-mille' character",
    "The mantissa part of a sub-picture must contain at least one character that is either an "
    "'optional digit character' or a member of the 'decimal digit family'",
    "The sub-picture must not contain a passive character that is preceded by an active character "
    "and that is followed by another active character",
    "The sub-picture must not contain a 'grouping-separator' character that appears adjacent to a "
    "'decimal-separator' character",
    "The sub-picture must not contain a 'grouping-separator' at the end of the integer part",
    "The sub-picture must not contain two adjacent instances of the 'grouping-separator' character",
    "The integer part of the sub-picture must not contain a member of the 'decimal digit family' "
    "that is followed by an instance of the 'optional digit character'",
    "The fractional part of the sub-picture must not contain an instance of the 'optional digit "
    "character' that is followed by a member of the 'decimal digit family'",
    "A sub-picture that contains a 'percent' or 'per-mille' character must not contain a character "
    "treated as an 'exponent-separator'",
    "The exponent part of the sub-picture must comprise only of one or more characters that are "
    "members of the 'decimal digit family'"};
constexpr int kFirstCode = 3080;

tl::unexpected<Failure> refused(int code) {
    return failure("D" + std::to_string(code), std::string(kMessages[code - kFirstCode]));
}

/// The characters that mean something in a picture.
struct Symbols {
    char32_t decimal = U'.';
    char32_t grouping = U',';
    char32_t exponent = U'e';
    char32_t zero = U'0';
    char32_t digit = U'#';
    char32_t pattern = U';';
    std::u32string minus = U"-";
    std::u32string percent = U"%";
    std::u32string per_mille = U"‰";
    std::u32string infinity = U"Infinity";
    std::u32string nan = U"NaN";

    bool is_family(char32_t c) const { return c >= zero && c <= zero + 9; }
    bool is_digit(char32_t c) const { return c == digit || is_family(c); }
    bool is_active(char32_t c) const {
        return is_digit(c) || c == decimal || c == grouping || c == exponent;
    }
};

Symbols symbols_of(const json::Value* options) {
    Symbols symbols;
    if (options == nullptr || !options->is_object()) return symbols;
    const auto text = [&](std::string_view name) -> std::optional<std::u32string> {
        const json::Value* value = options->find(name);
        if (value == nullptr || !value->is_string()) return std::nullopt;
        return decode(value->as_string());
    };
    const auto one = [&](std::string_view name, char32_t& into) {
        if (const auto given = text(name); given && !given->empty()) into = given->front();
    };
    const auto any = [&](std::string_view name, std::u32string& into) {
        if (auto given = text(name)) into = std::move(*given);
    };
    one("decimal-separator", symbols.decimal);
    one("grouping-separator", symbols.grouping);
    one("exponent-separator", symbols.exponent);
    one("zero-digit", symbols.zero);
    one("digit", symbols.digit);
    one("pattern-separator", symbols.pattern);
    any("minus-sign", symbols.minus);
    any("percent", symbols.percent);
    any("per-mille", symbols.per_mille);
    any("infinity", symbols.infinity);
    any("NaN", symbols.nan);
    return symbols;
}

/// A sub-picture in its parts.
struct Parts {
    std::u32string_view whole, prefix, active, suffix, mantissa, integer, fraction;
    std::optional<std::u32string_view> exponent;
    bool has_decimal = false;
};

Parts split(const Symbols& symbols, std::u32string_view whole) {
    Parts parts;
    parts.whole = whole;
    // "e" begins and ends no number.
    size_t begin = 0;
    while (begin < whole.size() &&
           (!symbols.is_active(whole[begin]) || whole[begin] == symbols.exponent)) {
        ++begin;
    }
    size_t end = whole.size();
    while (end > begin &&
           (!symbols.is_active(whole[end - 1]) || whole[end - 1] == symbols.exponent)) {
        --end;
    }
    if (begin == whole.size()) {  // nothing active
        parts.active = parts.mantissa = parts.integer = whole;
        return parts;
    }
    parts.prefix = whole.substr(0, begin);
    parts.active = whole.substr(begin, end - begin);
    parts.suffix = whole.substr(end);
    const size_t exponent = parts.active.find(symbols.exponent);
    parts.mantissa = parts.active.substr(0, exponent);
    if (exponent != std::u32string_view::npos) parts.exponent = parts.active.substr(exponent + 1);
    // Right behind a number it is one without digits, which is refused.
    if (!parts.exponent && !parts.suffix.empty() && parts.suffix[0] == symbols.exponent) {
        parts.exponent = parts.suffix.substr(0, 0);
    }
    const size_t point = parts.mantissa.find(symbols.decimal);
    parts.has_decimal = point != std::u32string_view::npos;
    parts.integer = parts.mantissa.substr(0, point);
    if (parts.has_decimal) parts.fraction = parts.mantissa.substr(point + 1);
    return parts;
}

bool has(std::u32string_view text, std::u32string_view part) {
    return !part.empty() && text.find(part) != std::u32string_view::npos;
}

bool has_two(std::u32string_view text, std::u32string_view part) {
    return has(text, part) && text.find(part) != text.rfind(part);
}

/// 0, or the code of the last rule of 4.7.3 that is broken: what the reference implementation says.
int check(const Symbols& symbols, const Parts& parts) {
    int code = 0;
    const auto rule = [&](int number, bool is_broken) {
        if (is_broken) code = number;
    };
    const auto family = [&](char32_t c) { return symbols.is_family(c); };
    const auto pair = [](char32_t first, char32_t second) { return std::u32string{first, second}; };
    const bool has_percent = has(parts.whole, symbols.percent);
    const bool has_per_mille = has(parts.whole, symbols.per_mille);
    rule(3081, has_two(parts.whole, std::u32string(1, symbols.decimal)));
    rule(3082, has_two(parts.whole, symbols.percent));
    rule(3083, has_two(parts.whole, symbols.per_mille));
    rule(3084, has_percent && has_per_mille);
    rule(3085, std::none_of(parts.mantissa.begin(), parts.mantissa.end(),
                            [&](char32_t c) { return symbols.is_digit(c); }));
    rule(3086, !std::all_of(parts.active.begin(), parts.active.end(),
                            [&](char32_t c) { return symbols.is_active(c); }));
    rule(3087, has(parts.whole, pair(symbols.decimal, symbols.grouping)) ||
                   has(parts.whole, pair(symbols.grouping, symbols.decimal)));
    rule(3088,
         !parts.has_decimal && !parts.integer.empty() && parts.integer.back() == symbols.grouping);
    rule(3089, has(parts.whole, pair(symbols.grouping, symbols.grouping)));
    const auto first_digit = std::find_if(parts.integer.begin(), parts.integer.end(), family);
    rule(3090, std::find(first_digit, parts.integer.end(), symbols.digit) != parts.integer.end());
    const auto optional = std::find(parts.fraction.begin(), parts.fraction.end(), symbols.digit);
    rule(3091, std::any_of(optional, parts.fraction.end(), family));
    rule(3092, parts.exponent && (has_percent || has_per_mille));
    rule(3093,
         parts.exponent && (parts.exponent->empty() ||
                            !std::all_of(parts.exponent->begin(), parts.exponent->end(), family)));
    return code;
}

/// What 4.7.4 finds out about a sub-picture.
struct Layout {
    std::u32string prefix, suffix;
    std::vector<size_t> integer_groups;  // digits to the right of each separator
    size_t regular_distance = 0;
    std::vector<size_t> fraction_groups;  // digits to the left
    size_t least_integer = 0;
    int scale = 0;  // digits before the point of a mantissa
    size_t least_fraction = 0;
    size_t most_fraction = 0;
    std::optional<size_t> least_exponent;
    bool has_decimal = false;
    int factor = 1;  // 100: percent
};

Layout analyse(const Symbols& symbols, const Parts& parts) {
    Layout layout;
    layout.prefix = parts.prefix;
    layout.suffix = parts.suffix;
    layout.has_decimal = parts.has_decimal;
    const auto family = [&](char32_t c) { return symbols.is_family(c); };
    const auto digit = [&](char32_t c) { return symbols.is_digit(c); };
    for (size_t i = 0; i < parts.integer.size(); ++i) {
        if (parts.integer[i] != symbols.grouping) continue;
        layout.integer_groups.push_back(
            size_t(std::count_if(parts.integer.begin() + long(i), parts.integer.end(), digit)));
    }
    layout.regular_distance = regular_distance(layout.integer_groups);
    for (size_t i = 0; i < parts.fraction.size(); ++i) {
        if (parts.fraction[i] != symbols.grouping) continue;
        layout.fraction_groups.push_back(
            size_t(std::count_if(parts.fraction.begin(), parts.fraction.begin() + long(i), digit)));
    }
    layout.least_integer =
        size_t(std::count_if(parts.integer.begin(), parts.integer.end(), family));
    layout.scale = int(std::min<size_t>(layout.least_integer, 300));  // a double has no more
    layout.least_fraction =
        size_t(std::count_if(parts.fraction.begin(), parts.fraction.end(), family));
    layout.most_fraction =
        size_t(std::count_if(parts.fraction.begin(), parts.fraction.end(), digit));
    if (layout.least_integer == 0 && layout.most_fraction == 0) {
        if (parts.exponent) {
            layout.least_fraction = layout.most_fraction = 1;
            layout.has_decimal = true;
        } else {
            layout.least_integer = 1;
        }
    }
    if (parts.exponent && layout.least_integer == 0 &&
        parts.integer.find(symbols.digit) != std::u32string_view::npos) {
        layout.least_integer = 1;
    }
    if (layout.least_integer == 0 && layout.least_fraction == 0) layout.least_fraction = 1;
    if (parts.exponent) layout.least_exponent = parts.exponent->size();
    if (has(parts.whole, symbols.percent)) {
        layout.factor = 100;
    } else if (has(parts.whole, symbols.per_mille)) {
        layout.factor = 1000;
    }
    return layout;
}

/// The power of ten that leaves `scale` digits before the point.
int exponent_for(double value, int scale) {
    if (value == 0) return 0;
    int exponent = int(std::floor(std::log10(value))) + 1 - scale;
    // The logarithm may round to the next power.
    if (shift_decimal(value, -exponent) >= shift_decimal(1, scale)) ++exponent;
    if (shift_decimal(value, -exponent) < shift_decimal(1, scale - 1)) --exponent;
    return exponent;
}

/// The digits of a value that is not negative, between prefix and suffix.
std::u32string digits_of(const Symbols& symbols, const Layout& layout, double value) {
    const int exponent = layout.least_exponent ? exponent_for(value, layout.scale) : 0;
    const int places = int(layout.most_fraction);
    const std::string text =
        fixed(round_half_even(shift_decimal(value, -exponent), places), places);
    const size_t point = text.find('.');
    std::string integer = text.substr(0, point);
    std::string fraction = point == std::string::npos ? "" : text.substr(point + 1);
    integer.erase(0, integer.find_first_not_of('0'));  // all of it where there is no other digit
    if (integer.size() < layout.least_integer) {
        integer.insert(0, layout.least_integer - integer.size(), '0');
    }
    while (fraction.size() > layout.least_fraction && fraction.back() == '0') fraction.pop_back();

    std::u32string out;
    const auto add = [&](char c) { out += symbols.zero + char32_t(c - '0'); };
    const auto contains = [](const std::vector<size_t>& positions, size_t position) {
        return std::find(positions.begin(), positions.end(), position) != positions.end();
    };
    for (size_t i = 0; i < integer.size(); ++i) {
        const size_t right = integer.size() - i;
        const bool separates = layout.regular_distance > 0 ? right % layout.regular_distance == 0
                                                           : contains(layout.integer_groups, right);
        if (i > 0 && separates) out += symbols.grouping;
        add(integer[i]);
    }
    if (layout.has_decimal && !fraction.empty()) {
        out += symbols.decimal;
        for (size_t i = 0; i < fraction.size(); ++i) {
            if (i > 0 && contains(layout.fraction_groups, i)) out += symbols.grouping;
            add(fraction[i]);
        }
    }
    if (layout.least_exponent) {
        out += symbols.exponent;
        if (exponent < 0) out += symbols.minus;
        std::string power = std::to_string(std::abs(exponent));
        if (power.size() < *layout.least_exponent) {
            power.insert(0, *layout.least_exponent - power.size(), '0');
        }
        for (const char c : power) add(c);
    }
    return out;
}

}  // namespace

Outcome<std::string> format_number(double value, std::string_view picture,
                                   const json::Value* options) {
    const Symbols symbols = symbols_of(options);
    if (picture.size() > kMostPicture) return tl::unexpected(picture_too_long());
    const std::u32string text = decode(picture);
    std::u32string_view first = text;
    std::optional<std::u32string_view> second;
    if (const size_t end = text.find(symbols.pattern); end != std::u32string::npos) {
        first = std::u32string_view(text).substr(0, end);
        second = std::u32string_view(text).substr(end + 1);
        if (second->find(symbols.pattern) != std::u32string_view::npos) return refused(3080);
    }
    Parts parts = split(symbols, first);
    if (const int code = check(symbols, parts); code != 0) return refused(code);
    Layout layout = analyse(symbols, parts);
    if (second) {
        const Parts negative = split(symbols, *second);
        if (const int code = check(symbols, negative); code != 0) return refused(code);
        if (value < 0) layout = analyse(symbols, negative);
    } else if (value < 0) {
        layout.prefix.insert(0, symbols.minus);
    }
    if (std::isnan(value)) return encode(symbols.nan);
    const double size = std::fabs(value) * layout.factor;
    const std::u32string digits =
        std::isinf(size) ? symbols.infinity : digits_of(symbols, layout, size);
    return encode(layout.prefix + digits + layout.suffix);
}

Outcome<std::string> format_base(double value, int64_t radix) {
    if (radix < 2 || radix > 36) {
        return failure("D3100",
                       "The radix of the formatBase function must be between 2 and 36.  It "
                       "was given " +
                           std::to_string(radix));
    }
    double whole = std::fabs(round_half_even(value, 0));
    if (!std::isfinite(whole)) return std::string(value < 0 ? "-Infinity" : "Infinity");
    if (radix == 10) return (value < 0 && whole > 0 ? "-" : "") + whole_digits(whole);
    std::string out;
    // Above 2^53 a double does not know its last digits.
    for (; whole >= 0x1p53; whole /= double(radix)) out += '0';
    whole = std::floor(whole);
    do {
        out += "0123456789abcdefghijklmnopqrstuvwxyz"[size_t(std::fmod(whole, double(radix)))];
        whole = std::floor(whole / double(radix));
    } while (whole > 0);
    if (value < 0 && out != "0") out += '-';
    std::reverse(out.begin(), out.end());
    return out;
}

}  // namespace tandem::jsonata
