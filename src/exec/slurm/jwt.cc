#include "exec/slurm/jwt.h"

#include "base/jwt.h"
#include "json/value.h"

namespace tandem::slurm {

std::string make_token(std::string_view key, std::string_view user, Timestamp now,
                       int64_t valid_seconds) {
    const int64_t seconds = to_millis(now) / 1000;
    const std::string claims = json::print(json::Value::object(
        {{"exp", seconds + valid_seconds}, {"iat", seconds}, {"sun", std::string(user)}}));
    return sign_jwt(key, claims);
}

std::optional<Timestamp> token_end(std::string_view token) {
    const size_t first = token.find('.');
    const size_t last = token.rfind('.');
    if (first == std::string_view::npos || first == last) return std::nullopt;
    std::string claims(token.substr(first + 1, last - first - 1));
    for (char& c : claims) {
        if (c == '-') c = '+';
        if (c == '_') c = '/';
    }
    claims.append((4 - claims.size() % 4) % 4, '=');
    const auto text = base64_decode(claims);
    const auto value = text ? json::parse(*text) : Result<json::Value>();
    if (!value || !value->is_object()) return std::nullopt;
    const int64_t seconds = value->int_or("exp", 0);
    constexpr int64_t kSecondsMost = int64_t(1) << 40;
    if (seconds <= 0 || seconds > kSecondsMost) return std::nullopt;
    return from_millis(seconds * 1000);
}

}  // namespace tandem::slurm
