#include "store/cursor.h"

#include "base/encoding.h"

namespace tandem {

namespace {
constexpr size_t kChecksumChars = 8;

std::string checksum(std::string_view key) {
    const uint32_t crc = crc32c(key, 0x7461);
    std::string bytes;
    for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(char(crc >> shift));
    return hex(bytes);
}
}  // namespace

std::string encode_cursor(std::string_view last_key) { return checksum(last_key) + hex(last_key); }

Result<std::string> decode_cursor(std::string_view text) {
    if (text.empty()) return std::string();
    const auto key = text.size() > kChecksumChars ? unhex(text.substr(kChecksumChars))
                                                  : Result<std::string>(fail(ErrorCode::kInvalidArgument, ""));
    if (!key || checksum(*key) != text.substr(0, kChecksumChars)) {
        return fail(ErrorCode::kInvalidArgument, "not a page token of this server");
    }
    return *key;
}

}  // namespace tandem
