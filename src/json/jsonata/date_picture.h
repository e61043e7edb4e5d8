// DatePicture: a picture of $fromMillis, analysed into literal text and components. And the
// calendar that both directions need. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "json/jsonata/integer_picture.h"
#include "json/jsonata/jsonata.h"

namespace tandem::jsonata {

/// A literal (component 0), or "[Y0001,4-4]".
struct DatePart {
    std::string literal;
    char component = 0;  // of "YMDdFWwXxHhPmsfZzCE"
    bool is_name = false;
    LetterCase letter_case = LetterCase::kLower;  // of a name
    IntegerPicture number;                        // unless it is a name
    bool has_t = false;                           // "Z" for the offset 0
    size_t least_width = 0;
    std::optional<size_t> most_width;
};

/// Errors: D3130 to D3135.
Outcome<std::vector<DatePart>> parse_date_picture(std::string_view picture);

/// "The 'name' modifier can only be applied ...": D3133.
Failure no_name_for(char component);

struct CivilDate {
    int64_t year = 1970;
    int month = 1;  // from 1
    int day = 1;
};

CivilDate civil_from_days(int64_t days);
/// Day and month may be out of range: they carry over.
int64_t days_from_civil(int64_t year, int64_t month, int64_t day);

constexpr int64_t kMillisPerDay = 86'400'000;
constexpr int64_t kMostMillis = 8'640'000'000'000'000;  // either side of 1970

extern const std::string_view kMonths[12];
extern const std::string_view kDays[7];  // from Monday

}  // namespace tandem::jsonata
