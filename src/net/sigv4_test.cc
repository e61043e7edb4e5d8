// The vectors were made with botocore's SigV4Auth and SigV4QueryAuth (clock held at
// 2026-01-02T03:04:05Z), so they say what an unmodified SDK sends.
#include "net/sigv4.h"

#include <gtest/gtest.h>

#include "net/canonical.h"

namespace tandem::net {
namespace {

struct Vector {
    const char* service;
    const char* method;
    const char* target;
    const char* body;
    std::vector<std::pair<const char*, const char*>> headers;
};

const std::vector<Vector>& vectors() {
    static const std::vector<Vector> all = {
        {"states",
         "POST",
         R"(/)",
         R"({"a": 1})",
         {{"X-Amz-Target", R"(AWSStepFunctions.StartExecution)"},
          {"Content-Type", R"(application/x-amz-json-1.0)"},
          {"X-Amz-Date", R"(20260102T030405Z)"},
          {"Authorization",
           R"(AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE0000000001/20260102/us-east-1/states/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature=be6e402affe3a44f8668fbdd50d0af3d9ccb07e6e018dd7df79d09bb72122fae)"},
          {"Content-Length", R"(8)"},
          {"Host", R"(127.0.0.1:8470)"}}},
        {"lambda",
         "POST",
         R"(/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Afunction%3Af/invocations?Qualifier=%24LATEST&A=b%20c)",
         R"(payload)",
         {{"X-Amz-Invocation-Type", R"(Event)"},
          {"X-Multi", R"(  a   b )"},
          {"X-Amz-Date", R"(20260102T030405Z)"},
          {"Authorization",
           R"(AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE0000000001/20260102/us-east-1/lambda/aws4_request, SignedHeaders=host;x-amz-date;x-amz-invocation-type;x-multi, Signature=f0a8be991c55a523cfb5bc5e4cf09835f5c4d4463aa2c2ae9475a83ef581b979)"},
          {"Content-Length", R"(7)"},
          {"Host", R"(localhost:1234)"}}},
        {"lambda",
         "GET",
         R"(/2015-03-31/functions/)",
         R"()",
         {{"X-Amz-Date", R"(20260102T030405Z)"},
          {"Authorization",
           R"(AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE0000000001/20260102/us-east-1/lambda/aws4_request, SignedHeaders=host;x-amz-date, Signature=555659b49d912f11b53c4b6bf26fae718eb7999ba26032025d6c35367cbee5a1)"},
          {"Host", R"(localhost:1234)"}}},
        {"lambda",
         "GET",
         R"(/2015-03-31/functions/f?x=1&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAEXAMPLE0000000001%2F20260102%2Fus-east-1%2Flambda%2Faws4_request&X-Amz-Date=20260102T030405Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=c18ee2ab33f396331c0d927ebd76af5d5ba2b4df3bc0e7fd4da98a894cf756c3)",
         R"()",
         {{"Host", R"(localhost:1234)"}}},
        {"s3",
         "PUT",
         R"(/bucket/a//b/./c%20d/%C3%BC%2B%25?partNumber=1&uploadId=x%2Fy)",
         R"(payload)",
         {{"X-Amz-Date", R"(20260102T030405Z)"},
          {"X-Amz-Content-SHA256",
           R"(239f59ed55e737c77147cf55ad0c1b030b6d7ee748a7426952f9b852d5a935e5)"},
          {"Authorization",
           R"(AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE0000000001/20260102/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=b16eef2d21da3a4dadbfe1d94924ec7d8914ecd3ba38f99bce30a11aa91ee53f)"},
          {"Host", R"(127.0.0.1:9000)"}}},
    };
    return all;
}

HttpRequest request_of(const Vector& v) {
    HttpRequest request;
    request.method = v.method;
    request.target = v.target;
    request.body = v.body;
    for (const auto& [name, value] : v.headers) request.headers.add(name, value);
    return request;
}

SigV4Policy policy_for(const char* service) {
    SigV4Policy policy;
    policy.scope = {"us-east-1", service};
    policy.secret_of = [](std::string_view id) -> std::optional<std::string> {
        if (id == "AKIAEXAMPLE0000000001") return "secret/key+1";
        return std::nullopt;
    };
    return policy;
}

const Timestamp kNow = *parse_rfc3339("2026-01-02T03:04:30Z");

TEST(SigV4, AcceptsWhatSdksSend) {
    for (const Vector& v : vectors()) {
        const auto failure = verify(request_of(v), policy_for(v.service), kNow);
        EXPECT_FALSE(failure.has_value()) << v.target << ": " << failure->message;
    }
}

TEST(SigV4, RefusesEveryChange) {
    using Kind = SigV4Failure::Kind;
    const Vector& v = vectors()[0];
    const SigV4Policy policy = policy_for("states");
    HttpRequest body = request_of(v);
    body.body = "{\"a\": 2}";
    EXPECT_EQ(verify(body, policy, kNow)->kind, Kind::kBadSignature);
    HttpRequest header = request_of(v);
    header.headers.set("X-Amz-Target", "AWSStepFunctions.StopExecution");
    EXPECT_EQ(verify(header, policy, kNow)->kind, Kind::kBadSignature);
    HttpRequest path = request_of(v);
    path.target = "/other";
    EXPECT_EQ(verify(path, policy, kNow)->kind, Kind::kBadSignature);
    SigV4Policy stranger = policy;
    stranger.secret_of = [](std::string_view) { return std::optional<std::string>(); };
    EXPECT_EQ(verify(request_of(v), stranger, kNow)->kind, Kind::kUnknownKey);
    SigV4Policy other_service = policy_for("lambda");
    EXPECT_EQ(verify(request_of(v), other_service, kNow)->kind, Kind::kWrongScope);
    SigV4Policy other_region = policy;
    other_region.scope.region = "eu-west-1";
    EXPECT_EQ(verify(request_of(v), other_region, kNow)->kind, Kind::kWrongScope);
    EXPECT_EQ(verify(request_of(v), policy, kNow + std::chrono::hours(1))->kind, Kind::kExpired);
    EXPECT_EQ(verify(request_of(v), policy, kNow - std::chrono::hours(1))->kind, Kind::kExpired);
    HttpRequest none = request_of(v);
    none.headers = Headers();
    EXPECT_EQ(verify(none, policy, kNow)->kind, Kind::kMissing);
    HttpRequest garbage = request_of(v);
    garbage.headers.set("Authorization", "AWS4-HMAC-SHA256 Credential=a");
    EXPECT_EQ(verify(garbage, policy, kNow)->kind, Kind::kIncomplete);
    HttpRequest many = request_of(v);
    std::string names = "host";
    for (int i = 0; i < 20'000; ++i) names += ";a";
    many.headers.set(
        "Authorization",
        "AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE0000000001/20260102/us-east-1/states/aws4_request, "
        "SignedHeaders=" +
            names + ", Signature=0");
    EXPECT_EQ(verify(many, policy, kNow)->kind, Kind::kIncomplete);
    const Vector& presigned = vectors()[3];
    EXPECT_EQ(
        verify(request_of(presigned), policy_for("lambda"), kNow + std::chrono::minutes(2))->kind,
        Kind::kExpired);
}

TEST(SigV4, SignsWhatItVerifies) {
    HttpRequest request;
    request.method = "POST";
    request.target = "/a%3Ab/c?z=1&y=a%20b";
    request.body = "body";
    request.headers.set("Host", "localhost:1");
    sign(request, {"AKIAEXAMPLE0000000001", "secret/key+1", ""}, {"us-east-1", "states"}, kNow);
    const auto failure = verify(request, policy_for("states"), kNow);
    EXPECT_FALSE(failure.has_value()) << failure->message;
}

TEST(SigV4, SignsPathsOfS3AsTheyAre) {
    const Vector& v = vectors()[4];
    HttpRequest request;
    request.method = v.method;
    request.target = v.target;
    request.body = v.body;
    request.headers.set("Host", "127.0.0.1:9000");
    sign(request, {"AKIAEXAMPLE0000000001", "secret/key+1", ""}, {"us-east-1", "s3"},
         *parse_rfc3339("2026-01-02T03:04:05Z"));
    EXPECT_EQ(*request.headers.find("Authorization"), *request_of(v).headers.find("Authorization"));
}

TEST(Canonical, Paths) {
    EXPECT_EQ(canonical_path(""), "/");
    EXPECT_EQ(canonical_path("/a//b/./c/../d/"), "/a/b/d/");
    EXPECT_EQ(canonical_path("/x%3Ay"), "/x%253Ay");
    EXPECT_EQ(canonical_query("b=2&a=%20x&a"), "a=&a=%20x&b=2");
}

}  // namespace
}  // namespace tandem::net
