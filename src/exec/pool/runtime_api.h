// The Lambda Runtime API, version 2018-06-01, between bytes and words: which call a worker's
// request is, and how each answer looks. No state: who may call what when is the pool's matter
// (workers.cc). Pure; safe from every thread.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/clock.h"
#include "net/http.h"

namespace tandem::pool {

enum class RuntimeCall {
    kNext,
    kResponse,
    kError,
    kInitError,
    kRestoreNext,
    kRestoreError,
    kUnknown
};

struct RuntimeRequest {
    RuntimeCall call = RuntimeCall::kUnknown;
    std::string request_id;  // of kResponse and kError
    std::string body;
    std::string error_type;  // Lambda-Runtime-Function-Error-Type
    bool known_mode = true;  // false: a response mode that does not exist
    // A response whose trailers say that the function failed while it streamed.
    bool failed_in_trailers = false;
    std::string trailer_error_body;  // JSON, decoded
};

RuntimeRequest parse_runtime_request(net::HttpRequest request);

/// What `next` answers. Empty members make no header.
struct NextInvocation {
    std::string_view request_id;
    Timestamp deadline;
    std::string_view function_arn;
    std::string_view trace_header;
    std::string_view client_context;
    Payload event;
};
net::HttpResponse next_response(const NextInvocation& invocation);

net::HttpResponse accepted_response();
net::HttpResponse invalid_request_id_response();
/// `from` and `to` are state names of the Runtime API ("Started", "Ready", "InvocationResponse").
net::HttpResponse invalid_state_response(std::string_view from, std::string_view to);
net::HttpResponse too_large_response(size_t limit_bytes);
net::HttpResponse invalid_mode_response();
net::HttpResponse unknown_route_response();
net::HttpResponse restored_response();

}  // namespace tandem::pool
