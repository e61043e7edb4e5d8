#include "store/s3/s3_client.h"

#include <algorithm>
#include <thread>

#include "base/encoding.h"
#include "base/rng.h"
#include "net/url.h"
#include "store/s3/s3_xml.h"

namespace tandem::s3 {

namespace {

constexpr size_t kIdleConnections = 16;
constexpr int kPauseDoublings = 6;         // of the pause between attempts
constexpr size_t kErrorBytes = 64 * 1024;  // of an error's XML

bool is_busy(int status) { return status == 429 || status == 503; }

bool may_pass(int status) {
    return is_busy(status) || status == 500 || status == 502 || status == 504;
}

ErrorCode code_of(int status, std::string_view code) {
    if (code == "EntityTooLarge") return ErrorCode::kTooLarge;
    if (code == "RequestTimeout") return ErrorCode::kTimeout;
    if (is_busy(status)) return ErrorCode::kOverloaded;
    if (status >= 500) return ErrorCode::kUnavailable;
    switch (status) {
        case 401: return ErrorCode::kUnauthenticated;
        case 403: return ErrorCode::kPermissionDenied;
        case 404: return ErrorCode::kNotFound;
        case 409: return ErrorCode::kConflict;
        case 412: return ErrorCode::kAlreadyExists;
        default: return ErrorCode::kInvalidArgument;
    }
}

Error error_of(const net::HttpResponse& response) {
    const ErrorAnswer said = read_error(response.body.view().substr(0, kErrorBytes));
    std::string message = said.message.empty() ? said.code : said.message;
    if (message.empty()) message = "the endpoint answered " + std::to_string(response.status);
    return {code_of(response.status, said.code), std::move(message)};
}

bool is_lost(const Error& error) {
    return error.code == ErrorCode::kUnavailable || error.code == ErrorCode::kTimeout;
}

}  // namespace

Result<void> Client::open() {
    const auto url = net::parse_url(options_.endpoint);
    if (!url) return tl::unexpected<Error>(url.error());
    if (url->target != "/")
        return fail(ErrorCode::kInvalidArgument, "an endpoint has no path: " + options_.endpoint);
    const bool is_v6 = url->host.find(':') != std::string::npos;
    host_ = is_v6 ? "[" + url->host + "]" : url->host;
    if (url->port != (url->scheme == "https" ? 443 : 80)) host_ += ":" + std::to_string(url->port);
    auto connection = take_connection();  // nothing is sent yet, but certificates are read
    if (!connection) return tl::unexpected<Error>(connection.error());
    idle_.push_back(std::move(*connection));
    return {};
}

Result<std::unique_ptr<net::HttpClient>> Client::take_connection() {
    {
        const std::lock_guard lock(mutex_);
        if (!idle_.empty()) {
            auto connection = std::move(idle_.back());
            idle_.pop_back();
            return connection;
        }
    }
    net::HttpClientOptions options;
    options.url = options_.endpoint;
    options.timeout_ms = options_.timeout_ms;
    options.ca_file = options_.ca_file;
    return net::HttpClient::make(std::move(options));
}

net::HttpRequest Client::signed_request(const Request& request) const {
    net::HttpRequest out;
    out.method = request.method;
    out.target = "/" + options_.bucket;
    if (!request.key.empty()) out.target += "/" + percent_encode(request.key, "/");
    char separator = '?';
    for (const auto& [name, value] : request.query) {
        out.target += separator + percent_encode(name) + "=" + percent_encode(value);
        separator = '&';
    }
    for (const auto& [name, value] : request.headers) out.headers.set(name, value);
    out.headers.set("Host", host_);
    out.body = request.body;
    if (!options_.credentials.access_key_id.empty())
        net::sign(out, options_.credentials, {options_.region, "s3"}, system_clock().now());
    return out;
}

/// Longer each time, and never the same for all who wait.
void Client::pause(int attempt) const {
    const int64_t longest = options_.pause_ms << std::min(attempt, kPauseDoublings);
    const int64_t wait = longest / 2 + int64_t(random_u64() % uint64_t(longest / 2 + 1));
    std::this_thread::sleep_for(std::chrono::milliseconds(wait));
}

Client::Attempt Client::attempt(const Request& request) {
    auto connection = take_connection();
    if (!connection) return {tl::unexpected<Error>(connection.error())};
    auto response = (*connection)->send(signed_request(request));
    if (!response) {
        const bool again = is_lost(response.error()) && request.is_repeatable;
        return {tl::unexpected<Error>(response.error()), again ? Next::kRetry : Next::kReturn};
    }
    {
        const std::lock_guard lock(mutex_);
        if (idle_.size() < kIdleConnections) idle_.push_back(std::move(*connection));
    }
    if (response->status < 300 || response->status == 416) return {std::move(*response)};
    Error error = error_of(*response);
    const bool again = is_busy(response->status) ||
                       ((may_pass(response->status) || error.code == ErrorCode::kTimeout) &&
                        request.is_repeatable);
    return {tl::unexpected<Error>(std::move(error)), again ? Next::kRetry : Next::kReturn};
}

Result<net::HttpResponse> Client::call(const Request& request) {
    for (int tried = 1;; ++tried) {
        Attempt done = attempt(request);
        if (done.next == Next::kReturn || tried >= options_.attempts) return std::move(done.answer);
        pause(tried - 1);
    }
}

}  // namespace tandem::s3
