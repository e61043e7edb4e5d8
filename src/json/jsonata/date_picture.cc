#include "json/jsonata/date_picture.h"

#include <algorithm>
#include <charconv>

#include "json/jsonata/picture_text.h"

namespace tandem::jsonata {

const std::string_view kMonths[12] = {"January",   "February", "March",    "April",
                                      "May",       "June",     "July",     "August",
                                      "September", "October",  "November", "December"};
const std::string_view kDays[7] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                   "Friday", "Saturday", "Sunday"};

namespace {

constexpr std::string_view kComponents = "YMDdFWwXxHhPmsfZzCE";
constexpr std::string_view kNamed = "MxFPCE";  // may be names
constexpr size_t kMostWidth = 100;             // characters of one component

std::string_view default_presentation(char component) {
    switch (component) {
        case 'F':
        case 'P':
        case 'C':
        case 'E': return "n";
        case 'm':
        case 's': return "01";
        case 'Z':
        case 'z': return "01:01";
        default: return "1";
    }
}

/// A number, or nothing for "*" and what is no number.
std::optional<size_t> width_of(std::string_view text) {
    size_t width = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), width);
    if (read.ec != std::errc()) return std::nullopt;
    return std::min(width, kMostWidth);
}

void read_width(DatePart& part, std::string_view width) {
    const size_t dash = width.find('-');
    part.least_width = width_of(width.substr(0, dash)).value_or(0);
    if (dash != std::string_view::npos) part.most_width = width_of(width.substr(dash + 1));
}

/// The whole digits of a year are cut to the width, whether that is given or seen.
void settle_widths(DatePart& part, bool is_unlimited) {
    if (part.is_name || part.number.numbering != Numbering::kDecimal) return;
    IntegerPicture& number = part.number;
    if (part.component != 'Z' && part.component != 'z' &&
        part.least_width > number.mandatory_digits) {
        number.mandatory_digits = part.least_width;
    }
    if (part.most_width) {
        number.mandatory_digits = std::min(number.mandatory_digits, *part.most_width);
    }
    const size_t digits = number.mandatory_digits + number.optional_digits;
    if (part.component == 'Y' && !part.most_width && !is_unlimited && digits >= 2) {
        part.most_width = digits;
    }
}

Outcome<DatePart> parse_component(std::string marker) {
    std::string text;
    for (const char c : marker) {
        if (c != ' ' && c != '\t' && c != '\n' && c != '\r') text += c;
    }
    DatePart part;
    part.component = text.empty() ? '\0' : text[0];
    if (part.component == '\0' || kComponents.find(part.component) == std::string_view::npos) {
        // The first whole character.
        const std::string named = encode(decode(text).substr(0, 1));
        return failure("D3132",
                       "Unknown component specifier \"" + named + "\" in date/time picture string",
                       named);
    }
    const size_t comma = text.rfind(',');
    bool is_unlimited = false;
    if (comma != std::string::npos) {
        const std::string_view width = std::string_view(text).substr(comma + 1);
        read_width(part, width);
        is_unlimited = width.find('*') != std::string_view::npos && !part.most_width;
    }
    std::string_view presentation =
        std::string_view(text).substr(1, comma == std::string::npos ? comma : comma - 1);
    bool is_ordinal = false;
    if (presentation.size() > 1) {
        const char modifier = presentation.back();
        is_ordinal = modifier == 'o';
        part.has_t = modifier == 't';
        if (is_ordinal || part.has_t || modifier == 'a' || modifier == 'c') {
            presentation.remove_suffix(1);
        }
    }
    if (presentation.empty()) presentation = default_presentation(part.component);
    if (presentation[0] == 'n' || presentation[0] == 'N') {
        if (kNamed.find(part.component) == std::string_view::npos && part.component != 'Z' &&
            part.component != 'z') {
            return tl::unexpected(no_name_for(part.component));
        }
        part.is_name = true;
        if (presentation[0] == 'N') {
            part.letter_case =
                presentation.substr(1, 1) == "n" ? LetterCase::kTitle : LetterCase::kUpper;
        }
        return part;
    }
    if (part.component == 'P' || part.component == 'C' || part.component == 'E') {
        part.is_name = true;
        return part;
    }
    const auto number = parse_integer_token(presentation);
    if (!number && (part.component == 'Z' || part.component == 'z')) {
        part.is_name = true;  // no number of an offset: refused where one is written
        return part;
    }
    if (!number) return tl::unexpected(number.error());
    part.number = *number;
    part.number.is_ordinal = is_ordinal;
    settle_widths(part, is_unlimited);
    return part;
}

/// The text with "]]" as "]".
std::string unescaped(std::string_view text) {
    std::string out;
    for (size_t i = 0; i < text.size(); ++i) {
        out += text[i];
        if (text[i] == ']' && text.substr(i + 1, 1) == "]") ++i;
    }
    return out;
}

}  // namespace

Failure no_name_for(char component) {
    return {"D3133",
            std::string("The 'name' modifier can only be applied to months and days in the "
                        "date/time picture string, not \"") +
                component + "\"",
            0, std::string(1, component)};
}

Outcome<std::vector<DatePart>> parse_date_picture(std::string_view picture) {
    if (picture.size() > kMostPicture) return tl::unexpected(picture_too_long());
    std::vector<DatePart> parts;
    const auto add_literal = [&](std::string text) {
        if (text.empty()) return;
        if (!parts.empty() && parts.back().component == 0) {
            parts.back().literal += text;
        } else {
            parts.emplace_back().literal = std::move(text);
        }
    };
    size_t begin = 0;
    while (begin < picture.size()) {
        const size_t open = picture.find('[', begin);
        add_literal(unescaped(picture.substr(begin, open - begin)));
        if (open == std::string_view::npos) break;
        if (picture.substr(open + 1, 1) == "[") {
            add_literal("[");
            begin = open + 2;
            continue;
        }
        const size_t close = picture.find(']', open);
        if (close == std::string_view::npos) {
            return failure("D3135", "No matching closing bracket ']' in date/time picture string");
        }
        auto part = parse_component(std::string(picture.substr(open + 1, close - open - 1)));
        if (!part) return tl::unexpected(part.error());
        parts.push_back(std::move(*part));
        begin = close + 1;
    }
    return parts;
}

CivilDate civil_from_days(int64_t days) {
    // Years that begin in March put the leap day last; 400 of them are an era of 146,097 days.
    const int64_t from_march = days + 719'468;  // since 0000-03-01
    const int64_t era = (from_march >= 0 ? from_march : from_march - 146'096) / 146'097;
    const int64_t in_era = from_march - era * 146'097;
    const int64_t year = (in_era - in_era / 1460 + in_era / 36'524 - in_era / 146'096) / 365;
    const int64_t in_year = in_era - (365 * year + year / 4 - year / 100);
    const int64_t month = (5 * in_year + 2) / 153;  // 0: March
    CivilDate date;
    date.day = int(in_year - (153 * month + 2) / 5 + 1);
    date.month = int(month < 10 ? month + 3 : month - 9);
    date.year = year + era * 400 + (date.month <= 2 ? 1 : 0);
    return date;
}

int64_t days_from_civil(int64_t year, int64_t month, int64_t day) {
    // Months out of range carry into the year.
    const int64_t index = month - 1;
    const int64_t carry = (index >= 0 ? index : index - 11) / 12;
    const int64_t in_year = index - carry * 12;  // 0: January
    const int64_t from_march = year + carry - (in_year < 2 ? 1 : 0);
    const int64_t era = (from_march >= 0 ? from_march : from_march - 399) / 400;
    const int64_t in_era = from_march - era * 400;
    const int64_t month_from_march = (in_year + 10) % 12;
    const int64_t day_of_year = (153 * month_from_march + 2) / 5;
    return era * 146'097 + in_era * 365 + in_era / 4 - in_era / 100 + day_of_year - 719'468 + day -
           1;
}

}  // namespace tandem::jsonata
