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

struct ClientOptions {
    std::string endpoint;          // empty: TANDEM_ENDPOINT, the ready file, or http://127.0.0.1:8470
    std::string credentials_file;  // empty: AWS_* variables, TANDEM_CREDENTIALS, the ready file, ./tandem-data/credentials
    std::string ready_file;        // what `tandem serve --ready-file` wrote; also TANDEM_READY_FILE
    std::string region;            // empty: AWS_REGION or us-east-1
    std::string ca_file;
};

class Client {
public:
    /// Error: kInvalidArgument, kNotFound (no credentials anywhere).
    static Result<Client> make(const ClientOptions& options);

    /// One Step Functions action. An AWS error becomes Error{kInvalidArgument | kNotFound | ..., "Type: message"}.
    Result<json::Value> states(std::string_view action, const json::Value& request);
    /// One Lambda request; the reply's headers and body as they came when the status is below 300.
    Result<net::HttpResponse> lambda(std::string_view method, std::string target, std::string body,
                                     net::Headers headers = {});
    /// GET of an admin route.
    Result<std::string> admin(std::string target);

    const std::string& region() const { return region_; }

private:
    Result<net::HttpResponse> send(net::HttpRequest request, std::string_view service);

    std::unique_ptr<net::HttpClient> http_;
    std::string host_;
    std::string region_;
    net::Credentials credentials_;
};

}  // namespace tandem::cli
