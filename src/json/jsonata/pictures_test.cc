// The picture functions: numbers, whole numbers and moments, to text and back.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <cmath>

#include "json/jsonata/date_picture.h"
#include "json/jsonata/datetime.h"
#include "json/jsonata/format_integer.h"
#include "json/jsonata/format_number.h"
#include "json/jsonata/picture_text.h"

namespace tandem::jsonata {

namespace {

/// The value, or the code of the failure.
std::string told(const Outcome<std::string>& outcome) {
    return outcome ? *outcome : outcome.error().code;
}

template <class T>
std::string told(const Outcome<std::optional<T>>& outcome) {
    if (!outcome) return outcome.error().code;
    return *outcome ? std::to_string(int64_t(**outcome)) : "nothing";
}

std::string number(double value, std::string_view picture, std::string_view options = "{}") {
    const auto parsed = json::parse(options);
    return told(format_number(value, picture, &*parsed));
}

TEST(FormatNumber, Pictures) {
    EXPECT_EQ(number(1234.5, "#,##0.00"), "1,234.50");
    EXPECT_EQ(number(1234567, "#,##,##0"), "12,34,567");
    EXPECT_EQ(number(1234567.891234567, "#,###.00,00,#"), "1,234,567.89,12,3");
    EXPECT_EQ(number(2.5, "0"), "2");
    EXPECT_EQ(number(3.5, "0"), "4");
    EXPECT_EQ(number(-0.001, "0.00"), "-0.00");
    EXPECT_EQ(number(0.5, "#.#"), ".5");
    EXPECT_EQ(number(0, "#.#"), ".0");
    EXPECT_EQ(number(5, "0."), "5");
    EXPECT_EQ(number(0.29, "0.0%"), "29.0%");
    EXPECT_EQ(number(0.0295, "0.0‰"), "29.5‰");
    EXPECT_EQ(number(-5, "<0>;(0)"), "(5)");
    EXPECT_EQ(number(-5, "a0b"), "-a5b");
    EXPECT_EQ(number(5, "epre0neg"), "epre5neg");
    EXPECT_EQ(number(1e22, "#,##0"), "10,000,000,000,000,000,000,000");
}

TEST(FormatNumber, Exponents) {
    EXPECT_EQ(number(1234.5678, "00.000e000"), "12.346e002");
    EXPECT_EQ(number(0.234, ".00e0"), ".23e0");
    EXPECT_EQ(number(9.99, "0.0e0"), "10.0e0");
    EXPECT_EQ(number(1e-300, "0.0e0"), "1.0e-300");
    EXPECT_EQ(number(0, "0.00e0"), "0.00e0");
    EXPECT_EQ(number(0.5, "#e0"), "0.5e0");
}

TEST(FormatNumber, Options) {
    EXPECT_EQ(number(12345.5, "#.##0,00", R"({"decimal-separator":",","grouping-separator":"."})"),
              "12.345,50");
    EXPECT_EQ(number(15.25, "٠٠.٠٠", R"({"zero-digit":"٠"})"), "١٥.٢٥");
    EXPECT_EQ(number(-1, "0", R"({"minus-sign":"−"})"), "−1");
    EXPECT_EQ(number(0.14, "0 of a thousand", R"({"per-mille":" of a thousand"})"),
              "140 of a thousand");
    EXPECT_EQ(number(-1, "0|n0", R"({"pattern-separator":"|"})"), "n1");
    EXPECT_EQ(number(1, "0", R"({"digit":5,"unknown":"x","zero-digit":""})"), "1");
    EXPECT_EQ(number(std::nan(""), "0", R"({"NaN":"none"})"), "none");
}

TEST(FormatNumber, RefusesBadPictures) {
    for (const auto& [picture, code] : std::initializer_list<std::pair<const char*, const char*>>{
             {"0;0;0", "D3080"}, {"0.0.0", "D3081"}, {"%0%", "D3082"},   {"‰0‰", "D3083"},
             {"0%‰", "D3084"},   {".", "D3085"},     {"", "D3085"},      {"0;", "D3085"},
             {"0a0", "D3086"},   {"abc", "D3086"},   {"0,.0", "D3087"},  {"0,", "D3088"},
             {"0,,0", "D3089"},  {"0#", "D3090"},    {"0.#0", "D3091"},  {"0e0%", "D3092"},
             {"0e", "D3093"},    {"0ex", "D3093"},   {"0e0e0", "D3093"}, {"\xff\xfe", "D3086"}}) {
        EXPECT_EQ(number(1, picture), code) << picture;
    }
}

TEST(Pictures, AreBounded) {
    const std::string longest(kMostPicture, '0');
    EXPECT_EQ(number(1, longest).size(), longest.size());
    EXPECT_EQ(number(1.5, longest + "0"), "D3130");
    EXPECT_EQ(number(1e-300, longest.substr(2) + "e0").substr(0, 3), "000");
    EXPECT_EQ(told(format_integer(1, longest + "0")), "D3130");
    EXPECT_EQ(told(from_millis(0, longest + "0", {})), "D3130");
    EXPECT_EQ(told(to_millis("100000000", "[Y]", 0)), "nothing");
    EXPECT_EQ(told(format_integer(INFINITY, "w")), "Infinity");
}

TEST(FormatBase, Bases) {
    EXPECT_EQ(told(format_base(255, 16)), "ff");
    EXPECT_EQ(told(format_base(-255.4, 16)), "-ff");
    EXPECT_EQ(told(format_base(-0.4, 2)), "0");
    EXPECT_EQ(told(format_base(9007199254740991, 2)), std::string(53, '1'));
    EXPECT_EQ(told(format_base(1, 1)), "D3100");
    EXPECT_EQ(told(format_base(1, 37)), "D3100");
}

TEST(FormatInteger, Pictures) {
    const auto text = [](double value, std::string_view picture) {
        return told(format_integer(value, picture));
    };
    EXPECT_EQ(text(1234567, "#,##0"), "1,234,567");
    EXPECT_EQ(text(1234567, "#.###,##0"), "1.234,567");
    EXPECT_EQ(text(12, "0,000"), "0,012");
    EXPECT_EQ(text(-12.6, "0"), "-13");
    EXPECT_EQ(text(113, "0;o"), "113th");
    EXPECT_EQ(text(22, "٠;o"), "٢٢nd");
    EXPECT_EQ(text(1e25, "0"), "10000000000000000000000000");
    EXPECT_EQ(text(1984, "i"), "mcmlxxxiv");
    EXPECT_EQ(text(0, "I"), "");
    EXPECT_EQ(text(703, "A"), "AAA");
    EXPECT_EQ(text(4021, "Ww;o"), "Four Thousand and Twenty-First");
    EXPECT_EQ(text(0, "w"), "zero");
    EXPECT_EQ(text(80, "w;o"), "eightieth");
    EXPECT_EQ(text(1, "#"), "D3130");
    EXPECT_EQ(text(1, ""), "D3130");
    EXPECT_EQ(text(1e300, "I"), "D3130");
    EXPECT_EQ(text(1, "0٠"), "D3131");
}

TEST(ParseInteger, Texts) {
    const auto value = [](std::string_view text, std::string_view picture) {
        return told(parse_integer(text, picture));
    };
    EXPECT_EQ(value("1,234,567", "#,##0"), "1234567");
    EXPECT_EQ(value("22nd", "0;o"), "22");
    EXPECT_EQ(value("١٢", "٠"), "12");
    EXPECT_EQ(value("-7", "0"), "-7");
    EXPECT_EQ(value("nineteen hundred and eighty-four", "w"), "1984");
    EXPECT_EQ(value("ONE TRILLION AND FIRST", "w;o"), "1000000000001");
    EXPECT_EQ(value("xcix", "I"), "99");
    for (const char* nothing : {"", "x", "-", "１"}) EXPECT_EQ(value(nothing, "0"), "nothing");
    for (const char* nothing : {"", "seventeam", "1", " and "}) {
        EXPECT_EQ(value(nothing, "w"), "nothing") << nothing;
    }
    EXPECT_EQ(value("1", "I"), "nothing");
    EXPECT_EQ(value("é", "a"), "nothing");
}

std::string moment(int64_t millis, std::string_view picture,
                   std::optional<std::string_view> timezone = {}) {
    return told(from_millis(millis, picture, timezone));
}

TEST(FromMillis, Components) {
    const int64_t millis = 1521801216617;  // Friday, 2018-03-23T10:33:36.617Z
    EXPECT_EQ(told(from_millis(millis, {}, {})), "2018-03-23T10:33:36.617Z");
    EXPECT_EQ(told(from_millis(millis, {}, "-0530")), "2018-03-23T05:03:36.617-05:30");
    EXPECT_EQ(moment(millis, "[FNn,3-3], [D1o] [MNn] [Yw]"),
              "Fri, 23rd March two thousand and eighteen");
    EXPECT_EQ(moment(millis, "[h].[m] [PN] [d] [X]-W[W01]-[F1] [w][x] [C][E]"),
              "10.33 AM 82 2018-W12-5 43 ISOISO");
    EXPECT_EQ(moment(millis, "[Y01]/[Y,2-2]/[Y9,999,*]/[YI]"), "18/18/2,018/MMXVIII");
    EXPECT_EQ(moment(millis, "[[[Y]]] ] ]]"), "[2018] ] ]");
    EXPECT_EQ(moment(millis, "[ D 1 ]"), "23");
    EXPECT_EQ(moment(0, "[Z] [z] [Z0] [Z0000] [Z00:00t]", "-0330"),
              "-03:30 GMT-03:30 -3:30 -0330 -03:30");
    EXPECT_EQ(moment(-62135596800001, "[Y0001]-[M01]-[D01]"), "0000-12-31");
    EXPECT_EQ(moment(-kMostMillis, "[Y]"), "-271821");
}

TEST(FromMillis, RefusesWhatIsNone) {
    for (const auto& [picture, code] :
         std::initializer_list<std::pair<const char*, const char*>>{{"[q]", "D3132"},
                                                                    {"[]", "D3132"},
                                                                    {"[\xc3\xa9]", "D3132"},
                                                                    {"[YN]", "D3133"},
                                                                    {"[Z010101]", "D3134"},
                                                                    {"[ZN]", "D3134"},
                                                                    {"[", "D3135"},
                                                                    {"[Y", "D3135"},
                                                                    {"[Yx]", "D3130"},
                                                                    {"[Y0٠]", "D3131"}}) {
        EXPECT_EQ(moment(0, picture), code) << picture;
    }
    EXPECT_EQ(moment(kMostMillis + 1, "[Y]"), "T0410");
    for (const char* none : {"", "Z", "+05:30", "+0060", "+99999", "--0100"}) {
        EXPECT_EQ(moment(0, "[Y]", none), "T0410") << none;
    }
}

TEST(ToMillis, WithoutAPicture) {
    const auto millis = [](std::string_view text) { return told(to_millis(text, {}, 0)); };
    EXPECT_EQ(millis("2018"), "1514764800000");
    EXPECT_EQ(millis("2018-02-01T09:42:13.123+0000"), "1517478133123");
    EXPECT_EQ(millis("2018-02-03T11:15:33-01:30"), "1517661933000");
    EXPECT_EQ(millis("2018-01-01T24:00:00Z"), "1514851200000");
    for (const char* none : {"", "abc", "2018-13-01", "2018-02-03T", "2018-02-03T11:15Z", "2018 ",
                             "2018-02-03T11:15:33.Z", "18-01-01", "2018-01-01T24:00:01Z"}) {
        EXPECT_EQ(millis(none), "D3110") << none;
    }
}

TEST(ToMillis, Pictures) {
    const int64_t now = 1795592703070;  // 2026-11-25T07:45:03.070Z
    const auto millis = [&](std::string_view text, std::string_view picture) {
        const auto found = to_millis(text, picture, now);
        if (!found || !*found) return told(found);
        return told(from_millis(**found, {}, {}));
    };
    EXPECT_EQ(millis("20180205", "[Y0001][M01][D01]"), "2018-02-05T00:00:00.000Z");
    EXPECT_EQ(millis("201802", "[Y,*-4][M01]"), "2018-02-01T00:00:00.000Z");
    EXPECT_EQ(millis("Twentieth of August, two thousand and one", "[DW] of [MNn], [Yw]"),
              "2001-08-20T00:00:00.000Z");
    EXPECT_EQ(millis("2 feb 2012", "[D1] [MNn,3-3] [Y0001]"), "2012-02-02T00:00:00.000Z");
    EXPECT_EQ(millis("4/4/2018 12:06 am", "[D1]/[M1]/[Y0001] [h]:[m] [P]"),
              "2018-04-04T00:06:00.000Z");
    EXPECT_EQ(millis("2020-09-09 12:00 -05:30", "[Y]-[M]-[D] [H]:[m] [Z]"),
              "2020-09-09T17:30:00.000Z");
    EXPECT_EQ(millis("2020-09-09 12 GMT-5", "[Y]-[M]-[D] [H] [z01]"), "2020-09-09T17:00:00.000Z");
    EXPECT_EQ(millis("13:45", "[H]:[m]"), "2026-11-25T13:45:00.000Z");
    EXPECT_EQ(millis("2016-366", "[Y]-[d]"), "2016-12-31T00:00:00.000Z");
    EXPECT_EQ(millis("10:00:12.5", "[H]:[m]:[s].[f]"), "2026-11-25T10:00:12.500Z");
    EXPECT_EQ(millis("2018-22", "[Y]-[D]"), "D3136");
    EXPECT_EQ(millis("2018-32", "[X]-[W]"), "D3136");
    EXPECT_EQ(millis("ISO", "[C]"), "D3133");
    EXPECT_EQ(millis("2018 x", "[Y]"), "nothing");
    EXPECT_EQ(millis("Foo 2018", "[MNn] [Y]"), "nothing");
    EXPECT_EQ(millis("999999", "[Y]"), "nothing");
    EXPECT_EQ(millis("Hello", "Hello"), "nothing");
    EXPECT_EQ(millis("+", "[Z1o]"), "nothing");
    EXPECT_EQ(millis(std::string(100'000, '1'), "[Y][M][D]"), "nothing");
}

TEST(PictureProperties, IntegersComeBack) {
    rc::check("parse_integer(format_integer(n)) == n", [] {
        const auto value = double(*rc::gen::inRange<int64_t>(0, int64_t(1) << 53));
        for (const char* picture :
             {"0", "#,##0", "0000;o", "٠", "w", "W", "Ww;o", "w;o", "a", "A"}) {
            const auto text = format_integer(value, picture);
            RC_ASSERT(text.has_value());
            const auto back = parse_integer(*text, picture);
            RC_ASSERT(back.has_value() && back->has_value());
            RC_ASSERT(**back == value);
        }
        const auto small = double(int64_t(value) % 10'000 + 1);
        RC_ASSERT(**parse_integer(*format_integer(small, "I"), "I") == small);
    });
}

TEST(PictureProperties, MomentsComeBack) {
    rc::check("to_millis(from_millis(t)) == t", [] {
        // Years 0100 to 9999: two digits are of the twentieth century.
        const auto millis = *rc::gen::inRange<int64_t>(-59'011'459'200'000, 253'402'300'800'000);
        const auto plain = from_millis(millis, {}, {});
        RC_ASSERT(**to_millis(*plain, {}, 0) == millis);
        for (const char* picture :
             {"[Y0001]-[M01]-[D01]T[H01]:[m01]:[s01].[f001][Z01:01t]",
              "[D1o] [MNn] [Yw], [h]:[m]:[s].[f001] [P] [Z]", "[Y]-[d] [H]h[m]m[s]s[f001] [z]",
              "[DI]/[Ma]/[YI] [H] [m] [s] [f001] [Z0001]"}) {
            const auto text = from_millis(millis, picture, "+0545");
            RC_ASSERT(text.has_value());
            const auto back = to_millis(*text, picture, 0);
            RC_ASSERT(back.has_value() && back->has_value());
            RC_ASSERT(**back == millis);
        }
    });
}

TEST(PictureProperties, DaysComeBack) {
    rc::check("days_from_civil(civil_from_days(d)) == d", [] {
        const auto days = *rc::gen::inRange<int64_t>(-100'000'000, 100'000'001);
        const CivilDate date = civil_from_days(days);
        RC_ASSERT(days_from_civil(date.year, date.month, date.day) == days);
        RC_ASSERT(days_from_civil(date.year, date.month + 12, date.day) ==
                  days_from_civil(date.year + 1, date.month, date.day));
    });
}

TEST(PictureProperties, AnyPictureIsAnswered) {
    rc::check("any text as a picture", [] {
        const auto pick = rc::gen::elementOf(std::string("[]YMDdFWwXxHhPmsfZzCE#0,.;e%-*1nNIoat "));
        const auto picture = *rc::gen::container<std::string>(pick);
        const auto text = *rc::gen::container<std::string>(pick);
        const auto value = *rc::gen::arbitrary<double>();
        (void)format_number(std::isfinite(value) ? value : 1, picture, nullptr);
        (void)format_integer(std::isfinite(value) ? value : 1, picture);
        (void)parse_integer(text, picture);
        (void)from_millis(int64_t(std::fmod(value, 1e15)), picture, {});
        (void)to_millis(text, picture, 0);
    });
}

}  // namespace

}  // namespace tandem::jsonata
