// What an agent shows to be let in: which pool it serves, and until when. Signed by the server that
// gave it, under a key that only it has. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace tandem::agent {

struct TokenClaims {
    std::string pool;
    std::string agent;  // the only name it may have; empty: any
    Timestamp expires{};
};

std::string make_token(std::string_view key, const TokenClaims& claims);
/// Error: kUnauthenticated, also where it has expired.
Result<TokenClaims> check_token(std::string_view key, std::string_view token, Timestamp now);

}  // namespace tandem::agent
