#include "net/url.h"

#include <charconv>

namespace tandem::net {

Result<Url> parse_url(std::string_view text) {
    const auto bad = [&] {
        return fail(ErrorCode::kInvalidArgument, "not an http or https URL: " + std::string(text));
    };
    Url url;
    const size_t scheme = text.find("://");
    if (scheme == std::string_view::npos) return bad();
    url.scheme = text.substr(0, scheme);
    if (url.scheme != "http" && url.scheme != "https") return bad();
    url.port = url.scheme == "https" ? 443 : 80;
    std::string_view rest = text.substr(scheme + 3);
    const size_t slash = std::min(rest.find('/'), rest.size());
    if (slash < rest.size()) url.target = rest.substr(slash);
    std::string_view authority = rest.substr(0, slash);
    const size_t bracket = authority.find(']');
    const size_t colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
    if (colon != std::string_view::npos) {
        const std::string_view digits = authority.substr(colon + 1);
        const auto [end, ec] =
            std::from_chars(digits.data(), digits.data() + digits.size(), url.port);
        if (ec != std::errc() || end != digits.data() + digits.size()) return bad();
        authority = authority.substr(0, colon);
    }
    if (authority.size() > 1 && authority.front() == '[' && authority.back() == ']')
        authority = authority.substr(1, authority.size() - 2);
    if (authority.empty()) return bad();
    url.host = authority;
    return url;
}

}  // namespace tandem::net
