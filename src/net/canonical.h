// The canonical request of Signature Version 4: one text form of a request that caller and verifier
// agree on. Pure. Source: AWS "Create a signed AWS API request".
#pragma once

#include <string>
#include <string_view>

#include "net/http.h"

namespace tandem::net {

/// S3 signs the path as it is sent; every other service signs it with dot segments and double
/// slashes removed, and encoded once more.
enum class PathCoding { kNormalised, kAsSent };
PathCoding path_coding_of(std::string_view service);

/// The path of PathCoding::kNormalised.
std::string canonical_path(std::string_view raw_path);
/// Parameters sorted by encoded name, then value; `without` is left out (X-Amz-Signature when
/// presigned).
std::string canonical_query(std::string_view raw_query, std::string_view without = {});
/// `signed_headers` is the ';'-separated list; values trimmed, inner spaces collapsed.
std::string canonical_request(const HttpRequest& request, PathCoding coding,
                              std::string_view signed_headers, std::string_view payload_hash,
                              std::string_view query_without = {});

}  // namespace tandem::net
