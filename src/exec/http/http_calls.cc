#include "exec/http/http_calls.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <mutex>

#include "base/encoding.h"
#include "exec/http/request.h"
#include "exec/http/transfers.h"

namespace tandem {

using http::Authorization;
using http::Connection;
using http::Request;
using http::Response;

namespace {

using Clock = std::chrono::steady_clock;
using Done = std::function<void(HttpAnswer)>;

constexpr size_t kTokenBytes = 64 * 1024;     // of the answer that holds a token
constexpr int64_t kTokenSeconds = 3'600;      // where the answer does not say
constexpr int64_t kTokenSecondsMax = 86'400;  // then it is asked for anew, whatever was said
constexpr int64_t kTokenMarginSeconds = 30;   // a token is not used up to its last second

HttpAnswer failed(std::string error, std::string cause) {
    HttpAnswer out;
    out.error = std::move(error);
    out.cause = std::move(cause);
    return out;
}

HttpAnswer refused(std::string reason) {
    HttpAnswer out;
    out.refused = std::move(reason);
    return out;
}

json::Value body_of(std::string bytes) {
    // Whatever its type says: a text that is JSON is shown as that.
    if (auto value = json::parse(bytes)) return *std::move(value);
    return to_valid_utf8(std::move(bytes));
}

json::Value headers_of(const http::Pairs& headers) {
    json::Value out = json::Value::object();
    for (const auto& [name, value] : headers) {
        json::Array values;
        if (const json::Value* earlier = out.find(name)) values = earlier->as_array();
        values.emplace_back(to_valid_utf8(value));
        out.set(to_valid_utf8(name), json::Value(std::move(values)));
    }
    return out;
}

HttpAnswer answer_of(Response response) {
    if (response.is_too_large) {
        return failed("States.DataLimitExceeded",
                      "The state/task 'http' returned a result with a size exceeding the maximum "
                      "number of bytes service limit.");
    }
    if (!response.failure.empty())
        return failed("States.Http.Socket", to_valid_utf8(std::move(response.failure)));
    const std::string text = to_valid_utf8(response.status_text);
    if (response.status < 200 || response.status >= 300) {
        std::string cause = to_valid_utf8(std::move(response.body));
        if (cause.empty()) cause = text.empty() ? std::to_string(response.status) : text;
        if (cause.size() > kCauseChars) cause = to_valid_utf8(cause.substr(0, kCauseChars));
        return failed("States.Http.StatusCode." + std::to_string(response.status),
                      std::move(cause));
    }
    HttpAnswer out;
    out.output = json::Value::object({{"Headers", headers_of(response.headers)},
                                      {"ResponseBody", body_of(std::move(response.body))},
                                      {"StatusCode", response.status},
                                      {"StatusText", text}});
    return out;
}

Request token_request(const Connection& connection) {
    Request out;
    out.method = "POST";
    out.url = connection.endpoint;
    out.headers = {{"Content-Type", "application/x-www-form-urlencoded"},
                   {"Accept", "application/json"}};
    out.has_body = true;
    out.body = "grant_type=client_credentials&client_id=" + percent_encode(connection.name) +
               "&client_secret=" + percent_encode(connection.secret);
    return out;
}

}  // namespace

class HttpCalls::Impl {
public:
    explicit Impl(HttpCallOptions options)
        : options_(std::move(options)), transfers_(kHttpTaskCalls) {}

    void call(const json::Value& parameters, Done done) {
        const std::string name = http::connection_of(parameters);
        if (name.empty())
            return done(
                refused("The value of the field 'ConnectionArn' has an "
                        "invalid format"));
        const auto found = options_.connections.find(name);
        if (found == options_.connections.end()) {
            return done(failed("Events.ConnectionResource.NotFound",
                               "The connection '" + name + "' is not configured."));
        }
        const Connection& connection = found->second;
        auto request =
            http::make_request(parameters, connection, options_.region, options_.body_bytes);
        if (!request) return done(refused(std::move(request.error())));
        switch (connection.authorization) {
            case Authorization::kNone: break;
            case Authorization::kBasic:
                request->headers.emplace_back(
                    "Authorization",
                    "Basic " + base64_encode(connection.name + ":" + connection.secret));
                break;
            case Authorization::kApiKey:
                request->headers.emplace_back(connection.name, connection.secret);
                break;
            case Authorization::kOAuthClientCredentials:
                return send_with_token(name, connection, *std::move(request), Attempt::kFirst,
                                       std::move(done));
        }
        send(connection, *std::move(request),
             [done = std::move(done)](Response r) { done(answer_of(std::move(r))); });
    }

    void stop() { transfers_.stop(); }

private:
    enum class Attempt { kFirst, kLast };
    struct Token {
        std::string text;
        Clock::time_point good_until;
    };

    void send(const Connection& connection, Request request, std::function<void(Response)> done,
              size_t body_bytes = 0) {
        http::Transfer transfer;
        transfer.request = std::move(request);
        transfer.ca_file = connection.ca_file;
        transfer.timeout_ms = options_.timeout_ms;
        transfer.body_bytes = body_bytes != 0 ? body_bytes : options_.body_bytes;
        transfer.header_bytes = kHttpHeaderBytes;
        transfer.done = std::move(done);
        transfers_.start(std::move(transfer));
    }

    std::string token_of(const std::string& name) {
        const std::lock_guard lock(mutex_);
        const auto found = tokens_.find(name);
        if (found == tokens_.end() || found->second.good_until < Clock::now()) return {};
        return found->second.text;
    }

    void forget_token(const std::string& name) {
        const std::lock_guard lock(mutex_);
        tokens_.erase(name);
    }

    /// A token that is refused is asked for anew, once.
    void send_with_token(const std::string& name, const Connection& connection, Request request,
                         Attempt attempt, Done done) {
        const std::string token = token_of(name);
        if (token.empty())
            return fetch_token(name, connection, std::move(request), std::move(done));
        Request with = request;
        with.headers.emplace_back("Authorization", "Bearer " + token);
        send(connection, std::move(with),
             [this, name, &connection, request = std::move(request), attempt,
              done = std::move(done)](Response response) mutable {
                 const bool is_refused = response.status == 401 || response.status == 407;
                 if (!is_refused || attempt == Attempt::kLast)
                     return done(answer_of(std::move(response)));
                 forget_token(name);
                 fetch_token(name, connection, std::move(request), std::move(done));
             });
    }

    void fetch_token(const std::string& name, const Connection& connection, Request request,
                     Done done) {
        send(
            connection, token_request(connection),
            [this, name, &connection, request = std::move(request),
             done = std::move(done)](const Response& response) mutable {
                const auto body = json::parse(response.body);
                const std::string token(body ? body->string_or("access_token", "") : "");
                if (!response.failure.empty() || response.status != 200 || token.empty()) {
                    // What the endpoint said may hold the secret: it is not shown.
                    return done(failed("Events.ConnectionResource.AuthorizationFailed",
                                       "The connection '" + name +
                                           "' got no token: the token endpoint answered " +
                                           std::to_string(response.status) + "."));
                }
                const json::Value* life = body->find("expires_in");
                double seconds = kTokenSeconds;
                if (life != nullptr && life->is_number())
                    seconds = std::min(life->as_double(), double(kTokenSecondsMax));
                {
                    const std::lock_guard lock(mutex_);
                    // It is good for this call at least.
                    const auto good = int64_t(std::max(seconds - kTokenMarginSeconds, 1.0));
                    tokens_[name] = {token, Clock::now() + std::chrono::seconds(good)};
                }
                send_with_token(name, connection, std::move(request), Attempt::kLast,
                                std::move(done));
            },
            kTokenBytes);
    }

    const HttpCallOptions options_;
    std::mutex mutex_;
    std::map<std::string, Token> tokens_;  // by connection
    http::Transfers transfers_;
};

HttpCalls::HttpCalls(HttpCallOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
HttpCalls::~HttpCalls() = default;
void HttpCalls::call(const json::Value& parameters, Done done) {
    impl_->call(parameters, std::move(done));
}
void HttpCalls::stop() { impl_->stop(); }

}  // namespace tandem
