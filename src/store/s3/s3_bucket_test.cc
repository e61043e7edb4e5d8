// An endpoint that is busy, breaks off or answers nonsense.
#include "store/s3/s3_bucket.h"

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>

#include "store/s3/s3_writer.h"

namespace tandem {
namespace {

constexpr std::string_view kSlowDown =
    "<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>";

/// Gives the answers of a list, one after the other, and keeps the requests.
class OddEndpoint {
public:
    explicit OddEndpoint(std::vector<net::HttpResponse> answers) : answers_(std::move(answers)) {
        server_ = net::HttpServer::listen(*loops_, {},
                                          [this](net::HttpRequest request, net::HttpReply reply) {
                                              reply(next(std::move(request)));
                                          })
                      .value();
    }
    ~OddEndpoint() { server_->stop(); }

    std::shared_ptr<Bucket> bucket() const {
        S3BucketOptions options;
        options.endpoint = "http://127.0.0.1:" + std::to_string(server_->port());
        options.bucket = "bucket";
        options.credentials = {"AKIAEXAMPLE0000000001", "secret/key+1", ""};
        options.timeout_ms = 2'000;
        options.attempts = 3;
        options.pause_ms = 2;
        return open_s3_bucket(options).value();
    }

    std::vector<net::HttpRequest> requests() {
        const std::lock_guard lock(mutex_);
        return requests_;
    }

private:
    net::HttpResponse next(net::HttpRequest request) {
        const std::lock_guard lock(mutex_);
        requests_.push_back(std::move(request));
        const size_t at = std::min(requests_.size(), answers_.size()) - 1;
        return answers_[at];
    }

    std::mutex mutex_;
    std::vector<net::HttpResponse> answers_;
    std::vector<net::HttpRequest> requests_;
    std::unique_ptr<net::EventLoops> loops_ = net::EventLoops::start(1);
    std::unique_ptr<net::HttpServer> server_;
};

net::HttpResponse answer(int status, std::string_view body = {},
                         std::vector<std::pair<std::string, std::string>> headers = {}) {
    net::HttpResponse out;
    out.status = status;
    out.body = Payload(std::string(body));
    for (auto& [name, value] : headers) out.headers.add(name, value);
    return out;
}

TEST(S3Bucket, SignsWhatItSends) {
    OddEndpoint endpoint({answer(200, "x", {{"ETag", "\"e\""}})});
    EXPECT_EQ(endpoint.bucket()->get("a b/ü+%")->bytes, "x");
    ASSERT_TRUE(endpoint.bucket()->put("k", "bytes", {.content_type = "text/x"}).has_value());
    const auto requests = endpoint.requests();
    EXPECT_EQ(requests[0].target, "/bucket/a%20b/%C3%BC%2B%25");
    net::SigV4Policy policy;
    policy.scope = {"us-east-1", "s3"};
    policy.secret_of = [](std::string_view) { return std::optional<std::string>("secret/key+1"); };
    for (const net::HttpRequest& request : requests) {
        const auto failure = net::verify(request, policy, system_clock().now());
        EXPECT_FALSE(failure.has_value()) << failure->message;
    }
}

TEST(S3Bucket, WaitsWhereTheEndpointIsBusy) {
    for (const int status : {429, 500, 502, 503, 504}) {
        OddEndpoint endpoint({answer(status, kSlowDown), answer(status), answer(200, "late")});
        EXPECT_EQ(endpoint.bucket()->get("k")->bytes, "late");
        EXPECT_EQ(endpoint.requests().size(), 3u);
    }
    OddEndpoint busy({answer(503, kSlowDown)});
    const auto refused = busy.bucket()->put("k", "x");
    EXPECT_EQ(refused.error().code, ErrorCode::kOverloaded);
    EXPECT_EQ(refused.error().message, "Please reduce your request rate.");
    EXPECT_EQ(busy.requests().size(), 3u);
    OddEndpoint broken({answer(500, "<html>oops")});
    EXPECT_EQ(broken.bucket()->list({}).error().code, ErrorCode::kUnavailable);
    EXPECT_EQ(broken.requests().size(), 3u);
}

TEST(S3Bucket, AConditionalPutIsSentAgainOnlyIfItWasRefusedUnread) {
    OddEndpoint faulty({answer(500), answer(200)});
    EXPECT_EQ(faulty.bucket()->put("k", "x", {.only_if_absent = true}).error().code,
              ErrorCode::kUnavailable);
    EXPECT_EQ(faulty.requests().size(), 1u);
    EXPECT_EQ(*faulty.requests()[0].headers.find("If-None-Match"), "*");
    OddEndpoint busy({answer(503), answer(200, "", {{"ETag", "\"e\""}})});
    EXPECT_TRUE(busy.bucket()->put("k", "x", {.only_if_absent = true}).has_value());
    OddEndpoint taken({answer(412)});
    EXPECT_EQ(taken.bucket()->put("k", "x", {.only_if_absent = true}).error().code,
              ErrorCode::kAlreadyExists);
}

TEST(S3Bucket, AnswersThatAreNone) {
    OddEndpoint nonsense({answer(200, "no xml")});
    EXPECT_EQ(nonsense.bucket()->list({}).error().code, ErrorCode::kUnavailable);
    auto writer = nonsense.bucket()->writer("k").value();
    EXPECT_EQ(writer->write(std::string(2 * kS3PartBytes, 'x')).error().code,
              ErrorCode::kUnavailable);
    OddEndpoint gone({answer(404)});
    EXPECT_EQ(gone.bucket()->get("k").error().code, ErrorCode::kNotFound);
    EXPECT_EQ(gone.bucket()->head("k").error().code, ErrorCode::kNotFound);
    OddEndpoint forbidden({answer(403)});
    EXPECT_EQ(forbidden.bucket()->remove("k").error().code, ErrorCode::kPermissionDenied);
    // A list that goes round in circles.
    const std::string_view circle =
        "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>t"
        "</NextContinuationToken></ListBucketResult>";
    OddEndpoint circles({answer(200, circle)});
    EXPECT_EQ(circles.bucket()->list({}).error().code, ErrorCode::kUnavailable);
}

TEST(S3Bucket, AnEndpointThatKnowsNoRanges) {
    OddEndpoint endpoint({answer(200, "0123456789", {{"ETag", "\"e\""}})});
    const auto got = endpoint.bucket()->get("k", {2, 3});
    ASSERT_TRUE(got.has_value());
    EXPECT_EQ(got->bytes, "234");
    EXPECT_EQ(got->info.size, 10u);
    EXPECT_EQ(endpoint.bucket()->get("k", {11, 3}).error().code, ErrorCode::kInvalidArgument);
    OddEndpoint too_much({answer(206, "0123456789", {{"Content-Range", "bytes 0-9/10"}})});
    EXPECT_EQ(too_much.bucket()->get("k", {2, 3}).error().code, ErrorCode::kUnavailable);
    OddEndpoint sizeless({answer(206, "012", {{"Content-Range", "bytes 0-2/*"}})});
    EXPECT_EQ(sizeless.bucket()->get("k", {0, 3}).error().code, ErrorCode::kUnavailable);
}

TEST(S3Bucket, NobodyIsThere) {
    S3BucketOptions options;
    {
        OddEndpoint endpoint({answer(200)});
        options.endpoint = "http://127.0.0.1:1";
    }
    options.bucket = "bucket";
    options.attempts = 2;
    options.pause_ms = 1;
    EXPECT_EQ(open_s3_bucket(options).value()->get("k").error().code, ErrorCode::kUnavailable);
    for (const char* endpoint : {"", "ftp://h", "http://", "http://h/path", "h:9000"}) {
        options.endpoint = endpoint;
        EXPECT_FALSE(open_s3_bucket(options).has_value()) << endpoint;
    }
    options.endpoint = "http://h";
    options.bucket = "../x";
    EXPECT_FALSE(open_s3_bucket(options).has_value());
}

TEST(S3Bucket, AnUploadThatNobodyFinishesIsAborted) {
    OddEndpoint endpoint({answer(200,
                                 "<InitiateMultipartUploadResult><UploadId>u 1</UploadId>"
                                 "</InitiateMultipartUploadResult>"),
                          answer(200, "", {{"ETag", "\"e\""}}), answer(204)});
    {
        auto writer = endpoint.bucket()->writer("k").value();
        ASSERT_TRUE(writer->write(std::string(kS3PartBytes + 1, 'x')).has_value());
    }
    const auto requests = endpoint.requests();
    ASSERT_EQ(requests.size(), 3u);
    EXPECT_EQ(requests[0].target, "/bucket/k?uploads=");
    EXPECT_EQ(requests[1].target, "/bucket/k?partNumber=1&uploadId=u%201");
    EXPECT_EQ(requests[1].body.size(), kS3PartBytes);
    EXPECT_EQ(requests[2].method, "DELETE");
    EXPECT_EQ(requests[2].target, "/bucket/k?uploadId=u%201");
}

TEST(S3Bucket, ACompletionWhoseAnswerWasLost) {
    // The first attempt was done and answered by a fault; the second finds no upload any more. The
    // object's ETag tells that it is this one: MD5 of the parts' MD5s.
    const std::string part = "0cc175b9c0f1b6a831c399e269772661";  // of "a"
    for (const bool is_ours : {true, false}) {
        OddEndpoint endpoint(
            {answer(200,
                    "<InitiateMultipartUploadResult><UploadId>u</UploadId>"
                    "</InitiateMultipartUploadResult>"),
             answer(200, "", {{"ETag", "\"" + part + "\""}}),
             answer(200, "", {{"ETag", "\"" + part + "\""}}), answer(500), answer(404),
             answer(200, "",
                    {{"ETag", is_ours ? "\"7b3c799ee8b11a11c798c8b41bed8502-2\"" : "\"x-2\""}}),
             answer(204)});
        auto writer = endpoint.bucket()->writer("k").value();
        ASSERT_TRUE(writer->write(std::string(kS3PartBytes + 1, 'x')).has_value());
        const auto finished = writer->finish();
        EXPECT_EQ(finished.has_value(), is_ours);
        EXPECT_EQ(finished ? finished->size : kS3PartBytes + 1, kS3PartBytes + 1);
    }
}

TEST(S3Bucket, HttpDates) {
    EXPECT_EQ(s3::parse_http_date("Wed, 25 Nov 2026 10:00:01 GMT").value(),
              parse_rfc3339("2026-11-25T10:00:01Z").value());
    for (const char* odd : {"", "Wed, 25 Nov 2026 10:00:01 UTC", "Wed, 25 Nix 2026 10:00:01 GMT",
                            "Wed, 99 Nov 2026 10:00:01 GMT"})
        EXPECT_FALSE(s3::parse_http_date(odd).has_value()) << odd;
}

}  // namespace
}  // namespace tandem
