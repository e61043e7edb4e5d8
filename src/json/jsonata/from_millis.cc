#include <charconv>

#include "json/jsonata/date_picture.h"
#include "json/jsonata/datetime.h"
#include "json/jsonata/picture_text.h"

namespace tandem::jsonata {

namespace {

constexpr std::string_view kIso8601 = "[Y0001]-[M01]-[D01]T[H01]:[m01]:[s01].[f001][Z01:01t]";

using Parts = std::vector<DatePart>;

int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

/// A moment in its timezone, taken apart.
struct Moment {
    int64_t days = 0;  // since 1970-01-01
    CivilDate date;
    int64_t millis = 0;  // of the day
    int offset = 0;      // minutes
};

tl::unexpected<Failure> bad_argument(int which) {
    return failure("T0410", "Argument " + std::to_string(which) +
                                " of function \"fromMillis\" does not match function signature");
}

/// Minutes of "+hhmm", "-hhmm" or "hhmm"; nothing for anything else.
std::optional<int> offset_of(std::string_view timezone) {
    const bool is_negative = !timezone.empty() && timezone[0] == '-';
    if (is_negative || (!timezone.empty() && timezone[0] == '+')) timezone.remove_prefix(1);
    int number = 0;
    const char* end = timezone.data() + timezone.size();
    const auto read = std::from_chars(timezone.data(), end, number);
    if (read.ec != std::errc() || read.ptr != end || number < 0 || number > 9959 ||
        number % 100 > 59) {
        return std::nullopt;
    }
    const int minutes = number / 100 * 60 + number % 100;
    return is_negative ? -minutes : minutes;
}

/// Monday is 1.
int weekday(int64_t days) { return int((days + 3) % 7 + 7) % 7 + 1; }

/// The Thursday of the week: a week belongs to the month and the year in which that is.
int64_t thursday_of(int64_t days) { return days + 4 - weekday(days); }

int64_t day_of_year(int64_t days) {
    return days - days_from_civil(civil_from_days(days).year, 1, 1) + 1;
}

int64_t value_of(char component, const Moment& moment) {
    switch (component) {
        case 'Y': return moment.date.year;
        case 'M': return moment.date.month;
        case 'D': return moment.date.day;
        case 'd': return day_of_year(moment.days);
        case 'F': return weekday(moment.days);
        case 'W': return (day_of_year(thursday_of(moment.days)) - 1) / 7 + 1;
        case 'w': return (civil_from_days(thursday_of(moment.days)).day - 1) / 7 + 1;
        case 'X': return civil_from_days(thursday_of(moment.days)).year;
        case 'x': return civil_from_days(thursday_of(moment.days)).month;
        case 'H': return moment.millis / 3'600'000;
        case 'h': return (moment.millis / 3'600'000 + 11) % 12 + 1;
        case 'm': return moment.millis / 60'000 % 60;
        case 's': return moment.millis / 1000 % 60;
        default: return moment.millis % 1000;  // f
    }
}

std::string cased(std::string name, LetterCase letter_case) {
    switch (letter_case) {
        case LetterCase::kLower: return ascii_lower(std::move(name));
        case LetterCase::kUpper: return ascii_upper(std::move(name));
        case LetterCase::kTitle: break;
    }
    return name;
}

Outcome<std::string> offset_text(const DatePart& part, int offset) {
    if (part.component == 'Z' && part.has_t && offset == 0) return std::string("Z");
    const size_t digits = part.number.mandatory_digits + part.number.optional_digits;
    if (part.is_name || digits == 0 || digits > 4) {
        return failure("D3134",
                       "The timezone integer format specifier cannot have more than four digits");
    }
    const int minutes = std::abs(offset) % 60;
    const int hours = std::abs(offset) / 60;
    const bool is_whole = digits > 2 || !part.number.separators.empty();
    auto text = format_with(part.number, is_whole ? hours * 100 + minutes : hours);
    if (!text) return text;
    if (!is_whole && minutes != 0) {
        *text += ':';
        append_utf8(*text, part.number.zero + char32_t(minutes / 10));
        append_utf8(*text, part.number.zero + char32_t(minutes % 10));
    }
    return (part.component == 'z' ? "GMT" : "") + (offset < 0 ? "-" + *text : "+" + *text);
}

Outcome<std::string> component_text(const DatePart& part, const Moment& moment) {
    switch (part.component) {
        case 'Z':
        case 'z': return offset_text(part, moment.offset);
        case 'C':
        case 'E': return std::string("ISO");
        case 'P': {
            const std::string half = moment.millis < kMillisPerDay / 2 ? "am" : "pm";
            return part.letter_case == LetterCase::kUpper ? ascii_upper(half) : half;
        }
        default: break;
    }
    int64_t value = value_of(part.component, moment);
    if (part.is_name) {
        std::string_view name = part.component == 'F' ? kDays[value - 1] : kMonths[value - 1];
        if (part.most_width) name = name.substr(0, *part.most_width);
        return cased(std::string(name), part.letter_case);
    }
    if (part.component == 'Y' && part.most_width && *part.most_width < 18) {
        int64_t modulus = 1;
        for (size_t i = 0; i < *part.most_width; ++i) modulus *= 10;
        value %= modulus;
    }
    return format_with(part.number, double(value));
}

}  // namespace

Outcome<std::string> from_millis(int64_t millis, std::optional<std::string_view> picture,
                                 std::optional<std::string_view> timezone) {
    static const auto iso8601 = parse_date_picture(kIso8601);
    const auto parsed = picture ? parse_date_picture(*picture) : Outcome<Parts>();
    const auto& parts = picture ? parsed : iso8601;
    if (!parts) return tl::unexpected(parts.error());
    if (millis < -kMostMillis || millis > kMostMillis) return bad_argument(1);
    Moment moment;
    if (timezone) {
        const auto offset = offset_of(*timezone);
        if (!offset) return bad_argument(3);
        moment.offset = *offset;
    }
    const int64_t local = millis + moment.offset * int64_t(60'000);
    moment.days = floor_div(local, kMillisPerDay);
    moment.date = civil_from_days(moment.days);
    moment.millis = local - moment.days * kMillisPerDay;
    std::string out;
    for (const DatePart& part : *parts) {
        if (part.component == 0) {
            out += part.literal;
            continue;
        }
        const auto text = component_text(part, moment);
        if (!text) return text;
        out += *text;
    }
    return out;
}

}  // namespace tandem::jsonata
