#include "exec/slurm/jwt.h"

#include "base/encoding.h"
#include "json/value.h"

namespace tandem::slurm {

namespace {

std::string base64url(std::string_view bytes) {
    std::string out = base64_encode(bytes);
    while (!out.empty() && out.back() == '=') out.pop_back();
    for (char& c : out) {
        if (c == '+') c = '-';
        if (c == '/') c = '_';
    }
    return out;
}

}  // namespace

std::string make_token(std::string_view key, std::string_view user, Timestamp now,
                       int64_t valid_seconds) {
    const int64_t seconds = to_millis(now) / 1000;
    const std::string claims = json::print(json::Value::object(
        {{"exp", seconds + valid_seconds}, {"iat", seconds}, {"sun", std::string(user)}}));
    const std::string body = base64url(R"({"alg":"HS256","typ":"JWT"})") + "." + base64url(claims);
    return body + "." + base64url(hmac_sha256(key, body));
}

}  // namespace tandem::slurm
