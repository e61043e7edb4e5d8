#include "lang/asl/intrinsics/intrinsic.h"

#include <gtest/gtest.h>

#include "base/limits.h"

namespace tandem::asl {
namespace {

using json::Value;

Result<Value> run(std::string_view text, std::string_view input = "{}", uint64_t seed = 1) {
    const auto intrinsic = Intrinsic::compile(text);
    if (!intrinsic) return fail(ErrorCode::kInternal, "compile: " + intrinsic.error().message);
    const Value data = *json::parse(input);
    const Value context =
        *json::parse(R"({"Execution":{"Name":"run"},"StateMachine":{"Id":"arn","Name":"m"}})");
    SplitMix64 rng(seed);
    const auto resolve = [&](const IntrinsicPath& path) -> Result<Value> {
        switch (path.root) {
            case IntrinsicPath::Root::kData: return path.path.evaluate(data);
            case IntrinsicPath::Root::kContext: return path.path.evaluate(context);
            case IntrinsicPath::Root::kVariable:
                return path.path.evaluate(Value::object({{"name", path.variable}}));
        }
        return fail(ErrorCode::kInternal, "no such root");
    };
    json::Budget budget;
    return intrinsic->evaluate(resolve, rng, budget);
}

struct Case {
    const char* text;
    const char* input;
    const char* result;
};

void expect_all(std::initializer_list<Case> cases) {
    for (const Case& c : cases) {
        const auto value = run(c.text, c.input);
        EXPECT_EQ(value ? json::print(*value) : value.error().message, c.result) << c.text;
    }
}

TEST(Intrinsic, Arrays) {
    expect_all(
        {{"States.Array()", "{}", "[]"},
         {"States.Array( 1 , 'two',true, null, 1.50, $.a )", R"({"a":[3]})",
          R"([1,"two",true,null,1.5,[3]])"},
         {"States.ArrayPartition($.a, 2)", R"({"a":[0,1,2]})", "[[0,1],[2]]"},
         {"States.ArrayPartition($.a, 1.6)", R"({"a":[0,1,2]})", "[[0,1],[2]]"},
         {"States.ArrayPartition($.a, 9223372036854775807)", R"({"a":[0,1]})", "[[0,1]]"},
         {"States.ArrayPartition($.a, 5)", R"({"a":[]})", "[]"},
         {"States.ArrayContains($.a, $.b)", R"({"a":[[1,2],2],"b":[1,2]})", "true"},
         {"States.ArrayContains($.a, $.b)", R"({"a":[{"1":2}],"b":[]})", "false"},
         {"States.ArrayContains($.a, null)", R"({"a":[]})", "false"},
         {"States.ArrayRange(0, 10, 3)", "{}", "[0,3,6,9]"},
         {"States.ArrayRange(1, 9, 9)", "{}", "[1]"},
         {"States.ArrayRange(3, 1, -1)", "{}", "[3,2,1]"},
         {"States.ArrayRange(3, 1, 1)", "{}", "[]"},
         {"States.ArrayRange(9223372036854775806, 9223372036854775807, 1)", "{}",
          "[9223372036854775806,9223372036854775807]"},
         {"States.ArrayGetItem($.a, 1)", R"({"a":[0,1,2]})", "1"},
         {"States.ArrayLength($.a)", R"({"a":[null,1]})", "2"},
         {"States.ArrayUnique($.a)",
          R"({"a":[1,1.0,"1",true,null,null,[1],[1.0],{"a":1,"b":2},{"b":2,"a":1},0,false]})",
          R"([1,"1",true,null,[1],{"a":1,"b":2},0,false])"}});
}

TEST(Intrinsic, Texts) {
    expect_all(
        {{"States.Base64Encode($.s)", R"({"s":"Data to encode"})", "\"RGF0YSB0byBlbmNvZGU=\""},
         {"States.Base64Encode('')", "{}", "\"\""},
         {"States.Base64Decode('RGF0YSB0byBlbmNvZGU=')", "{}", "\"Data to encode\""},
         {"States.Hash('input data', 'MD5')", "{}", "\"812f45842bc6d66ee14572ce20db8e86\""},
         {"States.Hash('input data', 'SHA-1')", "{}",
          "\"aaff4a450a104cd177d28d18d74485e8cae074b7\""},
         {"States.StringSplit('This.is+a,test=string', '.+,=')", "{}",
          R"(["This","is","a","test","string"])"},
         {"States.StringSplit(', , ,', ',')", "{}", R"([" "," "])"},
         {"States.StringSplit(',,,', ',')", "{}", "[]"},
         {"States.StringSplit('a,b', '')", "{}", R"(["a,b"])"},
         {"States.StringSplit('aéb→c', 'é→')", "{}", R"(["a","b","c"])"},
         {"States.StringSplit('aéb', $.d)", R"({"d":"è"})", R"(["aéb"])"},
         {"States.Format('no args')", "{}", "\"no args\""},
         {"States.Format('a={} b={}.', $.a, $.b)",
          R"({"a":{"x":1,"y":[],"z":["s",null]},"b":1.10})",
          "\"a={x=1, y=[], z=[s, null]} b=1.1.\""},
         {"States.Format('{}', $$.StateMachine)", "{}", "\"{Id=arn, Name=m}\""},
         {"States.Format('{} {}', $variable.name, $$.Execution.Name)", "{}", "\"variable run\""},
         {"States.Format('it\\'s \\{{}\\} \\\\ {', true)", "{}", R"("it's {true} \\ {")"},
         {"States.Format($.t, 1)", R"({"t":"<{}>"})", "\"<1>\""},
         {"States.Array('\\{\\}\\'\\\\')", "{}", R"(["{}'\\"])"}});
}

TEST(Intrinsic, JsonAndMath) {
    expect_all(
        {{"States.JsonMerge($.a, $.b, false)",
          R"({"a":{"x":1,"y":{"p":1}},"b":{"y":{"q":2},"z":3}})", R"({"x":1,"y":{"q":2},"z":3})"},
         {R"(States.JsonMerge(States.StringToJson('{"k": "false"}'), $.i, false))",
          R"({"i":{"c":"v"}})", R"({"k":"false","c":"v"})"},
         {"States.StringToJson($.s)", R"({"s":"[1, 2.0]"})", "[1,2.0]"},
         {"States.JsonToString($.s)", R"({"s":{"a": [1, "b"]}})", R"("{\"a\":[1,\"b\"]}")"},
         {"States.MathAdd(111, -1)", "{}", "110"},
         {"States.MathAdd(1.5, -1.5)", "{}", "1"},
         {"States.MathAdd(States.MathAdd(1, 2), States.ArrayLength(States.Array(1,1)))", "{}",
          "5"}});
}

TEST(Intrinsic, FailuresNameTheFunction) {
    const Case cases[] = {
        {"States.ArrayGetItem($.a, 2)", R"({"a":[1]})", "The index is outside the array"},
        {"States.ArrayGetItem($.a, -1)", R"({"a":[1]})", "The index is outside the array"},
        {"States.ArrayPartition($.a, 0)", R"({"a":[1]})",
         "The chunk size must be a positive integer"},
        {"States.ArrayPartition(1, 1)", "{}", "The first argument must be an array"},
        {"States.ArrayLength('x')", "{}", "The first argument must be an array"},
        {"States.ArrayRange(0, 1000, 1)", "{}", "The range must have at most 1000 elements"},
        {"States.ArrayRange(0, 10, 0)", "{}", "The step must not be zero"},
        {"States.ArrayRange('a', 10, 0)", "{}", "The first value must be an integer"},
        {"States.Base64Encode(1)", "{}", "The argument must be a string"},
        {"States.Base64Decode('****')", "{}", "The argument is not a base64 encoded string"},
        {"States.Hash('a', 'MD4')", "{}",
         "The algorithm must be one of MD5, SHA-1, SHA-256, SHA-384, SHA-512"},
        {"States.JsonMerge($, $, true)", "{}",
         "Deep merging is not supported: the third argument must be false"},
        {"States.JsonMerge($, 1, false)", "{}", "The arguments to merge must be objects"},
        {"States.MathAdd(9223372036854775807, 1)", "{}", "The sum is out of range"},
        {"States.MathAdd('1', 1)", "{}", "The first argument must be an integer"},
        {"States.MathAdd(1e300, 1)", "{}", "The first argument must be an integer"},
        {"States.MathRandom(5, 5)", "{}", "The start must be less than the end"},
        {"States.StringSplit(1, ',')", "{}", "The string to split must be a string"},
        {"States.Format('{} {}', 1)", "{}", "The template has 2 occurrences of {} for 1 arguments"},
        {"States.Format('', 1)", "{}", "The template has 0 occurrences of {} for 1 arguments"},
        {"States.Format(1)", "{}", "The template must be a string"}};
    for (const Case& c : cases) {
        const auto value = run(c.text, c.input);
        ASSERT_FALSE(value.has_value()) << c.text;
        EXPECT_EQ(value.error().code, ErrorCode::kInvalidArgument);
        EXPECT_EQ(value.error().message, "The function '" + std::string(c.text) +
                                             "' had the following error: " + c.result);
    }
    const auto bad_json = run("States.StringToJson('{')");
    ASSERT_FALSE(bad_json.has_value());
    EXPECT_NE(bad_json.error().message.find("not valid JSON"), std::string::npos);
}

TEST(Intrinsic, FailuresOfPathsAndOfInnerFunctions) {
    const auto missing = run("States.Array(States.Format('{}', $.no))");
    ASSERT_FALSE(missing.has_value());
    EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
    EXPECT_EQ(missing.error().message,
              "The function 'States.Format('{}', $.no)' had the following error: No results for "
              "path: $['no']");
    const auto inner = run("States.Array(States.MathAdd('a', 1))");
    ASSERT_FALSE(inner.has_value());
    EXPECT_EQ(inner.error().message,
              "The function 'States.MathAdd('a', 1)' had the following error: The first argument "
              "must be an integer");
}

TEST(Intrinsic, RandomnessComesFromTheStream) {
    EXPECT_EQ(json::print(*run("States.UUID()", "{}", 7)),
              json::print(*run("States.UUID()", "{}", 7)));
    EXPECT_NE(json::print(*run("States.UUID()", "{}", 7)),
              json::print(*run("States.UUID()", "{}", 8)));
    EXPECT_EQ(run("States.UUID()")->as_string().size(), 36u);
    for (uint64_t seed = 0; seed < 200; ++seed) {
        const int64_t n = run("States.MathRandom(-3, 12.5)", "{}", seed)->as_int();
        EXPECT_GE(n, -3);
        EXPECT_LT(n, 13);
    }
    EXPECT_EQ(run("States.MathRandom(0, 999, 3)", "{}", 1)->as_int(),
              run("States.MathRandom(0, 999, 3)", "{}", 2)->as_int());
}

TEST(Intrinsic, RefusesWhatIsNoIntrinsic) {
    for (const char* text : {"",
                             "States",
                             "States.Nope()",
                             "States.Array",
                             "States.Array(",
                             "States.Array(1",
                             "States.Array(1,)",
                             "States.Array(,)",
                             "States.Array(1) x",
                             "States.Array('a)",
                             "States.Array(\"a\")",
                             "States.Array([1])",
                             "States.Array(a)",
                             "States.Array($.a.)",
                             "States.Array($..)",
                             "States.ArrayLength()",
                             "States.ArrayLength(1, 2)",
                             "States.UUID(1)",
                             "States.MathRandom(1)",
                             "States.MathRandom(1,2,3,4)",
                             "States.Format()",
                             R"(States.StringToJson('{\"a\":1}'))",
                             "States.Array('\\",
                             "States.Array('\\n')",
                             "States.Array(States.Array)",
                             "states.array()",
                             "$.a"}) {
        EXPECT_FALSE(Intrinsic::compile(text).has_value()) << text;
    }
}

TEST(Intrinsic, LimitsNesting) {
    const auto nested = [](size_t levels) {
        std::string text = "1";
        for (size_t i = 0; i < levels; ++i) text = "States.Array(" + text + ")";
        return text;
    };
    EXPECT_TRUE(Intrinsic::compile(nested(kIntrinsicNesting)).has_value());
    EXPECT_FALSE(Intrinsic::compile(nested(kIntrinsicNesting + 1)).has_value());
    EXPECT_FALSE(Intrinsic::compile(nested(10'000)).has_value());
}

TEST(Intrinsic, PathsMayHoldCommasAndParentheses) {
    expect_all({{"States.Array($['a,b)'], $.c[?(@.x == 'p,q)' && (@.y))].x , 2)",
                 R"#({"a,b)":1,"c":[{"x":"p,q)","y":1}]})#", R"#([1,["p,q)"],2])#"}});
    std::vector<std::string> seen;
    Intrinsic::compile("States.Array($.a, States.Format('{}', $$.B.c), $v['x'])")
        ->for_each_path([&](const IntrinsicPath& p) {
            seen.push_back(p.text + "|" + p.variable + "|" + p.path.text());
        });
    EXPECT_EQ(seen, (std::vector<std::string>{"$.a||$.a", "$$.B.c||$.B.c", "$v['x']|v|$['x']"}));
}

}  // namespace
}  // namespace tandem::asl
