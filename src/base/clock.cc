#include "base/clock.h"

#include <algorithm>

namespace tandem {

namespace {

class SystemClock final : public Clock {
public:
    Timestamp now() const override {
        return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
    }
};

bool read_digits(std::string_view text, size_t pos, size_t count, int& out) {
    if (pos + count > text.size()) return false;
    out = 0;
    for (size_t i = pos; i < pos + count; ++i) {
        if (text[i] < '0' || text[i] > '9') return false;
        out = out * 10 + (text[i] - '0');
    }
    return true;
}

}  // namespace

const Clock& system_clock() {
    static const SystemClock clock;
    return clock;
}

std::string format_iso8601(Timestamp t) {
    using namespace std::chrono;
    const auto day = floor<days>(t);
    const year_month_day date{day};
    const int64_t ms = duration_cast<milliseconds>(t - day).count();
    std::string out = "0000-00-00T00:00:00.000Z";
    const auto put = [&out](size_t last, int64_t value) {
        for (; value > 0; value /= 10) out[last--] = char('0' + value % 10);
    };
    put(3, std::clamp(int(date.year()), 0, 9999));
    put(6, unsigned(date.month()));
    put(9, unsigned(date.day()));
    put(12, ms / 3'600'000);
    put(15, ms / 60'000 % 60);
    put(18, ms / 1'000 % 60);
    put(22, ms % 1'000);
    return out;
}

std::string format_http_date(Timestamp t) {
    static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                              "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const auto day = std::chrono::floor<std::chrono::days>(t);
    const std::chrono::year_month_day date(day);
    std::string text = std::string(kDays[std::chrono::weekday(day).c_encoding()]) + ", ";
    const unsigned number = unsigned(date.day());
    text += (number < 10 ? "0" : "") + std::to_string(number) + " " +
            kMonths[unsigned(date.month()) - 1];
    return text + " " + std::to_string(int(date.year())) + " " + format_iso8601(t).substr(11, 8) +
           " GMT";
}

Result<Timestamp> parse_rfc3339(std::string_view s) {
    const auto bad = [&] {
        return fail(ErrorCode::kInvalidArgument, "not an RFC 3339 timestamp: " + std::string(s));
    };
    int y = 0, mo = 0, d = 0, h = 0, mi = 0, sec = 0;
    if (s.size() < 20 || !read_digits(s, 0, 4, y) || s[4] != '-' || !read_digits(s, 5, 2, mo) ||
        s[7] != '-' || !read_digits(s, 8, 2, d) || s[10] != 'T' || !read_digits(s, 11, 2, h) ||
        s[13] != ':' || !read_digits(s, 14, 2, mi) || s[16] != ':' || !read_digits(s, 17, 2, sec)) {
        return bad();
    }
    size_t pos = 19;
    int64_t micros = 0;
    if (s[pos] == '.') {
        ++pos;
        int64_t scale = 100000;
        const size_t first = pos;
        for (; pos < s.size() && s[pos] >= '0' && s[pos] <= '9'; ++pos) {
            micros += scale * (s[pos] - '0');
            scale /= 10;
        }
        if (pos == first) return bad();
    }
    int offset_min = 0;
    if (pos >= s.size()) return bad();
    if (s[pos] == 'Z') {
        ++pos;
    } else if (s[pos] == '+' || s[pos] == '-') {
        int oh = 0, om = 0;
        if (!read_digits(s, pos + 1, 2, oh) || pos + 6 > s.size() || s[pos + 3] != ':' ||
            !read_digits(s, pos + 4, 2, om) || oh > 23 || om > 59) {
            return bad();
        }
        offset_min = (oh * 60 + om) * (s[pos] == '-' ? -1 : 1);
        pos += 6;
    } else {
        return bad();
    }
    using namespace std::chrono;
    const year_month_day date{year(y), month(unsigned(mo)), day(unsigned(d))};
    if (pos != s.size() || !date.ok() || h > 23 || mi > 59 || sec > 60) return bad();
    const auto t = sys_days(date) + hours(h) + minutes(mi - offset_min) + seconds(sec);
    return Timestamp(duration_cast<Duration>(t.time_since_epoch()) + Duration(micros));
}

}  // namespace tandem
