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

}  // namespace tandem::slurm
