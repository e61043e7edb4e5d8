// Client: how the commands talk to a server - the same signed AWS requests that any SDK sends, plus
// the few admin routes that AWS has no counterpart for. Blocking; one per process.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "json/value.h"
#include "net/http.h"
#include "net/sigv4.h"

namespace tandem::cli {

/// Longer than the longest synchronous invocation.
inline constexpr int64_t kInvocationTimeoutMs = 16 * 60 * 1000;

/// What is empty is looked for: first in the ready file that was named, then in TANDEM_ENDPOINT,
/// TANDEM_CREDENTIALS and TANDEM_READY_FILE, then in the variables of the AWS clients, last in the
/// defaults of `tandem serve` (http://127.0.0.1:8470, ./tandem-data/credentials).
struct ClientOptions {
    std::string endpoint;
    std::string credentials_file;
    std::string ready_file;  // what `tandem serve --ready-file` wrote
    std::string region;
    std::string ca_file;
    int64_t timeout_ms = 30'000;  // per request
};

class Client {
public:
    /// Error: kInvalidArgument, kNotFound (a file that was named is not there).
    static Result<Client> make(const ClientOptions& options);

    /// One Step Functions action. An AWS error becomes Error{kInvalidArgument | kNotFound | ...,
    /// "Type: message"}.
    Result<json::Value> states(std::string_view action, const json::Value& request);
    /// One Lambda request; the reply's headers and body as they came when the status is below 300.
    Result<net::HttpResponse> lambda(std::string_view method, std::string target, std::string body,
                                     net::Headers headers = {});
    /// GET of an admin route.
    Result<std::string> admin(std::string target);
    Result<std::string> admin_post(std::string target, std::string body);

    const std::string& region() const { return region_; }

private:
    Result<json::Value> parsed(const Payload& body) const;
    Error with_key_hint(Error error) const;
    Result<net::HttpResponse> send(net::HttpRequest request, std::string_view service);

    std::unique_ptr<net::HttpClient> http_;
    std::string host_;
    std::string region_;
    net::Credentials credentials_;
    std::string key_source_;  // where the key was found, for the message that it is wrong
};

}  // namespace tandem::cli
