// The token with which slurmrestd's rest_auth/jwt lets a user in: HS256 over {exp, iat, sun} with
// the key of the cluster (AuthAltParameters=jwt_key=...). Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace tandem::slurm {

std::string make_token(std::string_view key, std::string_view user, Timestamp now,
                       int64_t valid_seconds);

/// When a token says that it ends; nullopt where it does not say so.
std::optional<Timestamp> token_end(std::string_view token);

}  // namespace tandem::slurm
