#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>

#include "base/clock.h"
#include "base/encoding.h"
#include "base/ids.h"
#include "base/job_thread.h"
#include "base/jwt.h"
#include "base/metrics.h"
#include "base/rng.h"

namespace tandem {
namespace {

TEST(Encoding, Base64RoundTripsEveryLength) {
    for (size_t n = 0; n < 70; ++n) {
        const std::string bytes = random_bytes(n);
        const auto back = base64_decode(base64_encode(bytes));
        ASSERT_TRUE(back.has_value());
        EXPECT_EQ(*back, bytes);
    }
    EXPECT_EQ(base64_encode("foob"), "Zm9vYg==");
    EXPECT_FALSE(base64_decode("Zm9v=g==").has_value());
    EXPECT_FALSE(base64_decode("abc").has_value());
    EXPECT_FALSE(base64_decode("a*==").has_value());
}

TEST(Encoding, KnownDigests) {
    EXPECT_EQ(hex(sha256("abc")),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(hex(digest(Digest::kMd5, "")), "d41d8cd98f00b204e9800998ecf8427e");
    // RFC 4231, test case 2.
    EXPECT_EQ(hex(hmac_sha256("Jefe", "what do ya want for nothing?")),
              "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    // RFC 3720, B.4: 32 bytes of zeros.
    EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aau);
    EXPECT_EQ(crc32c("123456789"), 0xe3069283u);
    EXPECT_EQ(hex(hmac_sha256(std::string(131, '\xaa'),
                              "Test Using Larger Than Block-Size Key - Hash Key First")),
              "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(Encoding, PercentAndHex) {
    EXPECT_EQ(percent_encode("a b/ü", "/"), "a%20b/%C3%BC");
    EXPECT_EQ(*percent_decode("a%20b%2F"), "a b/");
    EXPECT_FALSE(percent_decode("a%2").has_value());
    EXPECT_FALSE(percent_decode("%zz").has_value());
    EXPECT_EQ(*unhex("00ff"), std::string("\0\xff", 2));
    EXPECT_FALSE(unhex("0").has_value());
}

TEST(Encoding, Utf8RejectsOverlongSurrogatesAndTruncation) {
    EXPECT_TRUE(is_valid_utf8("grüße \xf0\x9f\x98\x80"));
    EXPECT_FALSE(is_valid_utf8("\xc0\xaf"));
    EXPECT_FALSE(is_valid_utf8("\xed\xa0\x80"));
    EXPECT_FALSE(is_valid_utf8("\xe2\x82"));
    EXPECT_FALSE(is_valid_utf8("\xf5\x80\x80\x80"));
}

TEST(Clock, FormatsAndParses) {
    EXPECT_EQ(format_iso8601(from_millis(0)), "1970-01-01T00:00:00.000Z");
    EXPECT_EQ(format_http_date(from_millis(1'700'000'000'123)), "Tue, 14 Nov 2023 22:13:20 GMT");
    EXPECT_EQ(to_millis(*parse_rfc3339("2016-03-14T01:59:00Z")), 1457920740000);
    EXPECT_EQ(to_millis(*parse_rfc3339("2016-03-14T01:59:00.25+01:00")), 1457917140250);
    EXPECT_FALSE(parse_rfc3339("2016-03-14T01:59:00").has_value());
    EXPECT_FALSE(parse_rfc3339("2016-02-30T01:59:00Z").has_value());
    EXPECT_FALSE(parse_rfc3339("2016-03-14T01:59:00.Z").has_value());
}

TEST(Rng, UuidHasVersionAndVariant) {
    const std::string id = uuid_v4(~0ull, ~0ull);
    EXPECT_EQ(id, "ffffffff-ffff-4fff-bfff-ffffffffffff");
    EXPECT_NE(random_uuid(), random_uuid());
}

TEST(Encoding, MakesTextOfAnyBytes) {
    EXPECT_EQ(to_valid_utf8("a\xc3\xa9"), "a\xc3\xa9");
    EXPECT_EQ(to_valid_utf8("\xff|\xc3|\xc3\xa9"), "\xef\xbf\xbd|\xef\xbf\xbd|\xc3\xa9");
    EXPECT_TRUE(is_valid_utf8(to_valid_utf8("\xed\xa0\x80\xf0\x9f\x98")));
}

TEST(Jwt, KnowsItsOwn) {
    // The example of RFC 7519's readers everywhere.
    const std::string key = "your-256-bit-secret";
    const std::string token =
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."
        "eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ."
        "SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c";
    const std::string claims = R"({"sub":"1234567890","name":"John Doe","iat":1516239022})";
    EXPECT_EQ(sign_jwt(key, claims), token);
    EXPECT_EQ(*verify_jwt(key, token), claims);
    EXPECT_FALSE(verify_jwt("another", token).has_value());
    EXPECT_FALSE(verify_jwt(key, token + "A").has_value());
    // {"alg":"none"}, signed all the same.
    const std::string none = "eyJhbGciOiJub25lIn0." + token.substr(37, token.rfind('.') - 37);
    std::string mac = base64_encode(hmac_sha256(key, none));
    for (char& c : mac) c = c == '+' ? '-' : c == '/' ? '_' : c;
    while (mac.back() == '=') mac.pop_back();
    EXPECT_FALSE(verify_jwt(key, none + "." + mac).has_value());
}

TEST(Ids, StableHashNeverChanges) {
    // Placement of executions on shards depends on it; see base/ids.h.
    EXPECT_EQ(stable_hash(""), 14695981039346656037ull ^ (14695981039346656037ull >> 29));
    EXPECT_NE(stable_hash("a"), stable_hash("b"));
}

TEST(JobThread, WhatAJobHoldsIsLetGoWhereOthersMayPost) {
    std::atomic<int> ran{0};
    {
        JobThread jobs;
        // Posts when the last job that has it is gone.
        auto held = std::shared_ptr<int>(new int(0), [&](const int* number) {
            delete number;
            jobs.post([&] { ran++; });
        });
        jobs.post([held = std::move(held), &ran] { ran++; });
        while (ran < 2) std::this_thread::yield();
    }
    EXPECT_EQ(ran, 2);
}

TEST(Metrics, WritesPrometheusText) {
    counter("tandem_test_total", "A test.", "kind=\"x\"").add(3);
    histogram("tandem_test_seconds", "A test.").observe_seconds(0.5);
    const std::string text = metrics_text();
    EXPECT_NE(text.find("# TYPE tandem_test_total counter"), std::string::npos);
    EXPECT_NE(text.find("tandem_test_total{kind=\"x\"} 3"), std::string::npos);
    EXPECT_NE(text.find("tandem_test_seconds_bucket{le=\"1.000000\"} 1"), std::string::npos);
}

}  // namespace
}  // namespace tandem
