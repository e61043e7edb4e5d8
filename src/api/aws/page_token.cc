#include "api/aws/page_token.h"

#include "base/encoding.h"

namespace tandem::aws {

namespace {

// The scope is not in the token; only the checksum depends on it.
std::string checksum(std::string_view scope, std::string_view cursor) {
    const uint32_t crc = crc32c(cursor, crc32c(scope));
    std::string out;
    for (int shift = 24; shift >= 0; shift -= 8) out.push_back(char(crc >> shift & 0xff));
    return out;
}

}  // namespace

std::string encode_page_token(std::string_view scope, std::string_view cursor) {
    return base64_encode(checksum(scope, cursor).append(cursor));
}

std::optional<std::string> decode_page_token(std::string_view scope, std::string_view token) {
    auto bytes = base64_decode(token);
    if (!bytes || bytes->size() < 4) return std::nullopt;
    std::string cursor = bytes->substr(4);
    if (bytes->substr(0, 4) != checksum(scope, cursor)) return std::nullopt;
    return cursor;
}

}  // namespace tandem::aws
