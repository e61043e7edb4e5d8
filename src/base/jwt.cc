#include "base/jwt.h"

#include "base/encoding.h"

namespace tandem {

namespace {

constexpr size_t kTokenBytesMax = 8 * 1024;
constexpr std::string_view kHeader = R"({"alg":"HS256","typ":"JWT"})";

std::string base64url(std::string_view bytes) {
    std::string out = base64_encode(bytes);
    while (!out.empty() && out.back() == '=') out.pop_back();
    for (char& c : out) {
        if (c == '+') c = '-';
        if (c == '/') c = '_';
    }
    return out;
}

Result<std::string> from_base64url(std::string_view text) {
    std::string plain(text);
    for (char& c : plain) {
        if (c == '+' || c == '/' || c == '=') return fail(ErrorCode::kInvalidArgument, "alphabet");
        if (c == '-') c = '+';
        if (c == '_') c = '/';
    }
    plain.append((4 - plain.size() % 4) % 4, '=');
    return base64_decode(plain);
}

}  // namespace

std::string sign_jwt(std::string_view key, std::string_view claims) {
    const std::string body = base64url(kHeader) + "." + base64url(claims);
    return body + "." + base64url(hmac_sha256(key, body));
}

Result<std::string> verify_jwt(std::string_view key, std::string_view token) {
    const size_t first = token.find('.');
    const size_t last = token.rfind('.');
    if (token.size() > kTokenBytesMax || first == std::string_view::npos || first == last)
        return fail(ErrorCode::kUnauthenticated, "this is not a token");
    const std::string_view body = token.substr(0, last);
    if (!equal_constant_time(base64url(hmac_sha256(key, body)), token.substr(last + 1)))
        return fail(ErrorCode::kUnauthenticated, "the token is not signed by this server");
    const auto header = from_base64url(token.substr(0, first));
    auto claims = from_base64url(token.substr(first + 1, last - first - 1));
    // Nobody but the holder of the key could have asked for another algorithm.
    if (!header || *header != kHeader || !claims)
        return fail(ErrorCode::kUnauthenticated, "the token is of another kind");
    return claims;
}

}  // namespace tandem
