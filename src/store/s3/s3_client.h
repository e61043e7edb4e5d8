// Requests to one bucket of an S3 endpoint: addressed by path, signed, sent again after a pause
// where the endpoint is busy. Blocks; safe from every thread (each call takes a connection).
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/http.h"
#include "store/s3/s3_bucket.h"

namespace tandem::s3 {

struct Request {
    std::string method = "GET";
    std::string key;  // empty: the bucket itself
    std::vector<std::pair<std::string, std::string>> query = {};
    std::vector<std::pair<std::string, std::string>> headers = {};
    std::string body = {};
    /// To do it twice is to do it once. Others are sent again only if they were refused unread.
    bool is_repeatable = true;
};

class Client {
public:
    explicit Client(S3BucketOptions options) : options_(std::move(options)) {}
    Result<void> open();
    /// An answer with a status below 300, or 416 (the range). Errors: what S3 said: kNotFound,
    /// kPermissionDenied, kAlreadyExists (412), kConflict, kInvalidArgument, kTooLarge,
    /// kOverloaded; kUnavailable, kTimeout.
    Result<net::HttpResponse> call(const Request& request);

private:
    enum class Next { kReturn, kRetry };
    struct Attempt {
        Result<net::HttpResponse> answer;
        Next next = Next::kReturn;
    };
    Attempt attempt(const Request& request);
    net::HttpRequest signed_request(const Request& request) const;
    Result<std::unique_ptr<net::HttpClient>> take_connection();
    void pause(int attempt) const;

    S3BucketOptions options_;
    std::string host_;  // as the Host header has it
    std::mutex mutex_;
    std::vector<std::unique_ptr<net::HttpClient>> idle_;
};

}  // namespace tandem::s3
