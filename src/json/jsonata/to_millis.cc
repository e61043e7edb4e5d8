#include <algorithm>
#include <cmath>
#include <map>

#include "json/jsonata/date_picture.h"
#include "json/jsonata/datetime.h"
#include "json/jsonata/number_words.h"
#include "json/jsonata/picture_text.h"

namespace tandem::jsonata {

namespace {

constexpr size_t kMostText = 256;  // bytes; the search is polynomial, not linear

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// ISO 8601 as far as it is read without a picture: 2018, 2018-02, 2018-02-03, each with or without
/// Thh:mm:ss[.f] and Z, +hh:mm or +hhmm. Without an offset: UTC.
class IsoText {
public:
    explicit IsoText(std::string_view text) : text_(text) {}

    std::optional<int64_t> millis() {
        int64_t year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0, fraction = 0;
        if (!number(4, 9999, year)) return std::nullopt;
        if (next('-') && (!number(2, 12, month) || month == 0)) return std::nullopt;
        if (next('-') && (!number(2, 31, day) || day == 0)) return std::nullopt;
        bool has_time = false;
        if (next('T')) {
            has_time = true;
            if (!number(2, 24, hour) || !next(':') || !number(2, 59, minute) || !next(':') ||
                !number(2, 59, second) || (hour == 24 && minute + second > 0)) {
                return std::nullopt;
            }
            if (next('.') && !fraction_digits(fraction)) return std::nullopt;
        }
        int64_t offset = 0;
        if (!next('Z') && !text_.empty() && (!has_time || !read_offset(offset))) {
            return std::nullopt;
        }
        if (!text_.empty()) return std::nullopt;
        const int64_t days = days_from_civil(year, month, day);
        return days * kMillisPerDay + ((hour * 60 + minute - offset) * 60 + second) * 1000 +
               fraction;
    }

private:
    bool next(char c) {
        if (text_.empty() || text_[0] != c) return false;
        text_.remove_prefix(1);
        return true;
    }

    bool number(size_t digits, int64_t most, int64_t& into) {
        if (text_.size() < digits) return false;
        into = 0;
        for (const char c : text_.substr(0, digits)) {
            if (!is_digit(c)) return false;
            into = into * 10 + (c - '0');
        }
        text_.remove_prefix(digits);
        return into <= most;
    }

    bool fraction_digits(int64_t& into) {
        if (text_.empty() || !is_digit(text_[0])) return false;
        for (int64_t unit = 100; !text_.empty() && is_digit(text_[0]); unit /= 10) {
            into += unit * (text_[0] - '0');
            text_.remove_prefix(1);
        }
        return true;
    }

    bool read_offset(int64_t& minutes) {
        const bool is_negative = next('-');
        if (!is_negative && !next('+')) return false;
        int64_t hour = 0, minute = 0;
        if (!number(2, 23, hour)) return false;
        next(':');
        if (!number(2, 59, minute)) return false;
        minutes = (hour * 60 + minute) * (is_negative ? -1 : 1);
        return true;
    }

    std::string_view text_;
};

/// Finds for each part of a picture the piece of a text that it stands for: all of the text, each
/// piece as long as the rest allows.
class Matcher {
public:
    Matcher(const std::vector<DatePart>& parts, std::string_view text)
        : parts_(parts),
          text_(text),
          lower_(ascii_lower(std::string(text))),
          failed_(parts.size() * (text.size() + 1)),
          ends_(parts.size()) {}

    bool match() { return match_from(0, 0); }
    std::string_view piece(size_t part) const {
        const size_t begin = part == 0 ? 0 : ends_[part - 1];
        return text_.substr(begin, ends_[part] - begin);
    }

private:
    bool match_from(size_t part, size_t at) {
        if (part == parts_.size()) return at == text_.size();
        if (failed_[part * (text_.size() + 1) + at]) return false;
        const auto [least, most] = lengths(part, at);
        for (size_t length = most; length >= least && length > 0; --length) {
            if (!is_piece(part, text_.substr(at, length))) continue;
            ends_[part] = at + length;
            if (match_from(part + 1, at + length)) return true;
        }
        failed_[part * (text_.size() + 1) + at] = true;
        return false;
    }

    template <class Predicate>
    size_t run(size_t at, Predicate predicate) const {
        size_t end = at;
        while (end < text_.size() && predicate(text_[end])) ++end;
        return end - at;
    }

    /// The least and the most bytes at `at` that may be of `part`; most 0: none.
    std::pair<size_t, size_t> lengths(size_t index, size_t at) const {
        const DatePart& part = parts_[index];
        if (part.component == 0) {
            const size_t size = part.literal.size();
            const bool is_there = lower_.compare(at, size, ascii_lower(part.literal)) == 0;
            return {size, is_there ? size : 0};
        }
        if (part.component == 'Z' || part.component == 'z') {
            return {1, run(at, [](char c) {
                        return is_digit(c) || is_letter(c) || c == '+' || c == '-' || c == ':' ||
                               c == '.';
                    })};
        }
        if (part.is_name) return {1, run(at, is_letter)};
        switch (part.number.numbering) {
            case Numbering::kRoman:
            case Numbering::kLetters: return {1, run(at, is_letter)};
            case Numbering::kWords: return {1, words_prefix(std::string_view(lower_).substr(at))};
            case Numbering::kDecimal: break;
        }
        return decimal_lengths(index, at);
    }

    std::pair<size_t, size_t> decimal_lengths(size_t index, size_t at) const {
        const DatePart& part = parts_[index];
        const IntegerPicture& number = part.number;
        const size_t suffix = number.is_ordinal ? 2 : 0;
        const bool is_ascii = number.zero == U'0' && number.separators.empty();
        const size_t digits = is_ascii ? run(at, is_digit)
                                       : run(at, [](char c) { return c != ' ' && !is_letter(c); });
        if (digits == 0) return {1, 0};
        // Where digits follow digits, the width tells them apart.
        if (is_ascii && !number.is_ordinal && index + 1 < parts_.size() && is_number(index + 1)) {
            const size_t width = part.most_width.value_or(
                number.mandatory_digits >= 2 ? number.mandatory_digits : 0);
            if (width > 0) return {width, digits >= width ? width : 0};
        }
        return {1 + suffix, std::min(text_.size() - at, digits + suffix)};
    }

    bool is_number(size_t index) const {
        const DatePart& part = parts_[index];
        return part.component != 0 && !part.is_name && part.component != 'Z' &&
               part.component != 'z' && part.number.numbering == Numbering::kDecimal;
    }

    bool is_piece(size_t index, std::string_view piece) const {
        if (!is_number(index) || !parts_[index].number.is_ordinal) return true;
        const std::string suffix = ascii_lower(std::string(piece.substr(piece.size() - 2)));
        return suffix == "st" || suffix == "nd" || suffix == "rd" || suffix == "th";
    }

    const std::vector<DatePart>& parts_;
    std::string_view text_;
    std::string lower_;
    std::vector<bool> failed_;  // (part, position): keeps the search polynomial
    std::vector<size_t> ends_;
};

/// "+05:30", "GMT-5", "+0530", "Z": minutes, if `text` is what the part makes of an offset.
std::optional<int64_t> offset_of(const DatePart& part, std::string_view text) {
    if (part.component == 'z') {
        if (ascii_lower(std::string(text.substr(0, 3))) != "gmt") return std::nullopt;
        text.remove_prefix(3);
    }
    if (part.has_t && (text == "Z" || text == "z")) return 0;
    if (text.empty() || (text[0] != '+' && text[0] != '-') || part.is_name) return std::nullopt;
    const int64_t sign = text[0] == '-' ? -1 : 1;
    text.remove_prefix(1);
    const size_t middle = text.find_first_not_of("0123456789");
    const std::string_view first = text.substr(0, middle);
    const auto number = [](std::string_view digits) {
        int64_t value = 0;
        for (const char c : digits) value = value * 10 + (c - '0');
        return value;
    };
    const size_t digits = part.number.mandatory_digits + part.number.optional_digits;
    if (first.empty() || first.size() > 4) return std::nullopt;
    if (middle == std::string_view::npos) {
        if (!part.number.separators.empty()) return std::nullopt;
        if (digits <= 2) {
            if (first.size() > 2) return std::nullopt;
            return sign * number(first) * 60;
        }
        return sign * (number(first) / 100 * 60 + number(first) % 100);
    }
    const std::string_view second = text.substr(middle + 1);
    if (second.size() != 2 || first.size() > 2 || !is_digit(second[0]) || !is_digit(second[1])) {
        return std::nullopt;
    }
    const bool is_separator = part.number.separators.empty()
                                  ? digits <= 2 && text[middle] == ':'
                                  : char32_t(text[middle]) == part.number.separators[0].text;
    if (!is_separator) return std::nullopt;
    return sign * (number(first) * 60 + number(second));
}

/// The number of a month or day by its name, cut as the picture says.
std::optional<int64_t> named(const DatePart& part, std::string_view text) {
    if (part.component == 'P') {
        const std::string half = ascii_lower(std::string(text));
        if (half != "am" && half != "pm") return std::nullopt;
        return half == "pm" ? 1 : 0;
    }
    const std::string wanted = ascii_lower(std::string(text));
    const auto find = [&](const auto& names) -> std::optional<int64_t> {
        for (size_t i = 0; i < std::size(names); ++i) {
            const std::string name = ascii_lower(std::string(names[i]));
            if (wanted == name || (part.most_width && wanted == name.substr(0, *part.most_width))) {
                return int64_t(i + 1);
            }
        }
        return std::nullopt;
    };
    return part.component == 'F' ? find(kDays) : find(kMonths);
}

/// The number that a component stands for; nothing where the text is none.
std::optional<int64_t> component_value(const DatePart& part, std::string_view text) {
    if (part.component == 'Z' || part.component == 'z') return offset_of(part, text);
    if (part.is_name) return named(part, text);
    if (part.component == 'f' && part.number.numbering == Numbering::kDecimal) {
        // A decimal fraction: "5" is half a second.
        int64_t millis = 0, unit = 100;
        for (const char c : text) {
            if (!is_digit(c)) return std::nullopt;
            millis += unit * (c - '0');
            unit /= 10;
        }
        return millis;
    }
    const auto number = parse_with(part.number, text);
    if (!number || std::fabs(*number) > 1e8) return std::nullopt;
    return int64_t(*number);
}

tl::unexpected<Failure> has_gap() {
    return failure("D3136",
                   "The date/time picture string is missing specifiers required to parse the "
                   "timestamp");
}

/// What larger and smaller parts there are, and what one that the picture leaves out is.
using Values = std::map<char, int64_t>;

/// Fills in what is left out: from now before the first that is named, least after the last.
bool complete(Values& values, std::string_view order, int64_t now_millis) {
    int64_t days = now_millis / kMillisPerDay;
    int64_t millis = now_millis % kMillisPerDay;
    if (millis < 0) {
        millis += kMillisPerDay;
        --days;
    }
    const CivilDate today = civil_from_days(days);
    const Values now = {{'Y', today.year},
                        {'M', today.month},
                        {'D', today.day},
                        {'d', days - days_from_civil(today.year, 1, 1) + 1},
                        {'P', millis >= kMillisPerDay / 2 ? 1 : 0},
                        {'h', millis / 3'600'000 % 12},
                        {'H', millis / 3'600'000},
                        {'m', millis / 60'000 % 60},
                        {'s', millis / 1000 % 60},
                        {'f', millis % 1000}};
    bool has_begun = false, has_ended = false;
    for (const char component : order) {
        if (values.contains(component)) {
            if (has_ended) return false;
            has_begun = true;
        } else if (!has_begun) {
            values[component] = now.at(component);
        } else {
            has_ended = true;
            values[component] = component == 'M' || component == 'D' || component == 'd' ? 1 : 0;
        }
    }
    return true;
}

Outcome<std::optional<int64_t>> moment_of(Values values, int64_t now_millis) {
    const bool by_week = values.contains('X') || values.contains('x') || values.contains('W') ||
                         values.contains('w');
    const bool by_month = values.contains('M') || values.contains('D');
    const bool by_day = values.contains('d') && !by_month;
    if (by_week && !by_month && !by_day && !values.contains('Y')) return has_gap();
    const bool by_half = !values.contains('H') && (values.contains('P') || values.contains('h'));
    std::string order = by_day ? "Yd" : "YMD";
    // An hour of the clock is the morning's where the picture does not say.
    if (by_half && !values.contains('P')) values['P'] = 0;
    order += by_half ? "hmsf" : "Hmsf";
    if (by_half && !values.contains('h')) values['h'] = 0;
    if (!complete(values, order, now_millis)) return has_gap();
    int64_t year = values['Y'];
    if (year >= 0 && year < 100) year += 1900;
    const int64_t hour = by_half ? values['h'] % 12 + 12 * values['P'] : values['H'];
    const int64_t days = by_day ? days_from_civil(year, 1, 1) + values['d'] - 1
                                : days_from_civil(year, values['M'], values['D']);
    int64_t minutes = hour * 60 + values['m'];
    if (values.contains('Z')) minutes -= values['Z'];
    const int64_t millis = days * kMillisPerDay + (minutes * 60 + values['s']) * 1000 + values['f'];
    if (millis < -kMostMillis || millis > kMostMillis) return std::nullopt;
    return millis;
}

}  // namespace

Outcome<std::optional<int64_t>> to_millis(std::string_view text,
                                          std::optional<std::string_view> picture,
                                          int64_t now_millis) {
    if (!picture) {
        if (const auto millis = IsoText(text).millis()) return millis;
        return failure("D3110",
                       "The argument of the toMillis function must be an ISO 8601 formatted "
                       "timestamp. Given \"" +
                           std::string(text) + "\"",
                       std::string(text));
    }
    const auto parts = parse_date_picture(*picture);
    if (!parts) return tl::unexpected(parts.error());
    for (const DatePart& part : *parts) {
        if (part.component == 'C' || part.component == 'E') {
            return tl::unexpected(no_name_for(part.component));
        }
    }
    // Every part takes a byte.
    if (text.size() > kMostText || parts->size() > text.size()) return std::nullopt;
    Matcher matcher(*parts, text);
    if (!matcher.match()) return std::nullopt;
    Values values;
    for (size_t i = 0; i < parts->size(); ++i) {
        const DatePart& part = (*parts)[i];
        if (part.component == 0) continue;
        const auto value = component_value(part, matcher.piece(i));
        if (!value) return std::nullopt;
        values[part.component == 'z' ? 'Z' : part.component] = *value;
    }
    if (values.empty()) return std::nullopt;
    return moment_of(std::move(values), now_millis);
}

}  // namespace tandem::jsonata
