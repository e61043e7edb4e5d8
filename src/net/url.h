// Url: scheme, host and port of "http[s]://host[:port][/...]". Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace tandem::net {

struct Url {
    std::string scheme;  // "http" or "https"
    std::string host;    // without the brackets of an IPv6 address
    uint16_t port = 80;
    std::string target = "/";
};

/// Error: kInvalidArgument.
Result<Url> parse_url(std::string_view text);

}  // namespace tandem::net
