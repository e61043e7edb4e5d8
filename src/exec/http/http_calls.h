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

/// What a call sent and got, for people (InspectionData of TestState). Texts in objects: `request`
/// has protocol, method, url, headers and body, `response` protocol, statusCode, statusMessage,
/// headers and body; null: there was none.
struct HttpTrace {
    bool reveals_secrets = false;  // else what the connection adds is left out of the request
    json::Value request, response;
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

    /// `key` names the call for cancel(). The trace, if any, is complete when `done` is called.
    void call(const std::string& key, const json::Value& parameters,
              std::function<void(HttpAnswer)> done, std::shared_ptr<HttpTrace> trace = {});
    /// Gives the request up; the call is answered as one that failed.
    void cancel(const std::string& key);
    /// Requests under way are given up and never answered. Blocks until no answer runs.
    void stop();

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace tandem
