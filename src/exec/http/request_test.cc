#include "exec/http/request.h"

#include <gtest/gtest.h>

namespace tandem::http {
namespace {

json::Value parsed(std::string_view text) {
    auto value = json::parse(text);
    EXPECT_TRUE(value) << text;
    return value.value_or(json::Value());
}

tl::expected<Request, std::string> made(std::string_view text, const Connection& connection = {}) {
    return make_request(parsed(text), connection, "us-east-1", 100);
}

std::string header(const Request& request, std::string_view name) {
    for (const auto& [key, value] : request.headers) {
        if (key == name) return value;
    }
    return "(none)";
}

TEST(HttpRequest, IsWhatTheParametersSay) {
    const auto request = made(
        R"({"ApiEndpoint":"https://a.example/x?one=1","Method":"POST","Headers":{"X-A":["b","c"]},
            "QueryParameters":{"q":"a b&c","many":[1,"two"]},"RequestBody":{"n":[1]}})");
    ASSERT_TRUE(request) << request.error();
    EXPECT_EQ(request->method, "POST");
    EXPECT_EQ(request->url, "https://a.example/x?one=1&q=a%20b%26c&many=1&many=two");
    EXPECT_EQ(header(*request, "X-A"), "b, c");
    EXPECT_EQ(header(*request, "User-Agent"), "Amazon|StepFunctions|HttpInvoke|us-east-1");
    EXPECT_EQ(header(*request, "Range"), "bytes=0-100");
    EXPECT_EQ(header(*request, "Content-Type"), "application/json");
    EXPECT_EQ(request->body, R"({"n":[1]})");
}

TEST(HttpRequest, WhatTheConnectionAddsWins) {
    Connection connection;
    connection.headers = {{"X-A", "own"}};
    connection.query = {{"q", "own"}};
    connection.body = {{"n", "own"}};
    const auto request = made(
        R"({"ApiEndpoint":"https://a","Method":"PUT","Headers":{"x-a":"b"},
            "QueryParameters":{"q":"b"},"RequestBody":{"n":1,"m":2}})",
        connection);
    ASSERT_TRUE(request) << request.error();
    EXPECT_EQ(request->url, "https://a?q=own");
    EXPECT_EQ(header(*request, "x-a"), "own");
    EXPECT_EQ(request->body, R"({"n":"own","m":2})");
}

TEST(HttpRequest, FormsHaveFourWaysOfArrays) {
    const json::Value body = parsed(R"({"a":[1,"x y"],"o":{"k":true},"e":null})");
    EXPECT_EQ(encode_form(body, ArrayFormat::kIndices), "a[0]=1&a[1]=x%20y&o[k]=true&e=");
    EXPECT_EQ(encode_form(body, ArrayFormat::kRepeat), "a=1&a=x%20y&o[k]=true&e=");
    EXPECT_EQ(encode_form(body, ArrayFormat::kCommas), "a=1,x%20y&o[k]=true&e=");
    EXPECT_EQ(encode_form(body, ArrayFormat::kBrackets), "a[]=1&a[]=x%20y&o[k]=true&e=");
    const auto request = made(
        R"({"ApiEndpoint":"https://a","Method":"POST","RequestBody":{"a":[1]},"Transform":
            {"RequestBodyEncoding":"URL_ENCODED","RequestEncodingOptions":{"ArrayFormat":"COMMAS"}}})");
    ASSERT_TRUE(request);
    EXPECT_EQ(request->body, "a=1");
    EXPECT_EQ(header(*request, "Content-Type"), "application/x-www-form-urlencoded");
}

TEST(HttpRequest, WhatCannotBeSentIsRefusedByName) {
    const auto why = [](std::string_view rest) {
        return made(R"({"ApiEndpoint":"https://a","Method":"GET",)" + std::string(rest) + "}")
            .error();
    };
    EXPECT_EQ(made("{}").error(), "The field 'Method' is required but was missing");
    for (const char* url : {"http://a", "ftp://a", "a", "", "https://a b", "https://a\\nb",
                            "https://a/#b", "file:///etc/passwd"}) {
        EXPECT_EQ(made(R"({"Method":"GET","ApiEndpoint":")" + std::string(url) + "\"}").error(),
                  "The value of the field 'ApiEndpoint' has an invalid format")
            << url;
    }
    EXPECT_EQ(made(R"({"ApiEndpoint":"https://a","Method":"get"})").error(),
              "The value of the field 'Method' has an invalid format");
    for (const char* headers : {R"("Headers":"a")", R"("Headers":{"a b":"c"})",
                                R"("Headers":{"a":"b\r\nc: d"})", R"("Headers":{"a":{}})"}) {
        EXPECT_EQ(why(headers), "The value of the field 'Headers' has an invalid format")
            << headers;
    }
    for (const char* name : {"Host", "x-amz-date", "Transfer-Encoding", "X-Forwarded-For"}) {
        EXPECT_NE(why(R"("Headers":{")" + std::string(name) + R"(":"v"})").find("reserved"),
                  std::string::npos)
            << name;
    }
    EXPECT_EQ(why(R"("QueryParameters":[1])"),
              "The value of the field 'QueryParameters' has an invalid format");
    EXPECT_EQ(why(R"("RequestBody":"a","Transform":{"RequestBodyEncoding":"URL_ENCODED"})"),
              "The value of the field 'RequestBody' has an invalid format");
    EXPECT_EQ(why(R"("Transform":{"RequestBodyEncoding":"GZIP"})"),
              "The value of the field 'RequestBodyEncoding' has an invalid format");
}

TEST(HttpRequest, ConnectionsAreNamedByTheirArn) {
    EXPECT_EQ(
        connection_of(parsed(
            R"({"Authentication":{"ConnectionArn":"arn:aws:events:r:1:connection/api/id"}})")),
        "api");
    EXPECT_EQ(connection_of(parsed(
                  R"({"InvocationConfig":{"ConnectionArn":"arn:aws:events:r:1:connection/b"}})")),
              "b");
    for (const char* text : {"{}", R"({"Authentication":"arn:aws:events:r:1:connection/a/b"})",
                             R"({"Authentication":{"ConnectionArn":"api"}})"}) {
        EXPECT_EQ(connection_of(parsed(text)), "") << text;
    }
}

}  // namespace
}  // namespace tandem::http
