// The canonical request of Signature Version 4: one text form of a request that caller and verifier
// agree on. Pure. Source: AWS "Create a signed AWS API request".
#pragma once

#include <string>
#include <string_view>

#include "net/http.h"

namespace tandem::net {

/// The path as received, dot segments and double slashes removed, encoded once more (every service
/// but S3).
std::string canonical_path(std::string_view raw_path);
/// Parameters sorted by encoded name, then value; `without` is left out (X-Amz-Signature when
/// presigned).
std::string canonical_query(std::string_view raw_query, std::string_view without = {});
/// `signed_headers` is the ';'-separated list; values trimmed, inner spaces collapsed.
std::string canonical_request(const HttpRequest& request, std::string_view signed_headers,
                              std::string_view payload_hash, std::string_view query_without = {});

}  // namespace tandem::net
