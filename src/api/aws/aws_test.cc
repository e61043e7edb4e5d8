#include <gtest/gtest.h>

#include <atomic>

#include "api/aws/arn.h"
#include "api/aws/door.h"
#include "api/aws/fields.h"
#include "api/aws/json_errors.h"
#include "api/aws/page_token.h"
#include "api/aws/work_queue.h"

namespace tandem::aws {
namespace {

TEST(Arn, ParsesAndMakes) {
    const auto arn = parse_arn("arn:aws:states:us-east-1:123456789012:execution:m:e");
    ASSERT_TRUE(arn);
    EXPECT_EQ(arn->service, "states");
    EXPECT_EQ(arn->resource, "execution:m:e");
    for (const char* bad :
         {"", "arn:", "arn:aws:states:us-east-1:1", "urn:aws:states:r:a:x", "arn:aws:states:r:a:"})
        EXPECT_FALSE(parse_arn(bad)) << bad;
    EXPECT_EQ(function_arn({}, "f", "1"), "arn:aws:lambda:us-east-1:123456789012:function:f:1");
    EXPECT_TRUE(is_role_arn("arn:aws:iam::123456789012:role/x"));
    EXPECT_FALSE(is_role_arn("arn:aws:iam::1234:role/x"));
    EXPECT_FALSE(is_role_arn("arn:aws:iam::123456789012:user/x"));
}

TEST(Fields, NamesEveryViolation) {
    const auto v = *json::parse(R"({"a":"xyz","n":11,"e":"Q"})");
    Fields f(v);
    f.string("a", {.max = 2});
    f.string("b", {.required = true});
    f.integer("n", {.min = 0, .max = 10});
    f.string("e", {.values = {"X", "Y"}});
    ASSERT_TRUE(f.error());
    EXPECT_EQ(f.error()->message,
              "4 validation errors detected: Value 'xyz' at 'a' failed to satisfy constraint: "
              "Member must have length less than or equal to 2; "
              "Value null at 'b' failed to satisfy constraint: Member must not be null; "
              "Value '11' at 'n' failed to satisfy constraint: Member must have value less than or "
              "equal to 10; "
              "Value 'Q' at 'e' failed to satisfy constraint: Member must satisfy enum value set: "
              "[X, Y]");
}

TEST(Fields, TypesComeFirstAndLengthsAreCharacters) {
    const auto v = *json::parse(R"({"a":1,"b":"äöü","c":true,"o":[]})");
    {
        Fields f(v);
        EXPECT_EQ(f.string("b", {.max = 3}), "äöü");
        EXPECT_EQ(f.boolean("c"), true);
        EXPECT_FALSE(f.error());
    }
    Fields f(v);
    f.string("missing", {.required = true});
    f.string("a");
    EXPECT_EQ(f.error()->code, "SerializationException");
    EXPECT_EQ(f.error()->message, "NUMBER_VALUE can not be converted to String");
    Fields g(v);
    g.object("o");
    EXPECT_EQ(g.error()->code, "SerializationException");
}

TEST(Fields, ShowsOnlyTheBeginningOfALongValue) {
    const json::Value v = json::Value::object({{"a", std::string(2'000'000, 'x') + "\xc3\xa9"}});
    Fields f(v);
    f.string("a", {.max = 80});
    ASSERT_TRUE(f.error());
    EXPECT_EQ(f.error()->message, "1 validation error detected: Value '" + std::string(1024, 'x') +
                                      "...' at 'a' failed to satisfy constraint: Member must have "
                                      "length less than or equal to 80");
    EXPECT_EQ(shown(std::string(1023, 'x') + "é"), std::string(1023, 'x') + "...");
}

TEST(Body, IsSmallAsAValueToo) {
    EXPECT_TRUE(decode_body(R"({"a":")" + std::string(5'000'000, 'x') + "\"}", {}).has_value());
    std::string list = "{\"a\":[0";
    for (int i = 0; i < 20'000; ++i) list += ",0";
    const auto many = decode_body(list + "]}", {});
    ASSERT_FALSE(many.has_value());
    EXPECT_EQ(many.error().code, "SerializationException");
    EXPECT_TRUE(many.error().message.starts_with(
        "The request body is not valid JSON: more than 10000 values at line 1"));
}

TEST(PageToken, BelongsToItsListing) {
    const std::string token = encode_page_token("A", "cursor");
    EXPECT_EQ(decode_page_token("A", token), "cursor");
    EXPECT_FALSE(decode_page_token("B", token));
    EXPECT_FALSE(decode_page_token("A", token.substr(1)));
    EXPECT_FALSE(decode_page_token("A", "!!"));
    EXPECT_EQ(decode_page_token("A", encode_page_token("A", "")), "");
}

TEST(JsonErrors, FindsTheFirstError) {
    EXPECT_EQ(describe_json_error("{\"a\": [1, 2.5e3, {}, [], null, \"x\\\"y\"]}"), "");
    EXPECT_EQ(describe_json_error("{\"a\" 1}"),
              "Unexpected character ('1' (code 49)): was expecting a colon to separate field name "
              "and value");
    EXPECT_EQ(
        describe_json_error("[1 2]"),
        "Unexpected character ('2' (code 50)): was expecting comma to separate Array entries");
    EXPECT_EQ(
        describe_json_error("{\"a\":1,}"),
        "Unexpected character ('}' (code 125)): was expecting double-quote to start field name");
    EXPECT_EQ(describe_json_error("[tru]").substr(0, 24), "Unrecognized token 'tru'");
    EXPECT_EQ(describe_json_error("\"abc"),
              "Unexpected end-of-input: was expecting closing quote for a string value");
    EXPECT_EQ(describe_json_error("[1"),
              "Unexpected end-of-input: expected close marker for Array");
    EXPECT_EQ(describe_json_error(""), "Unexpected end-of-input");
    EXPECT_NE(describe_json_error("\"a\\"), "");
    EXPECT_EQ(
        locate_json_error("{\n a}"),
        "Unexpected character ('a' (code 97)): was expecting double-quote to start field name at "
        "[Source: (String)\"{\n a}\"; line: 2, column: 3]");
    EXPECT_TRUE(locate_json_error("not json")
                    .ends_with("at [Source: (String)\"not json\"; line: 1, column: 4]"));
    EXPECT_EQ(locate_json_error("{}"), "");
    EXPECT_NE(describe_json_error(std::string(1'000'000, '[')), "");  // depth costs no stack
    // Whole characters, whatever stands there: an error's text is itself sent as JSON.
    EXPECT_TRUE(describe_json_error("[é]").starts_with("Unexpected character ('é' (code 233)): "));
    EXPECT_TRUE(
        describe_json_error("{€").starts_with("Unexpected character ('€' (code 8364 / 0x20ac)): "));
    EXPECT_TRUE(describe_json_error("[\xff]").starts_with(
        "Unexpected character (invalid UTF-8 start byte 0xff): "));
    EXPECT_TRUE(describe_json_error(std::string("\0", 1))
                    .starts_with("Unexpected character ((CTRL-CHAR, code 0)): "));
    const std::string token(5'000, 'x');
    EXPECT_TRUE(describe_json_error(token).starts_with("Unrecognized token '" +
                                                       token.substr(0, 256) + "...': was"));
}

TEST(Door, FailureShapes) {
    const net::HttpResponse rest = rest_failure({404, "ResourceNotFoundException", "gone", {}, 0});
    EXPECT_EQ(rest.body.view(), R"({"Type":"User","Message":"gone"})");
    EXPECT_EQ(rest.headers.get_or("x-amzn-ErrorType", ""), "ResourceNotFoundException");
    EXPECT_EQ(rest_failure({400, "ValidationException", "bad", {}, 0}).body.view(),
              R"({"message":"bad"})");
    EXPECT_EQ(json10_failure({400, "InvalidArn", "m", {}, 0}).body.view(),
              R"({"__type":"InvalidArn","message":"m"})");
    ApiError busy{429, "TooManyRequestsException", "Rate Exceeded.",
                  json::Value::object({{"Reason", "R"}}), 1};
    EXPECT_EQ(rest_failure(busy).headers.get_or("Retry-After", ""), "1");
    EXPECT_EQ(generic_error({ErrorCode::kIo, "/var/secret: no space"}).message,
              "The server could not process the request.");
}

TEST(WorkQueue, RunsWhatWasPostedAndIsBounded) {
    std::atomic<int> ran = 0;
    std::mutex gate;
    gate.lock();
    WorkQueue queue(1, 2);
    std::atomic<bool> begun = false;
    ASSERT_TRUE(queue.post([&] {
        begun = true;
        const std::lock_guard wait(gate);
        ++ran;
    }));
    while (!begun) std::this_thread::yield();
    EXPECT_TRUE(queue.post([&] { ++ran; }));
    EXPECT_TRUE(queue.post([&] { ++ran; }));
    EXPECT_FALSE(queue.post([&] { ++ran; }));
    gate.unlock();
    queue.close();
    EXPECT_EQ(ran, 3);
    EXPECT_FALSE(queue.post([] {}));
}

}  // namespace
}  // namespace tandem::aws
