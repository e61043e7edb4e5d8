#include "api/lambda/code_link.h"

#include <charconv>

#include "base/encoding.h"
#include "base/rng.h"

namespace tandem::lambda {

namespace {

constexpr std::string_view kPrefix = "/2015-03-31/packages/";
constexpr int64_t kLifetimeSeconds = 600;

}  // namespace

CodeLinks::CodeLinks(const aws::Context& context)
    : clock_(context.clock), tls_(context.tls), key_(random_bytes(32)) {}

std::string CodeLinks::sign(std::string_view blob, std::string_view expires) const {
    return hex(hmac_sha256(key_, std::string(blob).append("\n").append(expires)));
}

std::string CodeLinks::make(std::string_view host, std::string_view blob) const {
    const std::string expires = std::to_string(to_millis(clock_.now()) / 1000 + kLifetimeSeconds);
    std::string link(tls_ ? "https://" : "http://");
    link.append(host).append(kPrefix).append(blob).append("?Expires=").append(expires);
    return link.append("&Signature=").append(sign(blob, expires));
}

bool CodeLinks::is_link(const net::HttpRequest& request) {
    return request.method == "GET" && request.path().starts_with(kPrefix);
}

std::optional<std::string> CodeLinks::verify(const net::HttpRequest& request) const {
    const std::string_view blob = request.path().substr(kPrefix.size());
    const auto expires = net::query_parameter(request.query(), "Expires");
    const auto signature = net::query_parameter(request.query(), "Signature");
    if (!expires || !signature || !equal_constant_time(*signature, sign(blob, *expires)))
        return std::nullopt;
    int64_t seconds = 0;
    const auto [end, error] =
        std::from_chars(expires->data(), expires->data() + expires->size(), seconds);
    if (error != std::errc() || to_millis(clock_.now()) / 1000 > seconds) return std::nullopt;
    return std::string(blob);
}

}  // namespace tandem::lambda
