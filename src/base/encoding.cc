#include "base/encoding.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

#include "base/check.h"

namespace tandem {

namespace {

constexpr char kHexDigits[] = "0123456789abcdef";
constexpr char kBase64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

int base64_value(char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    if (c == '+') return 62;
    if (c == '/') return 63;
    return -1;
}

constexpr std::array<uint32_t, 256> make_crc_table() {
    std::array<uint32_t, 256> table{};
    for (uint32_t i = 0; i < 256; ++i) {
        uint32_t c = i;
        for (int k = 0; k < 8; ++k) c = (c & 1) ? 0x82f63b78u ^ (c >> 1) : c >> 1;
        table[i] = c;
    }
    return table;
}

bool is_unreserved(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

}  // namespace

std::string hex(std::string_view bytes) {
    std::string out;
    out.reserve(bytes.size() * 2);
    for (const unsigned char c : bytes) {
        out.push_back(kHexDigits[c >> 4]);
        out.push_back(kHexDigits[c & 15]);
    }
    return out;
}

Result<std::string> unhex(std::string_view text) {
    if (text.size() % 2 != 0) return fail(ErrorCode::kInvalidArgument, "odd number of hex digits");
    std::string out;
    out.reserve(text.size() / 2);
    for (size_t i = 0; i < text.size(); i += 2) {
        const int hi = hex_value(text[i]);
        const int lo = hex_value(text[i + 1]);
        if (hi < 0 || lo < 0) return fail(ErrorCode::kInvalidArgument, "not a hex digit");
        out.push_back(char(hi << 4 | lo));
    }
    return out;
}

std::string base64_encode(std::string_view bytes) {
    std::string out;
    out.reserve((bytes.size() + 2) / 3 * 4);
    size_t i = 0;
    for (; i + 2 < bytes.size(); i += 3) {
        const uint32_t v = uint32_t(uint8_t(bytes[i])) << 16 |
                           uint32_t(uint8_t(bytes[i + 1])) << 8 | uint8_t(bytes[i + 2]);
        for (int shift = 18; shift >= 0; shift -= 6) out.push_back(kBase64[v >> shift & 63]);
    }
    if (i < bytes.size()) {
        const bool two = i + 1 < bytes.size();
        const uint32_t v =
            uint32_t(uint8_t(bytes[i])) << 16 | (two ? uint32_t(uint8_t(bytes[i + 1])) << 8 : 0);
        out.push_back(kBase64[v >> 18 & 63]);
        out.push_back(kBase64[v >> 12 & 63]);
        out.push_back(two ? kBase64[v >> 6 & 63] : '=');
        out.push_back('=');
    }
    return out;
}

Result<std::string> base64_decode(std::string_view text) {
    const auto bad = [] { return fail(ErrorCode::kInvalidArgument, "not valid base64"); };
    if (text.size() % 4 != 0) return bad();
    size_t padding = 0;
    while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=')
        ++padding;
    std::string out;
    out.reserve(text.size() / 4 * 3);
    for (size_t i = 0; i < text.size(); i += 4) {
        uint32_t v = 0;
        for (size_t k = 0; k < 4; ++k) {
            const bool pad = i + k >= text.size() - padding;
            const int digit = pad ? 0 : base64_value(text[i + k]);
            if (digit < 0) return bad();
            v = v << 6 | uint32_t(digit);
        }
        out.push_back(char(v >> 16));
        out.push_back(char(v >> 8));
        out.push_back(char(v));
    }
    out.resize(out.size() - padding);
    return out;
}

std::string percent_encode(std::string_view bytes, std::string_view keep) {
    std::string out;
    for (const char c : bytes) {
        if (is_unreserved(c) || keep.find(c) != std::string_view::npos) {
            out.push_back(c);
        } else {
            constexpr char kUpper[] = "0123456789ABCDEF";
            out.push_back('%');
            out.push_back(kUpper[uint8_t(c) >> 4]);
            out.push_back(kUpper[uint8_t(c) & 15]);
        }
    }
    return out;
}

Result<std::string> percent_decode(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out.push_back(text[i]);
            continue;
        }
        const int hi = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
        const int lo = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
        if (hi < 0 || lo < 0) return fail(ErrorCode::kInvalidArgument, "bad percent escape");
        out.push_back(char(hi << 4 | lo));
        i += 2;
    }
    return out;
}

namespace {

/// Looked up once: OpenSSL 3 otherwise looks an algorithm up by name at every use.
const EVP_MD* algorithm(Digest kind) {
    static const std::array<EVP_MD*, 5> all = {
        EVP_MD_fetch(nullptr, "MD5", nullptr), EVP_MD_fetch(nullptr, "SHA1", nullptr),
        EVP_MD_fetch(nullptr, "SHA2-256", nullptr), EVP_MD_fetch(nullptr, "SHA2-384", nullptr),
        EVP_MD_fetch(nullptr, "SHA2-512", nullptr)};
    switch (kind) {
        case Digest::kMd5: return all[0];
        case Digest::kSha1: return all[1];
        case Digest::kSha256: return all[2];
        case Digest::kSha384: return all[3];
        case Digest::kSha512: return all[4];
    }
    return nullptr;
}

struct FreeContext {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

}  // namespace

std::string digest(Digest kind, std::string_view bytes) {
    thread_local const std::unique_ptr<EVP_MD_CTX, FreeContext> context(EVP_MD_CTX_new());
    std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
    unsigned int length = 0;
    CHECK(EVP_DigestInit_ex2(context.get(), algorithm(kind), nullptr) == 1);
    CHECK(EVP_DigestUpdate(context.get(), bytes.data(), bytes.size()) == 1);
    CHECK(EVP_DigestFinal_ex(context.get(), out.data(), &length) == 1);
    return std::string(reinterpret_cast<const char*>(out.data()), length);
}

std::string hmac_sha256(std::string_view key, std::string_view bytes) {
    // RFC 2104 over the digest above: OpenSSL 3's one-shot HMAC looks its parts up by name.
    constexpr size_t kBlockBytes = 64;
    const std::string short_key =
        key.size() > kBlockBytes ? digest(Digest::kSha256, key) : std::string(key);
    std::string inner(kBlockBytes, '\x36'), outer(kBlockBytes, '\x5c');
    for (size_t i = 0; i < short_key.size(); ++i) {
        inner[i] = char(inner[i] ^ short_key[i]);
        outer[i] = char(outer[i] ^ short_key[i]);
    }
    return digest(Digest::kSha256, outer + digest(Digest::kSha256, inner.append(bytes)));
}

namespace {

uint32_t crc32c_by_table(std::string_view bytes, uint32_t c) {
    static constexpr auto kTable = make_crc_table();
    for (const unsigned char b : bytes) c = kTable[(c ^ b) & 255] ^ (c >> 8);
    return c;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) uint32_t crc32c_by_instruction(std::string_view bytes,
                                                                 uint32_t c) {
    uint64_t wide = c;
    while (bytes.size() >= 8) {
        uint64_t word = 0;
        std::memcpy(&word, bytes.data(), 8);
        wide = __builtin_ia32_crc32di(wide, word);
        bytes.remove_prefix(8);
    }
    c = uint32_t(wide);
    for (const char b : bytes) c = __builtin_ia32_crc32qi(c, uint8_t(b));
    return c;
}
#endif

}  // namespace

uint32_t crc32c(std::string_view bytes, uint32_t seed) {
#if defined(__x86_64__)
    static const bool has_instruction = __builtin_cpu_supports("sse4.2");
    if (has_instruction) return ~crc32c_by_instruction(bytes, ~seed);
#endif
    return ~crc32c_by_table(bytes, ~seed);
}

bool equal_constant_time(std::string_view a, std::string_view b) {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

namespace {

/// Bytes of the character that begins at `i`; 0 if none does.
size_t character_at(std::string_view s, size_t i) {
    const auto c = uint8_t(s[i]);
    if (c < 0x80) return 1;
    size_t length = 0;
    uint32_t code = 0;
    if (c >= 0xc2 && c <= 0xdf) length = 2, code = c & 0x1f;
    else if (c >= 0xe0 && c <= 0xef) length = 3, code = c & 0x0f;
    else if (c >= 0xf0 && c <= 0xf4) length = 4, code = c & 0x07;
    else return 0;
    if (i + length > s.size()) return 0;
    for (size_t k = 1; k < length; ++k) {
        const auto next = uint8_t(s[i + k]);
        if ((next & 0xc0) != 0x80) return 0;
        code = code << 6 | (next & 0x3f);
    }
    if (length == 3 && (code < 0x800 || (code >= 0xd800 && code <= 0xdfff))) return 0;
    if (length == 4 && (code < 0x10000 || code > 0x10ffff)) return 0;
    return length;
}

}  // namespace

bool is_valid_utf8(std::string_view s) {
    for (size_t i = 0; i < s.size();) {
        // Eight ASCII characters at a time.
        uint64_t word = 0;
        if (i + sizeof word <= s.size()) {
            std::memcpy(&word, s.data() + i, sizeof word);
            if ((word & 0x8080808080808080ull) == 0) {
                i += sizeof word;
                continue;
            }
        }
        const size_t length = character_at(s, i);
        if (length == 0) return false;
        i += length;
    }
    return true;
}

std::string to_valid_utf8(std::string text) {
    if (is_valid_utf8(text)) return text;
    std::string out;
    for (size_t i = 0; i < text.size();) {
        const size_t length = character_at(text, i);
        if (length == 0) out += "\xef\xbf\xbd";
        else out.append(text, i, length);
        i += std::max<size_t>(length, 1);
    }
    return out;
}

}  // namespace tandem
