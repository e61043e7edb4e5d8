#include "exec/pool/error_documents.h"

#include "base/encoding.h"
#include "json/value.h"

namespace tandem::pool {
namespace {

std::string about(std::string_view request_id, std::string_view what) {
    return "RequestId: " + std::string(request_id) + " Error: " + std::string(what);
}

std::string timed_out(std::string_view request_id, int timeout_s, Timestamp now) {
    return format_iso8601(now) + " " + std::string(request_id) + " Task timed out after " +
           std::to_string(timeout_s) + ".00 seconds";
}

}  // namespace

Payload error_document(std::string_view type, std::string_view message) {
    return Payload(
        json::print(json::Value::object({{"errorType", type}, {"errorMessage", message}})));
}

Payload exit_document(std::string_view request_id, const ExitStatus& status) {
    if (!status.signalled && status.code == 0) {
        return error_document("Runtime.ExitError",
                              about(request_id, "Runtime exited without providing a reason"));
    }
    return error_document("Runtime.ExitError",
                          about(request_id, "Runtime exited with error: " + status.describe()));
}

Payload timeout_document(std::string_view request_id, int timeout_s, Timestamp now) {
    return error_document("Sandbox.Timedout", timed_out(request_id, timeout_s, now));
}

std::string timeout_log_line(std::string_view request_id, int timeout_s, Timestamp now) {
    return timed_out(request_id, timeout_s, now) + "\n\n";
}

Payload init_timeout_document(std::string_view request_id, int64_t timeout_ms) {
    char seconds[32];
    std::snprintf(seconds, sizeof seconds, "%.2f", double(timeout_ms) / 1000);
    return error_document(
        "Sandbox.Timedout",
        about(request_id, std::string("Task timed out after ") + seconds + " seconds"));
}

Payload start_failure_document(std::string_view request_id, std::string_view reason) {
    return error_document("Runtime.InvalidEntrypoint", about(request_id, reason));
}

Payload response_too_large_document(size_t limit_bytes) {
    return error_document("Function.ResponseSizeTooLarge",
                          "Response payload size exceeded maximum allowed payload size (" +
                              std::to_string(limit_bytes) + " bytes).");
}

Payload posted_error(std::string body, std::string_view error_type) {
    const Result<json::Value> parsed = json::parse(body);
    if (parsed && parsed->is_object()) return Payload(std::move(body));
    // Not JSON, perhaps not even text; what is made of it must be both.
    const std::string type(error_type.empty() ? "Runtime.Unknown" : error_type);
    return error_document(to_valid_utf8(type), to_valid_utf8(std::move(body)));
}

}  // namespace tandem::pool
