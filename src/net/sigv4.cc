#include "net/sigv4.h"

#include <algorithm>
#include <map>
#include <mutex>

#include "base/encoding.h"
#include "net/canonical.h"

namespace tandem::net {

namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
constexpr std::string_view kUnsigned = "UNSIGNED-PAYLOAD";
constexpr size_t kKeyCacheEntries = 256;
constexpr ptrdiff_t kSignedHeadersMax = 100;  // each is looked for among all headers
constexpr int64_t kPresignedSecondsMax = 7 * 24 * 3600;

std::string basic_date(Timestamp t) {  // 20260102T030405Z
    std::string iso = format_iso8601(t);
    std::string out;
    for (const char c : iso.substr(0, 19)) {
        if (c != '-' && c != ':') out.push_back(c);
    }
    return out + "Z";
}

std::optional<Timestamp> parse_basic_date(std::string_view s) {
    if (s.size() != 16 || s[8] != 'T' || s[15] != 'Z') return std::nullopt;
    const std::string iso = std::string(s.substr(0, 4)) + "-" + std::string(s.substr(4, 2)) + "-" +
                            std::string(s.substr(6, 2)) + "T" + std::string(s.substr(9, 2)) + ":" +
                            std::string(s.substr(11, 2)) + ":" + std::string(s.substr(13, 2)) + "Z";
    const auto t = parse_rfc3339(iso);
    if (!t) return std::nullopt;
    return *t;
}

/// The signing key is the same for a whole day: four HMACs saved on every request.
std::string signing_key(std::string_view secret, std::string_view date, const SigV4Scope& scope) {
    static std::mutex mutex;
    static std::map<std::string, std::string> cache;
    const std::string name =
        std::string(secret) + "\n" + std::string(date) + "\n" + scope.region + "\n" + scope.service;
    {
        const std::lock_guard lock(mutex);
        const auto it = cache.find(name);
        if (it != cache.end()) return it->second;
    }
    std::string key = hmac_sha256("AWS4" + std::string(secret), date);
    key = hmac_sha256(key, scope.region);
    key = hmac_sha256(key, scope.service);
    key = hmac_sha256(key, "aws4_request");
    const std::lock_guard lock(mutex);
    if (cache.size() >= kKeyCacheEntries) cache.clear();
    cache[name] = key;
    return key;
}

std::string signature_of(std::string_view canonical, std::string_view secret, std::string_view date,
                         const SigV4Scope& scope) {
    const std::string day(date.substr(0, 8));
    const std::string to_sign = std::string(kAlgorithm) + "\n" + std::string(date) + "\n" + day +
                                "/" + scope.region + "/" + scope.service + "/aws4_request\n" +
                                hex(sha256(canonical));
    return hex(hmac_sha256(signing_key(secret, day, scope), to_sign));
}

/// What a caller claims, from the Authorization header or the presigned query.
struct Claim {
    std::string credential;
    std::string signed_headers;
    std::string signature;
    std::string date;
    bool presigned = false;
    int64_t expires_s = 0;
};

SigV4Failure incomplete(std::string message) {
    return {SigV4Failure::Kind::kIncomplete, std::move(message)};
}

std::optional<SigV4Failure> read_header(std::string_view header, const HttpRequest& request,
                                        Claim& claim) {
    if (header.substr(0, kAlgorithm.size()) != kAlgorithm)
        return incomplete("Unsupported AWS 'algorithm': '" +
                          std::string(header.substr(0, header.find(' '))) + "'.");
    std::string_view rest = header.substr(kAlgorithm.size());
    while (!rest.empty()) {
        const size_t start = std::min(rest.find_first_not_of(" ,"), rest.size());
        rest.remove_prefix(start);
        const size_t end = std::min(rest.find(','), rest.size());
        const std::string_view part = rest.substr(0, end);
        const size_t equals = part.find('=');
        if (equals != std::string_view::npos) {
            const std::string_view name = part.substr(0, equals);
            std::string value(part.substr(equals + 1));
            value.erase(value.find_last_not_of(' ') + 1);
            if (name == "Credential") claim.credential = value;
            if (name == "SignedHeaders") claim.signed_headers = value;
            if (name == "Signature") claim.signature = value;
        }
        rest.remove_prefix(end);
    }
    claim.date = request.headers.get_or("X-Amz-Date", "");
    std::string missing;
    if (claim.credential.empty())
        missing += "Authorization header requires 'Credential' parameter. ";
    if (claim.signature.empty()) missing += "Authorization header requires 'Signature' parameter. ";
    if (claim.signed_headers.empty())
        missing += "Authorization header requires 'SignedHeaders' parameter. ";
    if (claim.date.empty())
        missing +=
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ";
    if (missing.empty()) return std::nullopt;
    return incomplete(missing + "Authorization=" + std::string(header.substr(0, header.find(' '))));
}

std::optional<SigV4Failure> read_query(const HttpRequest& request, Claim& claim) {
    const std::string_view q = request.query();
    claim.presigned = true;
    claim.credential = query_parameter(q, "X-Amz-Credential").value_or("");
    claim.signed_headers = query_parameter(q, "X-Amz-SignedHeaders").value_or("");
    claim.signature = query_parameter(q, "X-Amz-Signature").value_or("");
    claim.date = query_parameter(q, "X-Amz-Date").value_or("");
    const std::string expires = query_parameter(q, "X-Amz-Expires").value_or("");
    if (claim.credential.empty() || claim.signed_headers.empty() || claim.signature.empty() ||
        claim.date.empty() || expires.empty() || expires.size() > 6 ||
        expires.find_first_not_of("0123456789") != std::string::npos) {
        return incomplete(
            "AWS query-string parameters must include 'X-Amz-Credential', 'X-Amz-SignedHeaders', "
            "'X-Amz-Signature', 'X-Amz-Date' and 'X-Amz-Expires'.");
    }
    claim.expires_s = std::min<int64_t>(std::stoll(expires), kPresignedSecondsMax);
    return std::nullopt;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    for (size_t pos = 0; pos <= text.size();) {
        const size_t end = std::min(text.find(separator, pos), text.size());
        parts.push_back(text.substr(pos, end - pos));
        pos = end + 1;
    }
    return parts;
}

std::optional<SigV4Failure> check_scope(const std::vector<std::string_view>& scope,
                                        const SigV4Policy& policy, const Claim& claim) {
    const auto wrong = [](std::string message) {
        return SigV4Failure{SigV4Failure::Kind::kWrongScope, std::move(message)};
    };
    if (scope[1] != std::string_view(claim.date).substr(0, 8)) {
        return wrong(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from "
            "HTTP: '" +
            std::string(scope[1]) + "' != '" + claim.date.substr(0, 8) + "', from '" + claim.date +
            "'.");
    }
    if (scope[2] != policy.scope.region)
        return wrong("Credential should be scoped to a valid region.");
    if (scope[3] != policy.scope.service)
        return wrong("Credential should be scoped to correct service: '" + policy.scope.service +
                     "'.");
    if (scope[4] != "aws4_request")
        return wrong("Credential should be scoped with a valid terminator: 'aws4_request', not '" +
                     std::string(scope[4]) + "'.");
    return std::nullopt;
}

std::optional<SigV4Failure> check_time(const Claim& claim, Timestamp signed_at,
                                       const SigV4Policy& policy, Timestamp now) {
    const auto expired = [](std::string message) {
        return SigV4Failure{SigV4Failure::Kind::kExpired, std::move(message)};
    };
    const Duration skew = std::chrono::seconds(policy.max_skew_s);
    const Duration life = claim.presigned ? Duration(std::chrono::seconds(claim.expires_s)) : skew;
    if (now > signed_at + life) {
        return expired("Signature expired: " + claim.date + " is now earlier than " +
                       basic_date(now - life) + " (" + basic_date(now) + " - " +
                       std::to_string(life.count() / 60'000'000) + " min.)");
    }
    if (signed_at > now + skew) {
        return expired("Signature not yet current: " + claim.date + " is still later than " +
                       basic_date(now + skew) + " (" + basic_date(now) + " + " +
                       std::to_string(policy.max_skew_s / 60) + " min.)");
    }
    return std::nullopt;
}

bool lists_host(std::string_view signed_headers) {
    const auto names = split(signed_headers, ';');
    return std::find(names.begin(), names.end(), "host") != names.end();
}

}  // namespace

std::optional<SigV4Failure> verify(const HttpRequest& request, const SigV4Policy& policy,
                                   Timestamp now) {
    Claim claim;
    std::optional<SigV4Failure> failure;
    if (const std::string* header = request.headers.find("Authorization"))
        failure = read_header(*header, request, claim);
    else if (query_parameter(request.query(), "X-Amz-Algorithm"))
        failure = read_query(request, claim);
    else return SigV4Failure{SigV4Failure::Kind::kMissing, "Missing Authentication Token"};
    if (failure) return failure;
    const auto scope = split(claim.credential, '/');
    const auto signed_at = parse_basic_date(claim.date);
    if (scope.size() != 5)
        return incomplete(
            "Credential must have exactly 5 slash-delimited elements, e.g. "
            "keyid/date/region/service/term, got '" +
            claim.credential + "'");
    if (!signed_at)
        return incomplete("Date must be in ISO-8601 'basic format'. Got '" + claim.date + "'.");
    if (std::count(claim.signed_headers.begin(), claim.signed_headers.end(), ';') >=
        kSignedHeadersMax)
        return incomplete("'SignedHeaders' names more than " + std::to_string(kSignedHeadersMax) +
                          " headers.");
    if (!lists_host(claim.signed_headers))
        return incomplete(
            "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.");
    const auto secret = policy.secret_of(scope[0]);
    if (!secret)
        return SigV4Failure{SigV4Failure::Kind::kUnknownKey,
                            "The security token included in the request is invalid."};
    if (auto wrong = check_scope(scope, policy, claim)) return wrong;
    if (auto late = check_time(claim, *signed_at, policy, now)) return late;
    const SigV4Failure mismatch{
        SigV4Failure::Kind::kBadSignature,
        "The request signature we calculated does not match the signature you provided. Check your "
        "AWS Secret Access Key and signing method. Consult the service documentation for details."};
    std::string payload_hash(request.headers.get_or("X-Amz-Content-Sha256", ""));
    if (claim.presigned && payload_hash.empty())
        payload_hash = request.body.empty() ? hex(sha256("")) : std::string(kUnsigned);
    const std::string body_hash =
        payload_hash == kUnsigned ? payload_hash : hex(sha256(request.body));
    if (payload_hash.empty()) payload_hash = body_hash;
    if (payload_hash != body_hash) return mismatch;
    const std::string canonical =
        canonical_request(request, path_coding_of(policy.scope.service), claim.signed_headers,
                          payload_hash, claim.presigned ? "X-Amz-Signature" : "");
    const std::string expected = signature_of(canonical, *secret, claim.date, policy.scope);
    if (!equal_constant_time(expected, claim.signature)) return mismatch;
    return std::nullopt;
}

void sign(HttpRequest& request, const Credentials& credentials, const SigV4Scope& scope,
          Timestamp now) {
    const std::string date = basic_date(now);
    const std::string payload_hash = hex(sha256(request.body));
    request.headers.set("X-Amz-Date", date);
    request.headers.set("X-Amz-Content-Sha256", payload_hash);
    if (!credentials.session_token.empty())
        request.headers.set("X-Amz-Security-Token", credentials.session_token);
    std::vector<std::string> names;
    for (const auto& [name, value] : request.headers) {
        std::string lower;
        for (const char c : name) lower.push_back(c >= 'A' && c <= 'Z' ? char(c + 32) : c);
        if (lower != "authorization" && lower != "user-agent" && lower != "expect")
            names.push_back(lower);
    }
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    std::string signed_headers;
    for (const std::string& name : names)
        signed_headers += (signed_headers.empty() ? "" : ";") + name;
    const std::string signature = signature_of(
        canonical_request(request, path_coding_of(scope.service), signed_headers, payload_hash),
        credentials.secret_access_key, date, scope);
    request.headers.set("Authorization",
                        std::string(kAlgorithm) + " Credential=" + credentials.access_key_id + "/" +
                            date.substr(0, 8) + "/" + scope.region + "/" + scope.service +
                            "/aws4_request, SignedHeaders=" + signed_headers +
                            ", Signature=" + signature);
}

}  // namespace tandem::net
