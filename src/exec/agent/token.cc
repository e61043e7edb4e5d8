#include "exec/agent/token.h"

#include "base/jwt.h"
#include "json/value.h"
#include "model/function_spec.h"

namespace tandem::agent {

namespace {

// So that no other token under the same key can be taken for one of these.
constexpr std::string_view kAudience = "tandem-agent";
constexpr int64_t kSecondsMax = 253'402'300'799;  // the year 9999

}  // namespace

std::string make_token(std::string_view key, const TokenClaims& claims) {
    json::Value value = json::Value::object(
        {{"aud", kAudience}, {"exp", to_millis(claims.expires) / 1000}, {"pool", claims.pool}});
    if (!claims.agent.empty()) value.set("agent", claims.agent);
    return sign_jwt(key, json::print(value));
}

Result<TokenClaims> check_token(std::string_view key, std::string_view token, Timestamp now) {
    const auto text = verify_jwt(key, token);
    if (!text) return tl::unexpected<Error>(text.error());
    const auto value = json::parse(*text);
    if (!value || !value->is_object() || value->string_or("aud", "") != kAudience)
        return fail(ErrorCode::kUnauthenticated, "the token is not an agent's");
    TokenClaims claims;
    claims.pool = value->string_or("pool", "");
    claims.agent = value->string_or("agent", "");
    const int64_t seconds = value->int_or("exp", 0);
    if (!is_pool_name(claims.pool) || seconds <= 0 || seconds > kSecondsMax)
        return fail(ErrorCode::kUnauthenticated, "the token is damaged");
    claims.expires = from_millis(seconds * 1000);
    if (claims.expires <= now)
        return fail(ErrorCode::kUnauthenticated,
                    "the token expired at " + format_iso8601(claims.expires));
    return claims;
}

}  // namespace tandem::agent
