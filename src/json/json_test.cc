#include <gtest/gtest.h>

#include "json/budget.h"
#include "json/value.h"

namespace tandem::json {
namespace {

std::string round_trip(std::string_view text) {
    const auto value = parse(text);
    return value ? print(*value) : "error: " + value.error().message;
}

TEST(Json, PrintsWhatItParsed) {
    for (const char* text :
         {"null", "true", "[]", "{}", "[1,-2,0]", R"({"b":1,"a":[{"c":null}]})", "0.0", "1.5",
          R"("\"\\\b\f\n\r\t\u0001é")", "9223372036854775807", "-9223372036854775808"}) {
        EXPECT_EQ(round_trip(text), text);
    }
    EXPECT_EQ(round_trip(" { \"a\" : [ 1 , 2 ] } "), R"({"a":[1,2]})");
    EXPECT_EQ(round_trip(R"({"a":1,"b":2,"a":3})"), R"({"a":3,"b":2})");
    EXPECT_EQ(round_trip(R"("\u0041\ud83d\ude00\/")"), "\"A\xf0\x9f\x98\x80/\"");
}

TEST(Json, DoublesPrintAsJavaDoes) {
    const std::pair<const char*, const char*> cases[] = {
        {"1e0", "1.0"},
        {"1E10", "1.0E10"},
        {"0.00015", "1.5E-4"},
        {"1234567.5", "1234567.5"},
        {"12345678.5", "1.23456785E7"},
        {"0.1", "0.1"},
        {"0.001", "0.001"},
        {"-0.0", "-0.0"},
        {"1e-400", "0.0"},
        {"100.0", "100.0"},
        {"9223372036854775808", "9.223372036854776E18"}};
    for (const auto& [in, out] : cases) EXPECT_EQ(round_trip(in), out) << in;
}

TEST(Json, RefusesWhatIsNotJson) {
    for (const char* text : {"",
                             " ",
                             "nul",
                             "01",
                             "-",
                             "1.",
                             "1e",
                             "+1",
                             ".5",
                             "[1,]",
                             "{\"a\":}",
                             "{a:1}",
                             "{\"a\" 1}",
                             "[1 2]",
                             "\"a",
                             "\"\\x\"",
                             "\"\n\"",
                             "1 2",
                             "\"\\ud800\"",
                             "\"\\udc00\"",
                             "\"\\ud800\\u0041\"",
                             "1e400",
                             "\"\xff\"",
                             "NaN",
                             "'a'",
                             "[",
                             "{",
                             "{\"a\":1",
                             "\"\\u12g4\""}) {
        EXPECT_FALSE(parse(text).has_value()) << text;
    }
}

TEST(Json, LimitsDepth) {
    const std::string hundred = std::string(100, '[') + std::string(100, ']');
    EXPECT_TRUE(parse(hundred).has_value());
    const std::string deep = std::string(100'000, '[');
    EXPECT_FALSE(parse(deep).has_value());
    EXPECT_FALSE(parse(hundred, {.max_depth = 50}).has_value());
}

TEST(Json, DepthIsExact) {
    const auto nested = [](size_t levels) {
        return std::string(levels, '[') + std::string(levels, ']');
    };
    EXPECT_TRUE(parse(nested(3), {.max_depth = 3}).has_value());
    EXPECT_FALSE(parse(nested(4), {.max_depth = 3}).has_value());
    EXPECT_TRUE(parse("[[[1]]]", {.max_depth = 3}).has_value());
    EXPECT_TRUE(parse("1", {.max_depth = 0}).has_value());
    EXPECT_FALSE(parse("[]", {.max_depth = 0}).has_value());
    std::string objects;
    for (int i = 0; i < 100'000; ++i) objects += "{\"a\":";
    EXPECT_FALSE(parse(objects).has_value());
}

TEST(Json, Numbers) {
    const std::pair<const char*, const char*> cases[] = {
        {"-0", "0"},
        {"-0.0", "-0.0"},
        {"0e5", "0.0"},
        {"1E5", "100000.0"},
        {"9999999.0", "9999999.0"},
        {"10000000.0", "1.0E7"},
        {"0.00099", "9.9E-4"},
        {"4.9E-324", "5.0E-324"},
        {"1.7976931348623157E308", "1.7976931348623157E308"},
        {"-9223372036854775809", "-9.223372036854776E18"},
        {"123456789012345678901234567890", "1.2345678901234568E29"},
        {"0.30000000000000004", "0.30000000000000004"},
        {"2.0E-3", "0.002"},
        {"123456.789e3", "1.23456789E8"}};
    for (const auto& [in, out] : cases) EXPECT_EQ(round_trip(in), out) << in;
    EXPECT_TRUE(parse("1.0")->is_double());
    EXPECT_TRUE(parse("1")->is_int());
    // Beyond a double's range there is no value to print again: an error, not infinity.
    for (const char* text : {"1E400", "-1E400", "1e99999999999999999999"})
        EXPECT_FALSE(parse(text).has_value()) << text;
    EXPECT_FALSE(parse(std::string(400, '9')).has_value());
    EXPECT_EQ(round_trip("1e-99999999999999999999"), "0.0");
}

TEST(Json, Utf8) {
    for (const char* text : {"\"\xc3\xa9\"", "\"\xe2\x82\xac\"", "\"\xf0\x9f\x98\x80\"",
                             "\"\xf4\x8f\xbf\xbf\"", "\"\x7f\""}) {
        EXPECT_EQ(round_trip(text), text);
    }
    // Truncated, overlong, surrogate, beyond U+10FFFF, stray continuation; in text and in names.
    for (const char* bytes : {"\xc3", "\xe2\x82", "\xf0\x9f\x98", "\xc0\x80", "\xe0\x80\xaf",
                              "\xed\xa0\x80", "\xf4\x90\x80\x80", "\x80", "\xfe"}) {
        EXPECT_FALSE(parse("\"" + std::string(bytes) + "\"").has_value());
        EXPECT_FALSE(parse("{\"" + std::string(bytes) + "\":1}").has_value());
    }
    EXPECT_EQ(parse("\"a\\u0000b\"")->as_string(), std::string("a\0b", 3));
    EXPECT_EQ(round_trip("\"a\\u0000b\""), "\"a\\u0000b\"");
}

TEST(Json, SaysWhereItIsWrong) {
    SyntaxError where;
    EXPECT_FALSE(parse("{\n  \"a\": x}", {}, &where).has_value());
    EXPECT_EQ(where.line, 2u);
    EXPECT_EQ(where.column, 8u);
    EXPECT_EQ(where.offset, 9u);
    EXPECT_FALSE(parse("[1,\n2,\n]", {}, &where).has_value());
    EXPECT_EQ(where.line, 3u);
    EXPECT_EQ(where.column, 1u);
    const auto error = parse("{");
    ASSERT_FALSE(error.has_value());
    EXPECT_EQ(error.error().code, ErrorCode::kInvalidArgument);
    EXPECT_NE(error.error().message.find("at line 1, column 2"), std::string::npos)
        << error.error().message;
}

TEST(Json, CopiesAreIndependent) {
    Value a = *parse(R"({"x":[1]})");
    Value b = a;
    b.set("x", 2);
    EXPECT_EQ(print(a), R"({"x":[1]})");
    EXPECT_EQ(print(b), R"({"x":2})");
}

TEST(Json, EqualityIsOfData) {
    EXPECT_EQ(*parse(R"({"a":1,"b":[2.0]})"), *parse(R"({"b":[2],"a":1.0})"));
    EXPECT_NE(*parse("[1]"), *parse("[1,2]"));
    EXPECT_NE(*parse("0"), *parse("false"));
}

TEST(Json, LargeObjectsFindEveryMember) {
    Object o;
    for (int i = 0; i < 1000; ++i) o.set("k" + std::to_string(i), i);
    o.erase("k500");
    o.set("k7", "seven");
    EXPECT_EQ(o.size(), 999u);
    EXPECT_EQ(o.find("k500"), nullptr);
    EXPECT_EQ(o.find("k7")->as_string(), "seven");
    EXPECT_EQ(o.find("k999")->as_int(), 999);
}

TEST(Json, ChecksWithoutBuilding) {
    for (const char* text :
         {R"({"a":[1,2.5,"x",true,null,{}]})", "[]", R"("\ud83d\ude00")", "1e3"}) {
        EXPECT_TRUE(check(text).has_value()) << text;
    }
    for (const char* text :
         {"", "{", "[1,]", R"({"a" 1})", "1e999", R"("\ud800")", "\"\xff\"", "[] []", "01"}) {
        ASSERT_FALSE(check(text).has_value()) << text;
        EXPECT_EQ(check(text).error().message, parse(text).error().message);
    }
    EXPECT_FALSE(check(std::string(201, '[') + std::string(201, ']')).has_value());
    EXPECT_FALSE(check(std::string(1'000'000, '[')).has_value());
}

TEST(Json, BoundsTheNumberOfValues) {
    EXPECT_TRUE(parse("[1,{\"a\":2}]", {.max_values = 4}).has_value());
    const auto more = parse("[1,{\"a\":2}]", {.max_values = 3});
    ASSERT_FALSE(more.has_value());
    EXPECT_EQ(more.error().message, "more than 3 values at line 1, column 9");
}

TEST(Json, PrintsNoMoreThanAskedFor) {
    Value v = Value(std::string(1'000, 'x'));
    for (int i = 0; i < 60; ++i) v = Value(Array{v, v});  // 2^60 texts, a few kilobytes in memory
    EXPECT_FALSE(print_within(v, 100'000).has_value());
    EXPECT_EQ(print_clipped(v, 70), std::string(60, '[') + "\"" + std::string(9, 'x'));
    EXPECT_EQ(print_within(*parse("[1,2]"), 5), "[1,2]");
    EXPECT_EQ(print_within(*parse("[1,2]"), 4), std::nullopt);
    EXPECT_EQ(print_clipped(Value("\xc3\xa9\xc3\xa9"), 4), "\"\xc3\xa9");
    Budget budget;
    EXPECT_FALSE(spend_on(v, budget));
    EXPECT_TRUE(budget.is_spent());
}

TEST(Json, PrettyPrints) {
    EXPECT_EQ(print_pretty(*parse(R"({"a":[1,{}],"b":[]})")),
              "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": []\n}");
}

}  // namespace
}  // namespace tandem::json
