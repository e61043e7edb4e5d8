// Parses one whole request held in memory with the parser and limits of the server: what the fuzz
// target and tests call. No Beast types here.
#pragma once

#include <optional>
#include <string_view>

#include "net/http.h"

namespace tandem::net {

/// nullopt when the bytes are no complete request; `status` is then what the server would answer
/// (0 = it would wait for more, or close).
std::optional<HttpRequest> parse_request(std::string_view bytes, size_t header_bytes,
                                         size_t body_bytes, int& status);

}  // namespace tandem::net
