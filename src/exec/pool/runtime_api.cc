#include "exec/pool/runtime_api.h"

#include "base/encoding.h"
#include "exec/pool/error_documents.h"

namespace tandem::pool {
namespace {

constexpr std::string_view kPrefix = "/2018-06-01/runtime/";
constexpr std::string_view kInvocation = "invocation/";

void add(net::HttpResponse& response, std::string_view name, std::string_view value) {
    response.headers.add(std::string(name), std::string(value));
}

net::HttpResponse json_response(int status, Payload body) {
    net::HttpResponse response;
    response.status = status;
    add(response, "Content-Type", "application/json");
    response.body = std::move(body);
    return response;
}

/// The call of "invocation/{id}/response" and "invocation/{id}/error".
RuntimeCall invocation_call(std::string_view rest, std::string& request_id) {
    const size_t slash = rest.find('/');
    if (slash == std::string_view::npos) return RuntimeCall::kUnknown;
    request_id = std::string(rest.substr(0, slash));
    const std::string_view verb = rest.substr(slash + 1);
    if (verb == "response") return RuntimeCall::kResponse;
    if (verb == "error") return RuntimeCall::kError;
    return RuntimeCall::kUnknown;
}

RuntimeCall classify(std::string_view method, std::string_view path, std::string& request_id) {
    if (!path.starts_with(kPrefix)) return RuntimeCall::kUnknown;
    path.remove_prefix(kPrefix.size());
    if (method == "GET") {
        if (path == "invocation/next") return RuntimeCall::kNext;
        if (path == "restore/next") return RuntimeCall::kRestoreNext;
        return RuntimeCall::kUnknown;
    }
    if (method != "POST") return RuntimeCall::kUnknown;
    if (path == "init/error") return RuntimeCall::kInitError;
    if (path == "restore/error") return RuntimeCall::kRestoreError;
    if (path.starts_with(kInvocation))
        return invocation_call(path.substr(kInvocation.size()), request_id);
    return RuntimeCall::kUnknown;
}

}  // namespace

RuntimeRequest parse_runtime_request(net::HttpRequest request) {
    RuntimeRequest out;
    out.call = classify(request.method, request.path(), out.request_id);
    out.error_type = request.headers.get_or("Lambda-Runtime-Function-Error-Type", "");
    if (out.call == RuntimeCall::kResponse) {
        const std::string_view mode =
            request.headers.get_or("Lambda-Runtime-Function-Response-Mode", "");
        out.known_mode = mode.empty() || mode == "streaming" || mode == "buffered";
        if (const std::string* type = request.trailers.find("Lambda-Runtime-Function-Error-Type");
            type != nullptr && !type->empty()) {
            out.failed_in_trailers = true;
            out.error_type = *type;
            const Result<std::string> body =
                base64_decode(request.trailers.get_or("Lambda-Runtime-Function-Error-Body", ""));
            if (body) out.trailer_error_body = *body;
        }
    }
    out.body = std::move(request.body);
    return out;
}

net::HttpResponse next_response(const NextInvocation& invocation) {
    net::HttpResponse response = json_response(200, invocation.event);
    add(response, "Lambda-Runtime-Aws-Request-Id", invocation.request_id);
    add(response, "Lambda-Runtime-Deadline-Ms", std::to_string(to_millis(invocation.deadline)));
    add(response, "Lambda-Runtime-Invoked-Function-Arn", invocation.function_arn);
    if (!invocation.trace_header.empty())
        add(response, "Lambda-Runtime-Trace-Id", invocation.trace_header);
    if (!invocation.client_context.empty())
        add(response, "Lambda-Runtime-Client-Context", invocation.client_context);
    return response;
}

net::HttpResponse accepted_response() {
    static const Payload ok(std::string(R"({"status":"OK"})"));
    return json_response(202, ok);
}

net::HttpResponse invalid_request_id_response() {
    return json_response(400, error_document("InvalidRequestID", "Invalid request ID"));
}

net::HttpResponse invalid_state_response(std::string_view from, std::string_view to) {
    return json_response(
        403,
        error_document("InvalidStateTransition",
                       "State transition from " + std::string(from) + " to " + std::string(to) +
                           " failed for runtime. Error: State transition is not allowed"));
}

net::HttpResponse too_large_response(size_t limit_bytes) {
    return json_response(
        413, error_document("RequestEntityTooLarge", "Exceeded maximum allowed payload size (" +
                                                         std::to_string(limit_bytes) + " bytes)."));
}

net::HttpResponse invalid_mode_response() {
    return json_response(
        400, error_document("InvalidFunctionResponseMode", "Invalid function response mode"));
}

net::HttpResponse unknown_route_response() {
    net::HttpResponse response;
    response.status = 404;
    add(response, "Content-Type", "text/plain");
    response.body = Payload(std::string("404 page not found\n"));
    return response;
}

net::HttpResponse restored_response() { return json_response(200, Payload(std::string())); }

}  // namespace tandem::pool
