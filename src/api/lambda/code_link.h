// CodeLinks: the download links of GetFunction's Code.Location. A link names a blob and an expiry
// and carries an HMAC under a key of this process, so that it needs no AWS signature (as S3's
// presigned links, which it stands for). Safe from every thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "api/aws/door.h"

namespace tandem::lambda {

class CodeLinks {
public:
    explicit CodeLinks(const aws::Context& context);

    /// A link good for ten minutes. `host` is the Host header of the request that asks.
    std::string make(std::string_view host, std::string_view blob) const;
    static bool is_link(const net::HttpRequest& request);
    /// The blob that a link of ours names; nullopt when it is forged or too old.
    std::optional<std::string> verify(const net::HttpRequest& request) const;

private:
    std::string sign(std::string_view blob, std::string_view expires) const;

    const Clock& clock_;
    bool tls_;
    std::string key_;
};

}  // namespace tandem::lambda
