// AWS Signature Version 4: verifies callers and signs our own requests; written once for all.
// Source: AWS "Signature Version 4 signing process". Pure functions; no clock (pass `now`).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "net/http.h"

namespace tandem::net {

struct Credentials {
    std::string access_key_id;
    std::string secret_access_key;
    std::string session_token;  // empty = none
};

struct SigV4Scope {
    std::string region;
    std::string service;  // "states", "lambda"
};

/// What is wrong with a signature, named as AWS names it.
struct SigV4Failure {
    enum class Kind {
        kMissing,       // MissingAuthenticationToken: no Authorization at all
        kIncomplete,    // IncompleteSignature: malformed header or missing parts
        kUnknownKey,    // UnrecognizedClient / InvalidClientTokenId
        kBadSignature,  // InvalidSignature: does not match
        kExpired,       // InvalidSignature: signature expired / not yet current (skew > 5 min)
        kWrongScope,    // InvalidSignature: credential should be scoped to region / service
    };
    Kind kind = Kind::kMissing;
    std::string message;  // AWS's text
};

struct SigV4Policy {
    SigV4Scope scope;
    int64_t max_skew_s = 900;  // as AWS allows
    /// Secret of an access key id; nullopt if unknown.
    std::function<std::optional<std::string>(std::string_view access_key_id)> secret_of;
};

/// Checks Authorization header or presigned query. nullopt = accepted.
std::optional<SigV4Failure> verify(const HttpRequest& request, const SigV4Policy& policy,
                                   Timestamp now);

/// Adds X-Amz-Date, X-Amz-Content-Sha256 (and X-Amz-Security-Token) and Authorization to `request`,
/// which must carry a Host header.
void sign(HttpRequest& request, const Credentials& credentials, const SigV4Scope& scope,
          Timestamp now);

}  // namespace tandem::net
