// HttpCalls: HTTP Tasks (arn:aws:states:::http:invoke). One thread drives every request at once, so
// a slow endpoint holds up nobody else. Safe from every thread; answers come on the thread of the
// requests and must not block.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/limits.h"
#include "exec/http/connection.h"
#include "json/value.h"

namespace tandem {

constexpr int64_t kHttpTaskMs = 60'000;         // the longest request, as Step Functions
constexpr size_t kHttpTaskCalls = 1'000;        // requests at once; more of them wait
constexpr size_t kHttpHeaderBytes = 64 * 1024;  // of an answer

/// Exactly one of `output`, `error` and `refused` counts (as of exec/s3).
struct HttpAnswer {
    json::Value output;
    std::string error;  // "States.Http.StatusCode.404"
    std::string cause;
    std::string refused;  // the parameters cannot be used; nothing was sent
};

struct HttpCallOptions {
    http::Connections connections;
    std::string region;
    size_t body_bytes = Limits{}.payload_bytes;  // of an answer
    int64_t timeout_ms = kHttpTaskMs;
};

class HttpCalls {
public:
    explicit HttpCalls(HttpCallOptions options);
    ~HttpCalls();
    HttpCalls(const HttpCalls&) = delete;
    HttpCalls& operator=(const HttpCalls&) = delete;

    void call(const json::Value& parameters, std::function<void(HttpAnswer)> done);
    /// Requests under way are given up and never answered. Blocks until no answer runs.
    void stop();

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace tandem
