// Text forms of bytes (hex, base64, percent), digests (MD5, SHA family, HMAC) and CRC-32C.
// Pure functions, safe from every thread. Digests come from OpenSSL's libcrypto.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace tandem {

std::string hex(std::string_view bytes);  // lower case
Result<std::string> unhex(std::string_view text);

std::string base64_encode(std::string_view bytes);
/// Standard alphabet, padding required. Error: kInvalidArgument.
Result<std::string> base64_decode(std::string_view text);

/// Percent-encodes all but RFC 3986 unreserved bytes; `keep` are further bytes left as they are.
std::string percent_encode(std::string_view bytes, std::string_view keep = {});
/// Error: kInvalidArgument for a truncated or non-hex escape.
Result<std::string> percent_decode(std::string_view text);

enum class Digest { kMd5, kSha1, kSha256, kSha384, kSha512 };
/// Raw digest bytes (hex() them for text).
std::string digest(Digest kind, std::string_view bytes);
inline std::string sha256(std::string_view bytes) { return digest(Digest::kSha256, bytes); }
std::string hmac_sha256(std::string_view key, std::string_view bytes);

/// CRC-32C (Castagnoli), as used by record checksums. `seed` continues an earlier value.
uint32_t crc32c(std::string_view bytes, uint32_t seed = 0);

/// Constant-time equality, for signatures.
bool equal_constant_time(std::string_view a, std::string_view b);

/// True where `bytes` are well-formed UTF-8 (no surrogates, no overlong forms).
bool is_valid_utf8(std::string_view bytes);
/// `text` with U+FFFD for every byte that belongs to no character: for foreign bytes in an error's
/// text.
std::string to_valid_utf8(std::string text);

}  // namespace tandem
