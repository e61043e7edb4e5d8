// The error documents that Lambda answers when a function's process, rather than its handler,
// fails. JSON text in Lambda's words; pure.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/clock.h"
#include "exec/pool/spawn.h"

namespace tandem::pool {

Payload error_document(std::string_view type, std::string_view message);
/// The process ended while it owed an answer.
Payload exit_document(std::string_view request_id, const ExitStatus& status);
Payload timeout_document(std::string_view request_id, int timeout_s, Timestamp now);
/// The line that Lambda logs with it.
std::string timeout_log_line(std::string_view request_id, int timeout_s, Timestamp now);
Payload init_timeout_document(std::string_view request_id, int64_t timeout_ms);
/// The process could not be started.
Payload start_failure_document(std::string_view request_id, std::string_view reason);
Payload response_too_large_document(size_t limit_bytes);
/// What the function posted to an error route: kept as it is when it is JSON.
Payload posted_error(std::string body, std::string_view error_type);

}  // namespace tandem::pool
