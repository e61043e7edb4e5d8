#include "exec/http/http_calls.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <mutex>
#include <set>

#include "base/encoding.h"
#include "exec/http/answer.h"
#include "exec/http/request.h"
#include "exec/http/transfers.h"

namespace tandem {

using http::answer_of;
using http::Authorization;
using http::Connection;
using http::failed;
using http::protocol_of;
using http::Request;
using http::Response;
using http::shown;

namespace {

using Clock = std::chrono::steady_clock;
using Done = std::function<void(HttpAnswer)>;

constexpr size_t kTokenBytes = 64 * 1024;     // of the answer that holds a token
constexpr int64_t kTokenSeconds = 3'600;      // where the answer does not say
constexpr int64_t kTokenSecondsMax = 86'400;  // then it is asked for anew, whatever was said
constexpr int64_t kTokenMarginSeconds = 30;   // a token is not used up to its last second

HttpAnswer refused(std::string reason) {
    HttpAnswer out;
    out.refused = std::move(reason);
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

    void call(const std::string& key, const json::Value& parameters, Done done,
              std::shared_ptr<HttpTrace> trace) {
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
        if (trace && !trace->reveals_secrets) {
            Connection bare;  // all that is known without the connection
            bare.allows_http = connection.allows_http;
            if (auto open =
                    http::make_request(parameters, bare, options_.region, options_.body_bytes))
                trace->request = shown(*open);
        }
        Call call{key, *std::move(request), std::move(trace), {}};
        call.done = [this, key, done = std::move(done)](HttpAnswer answer) {
            closed(key);
            done(std::move(answer));
        };
        opened(key);
        Request& sent = call.request;
        switch (connection.authorization) {
            case Authorization::kNone: break;
            case Authorization::kBasic:
                sent.headers.emplace_back(
                    "Authorization",
                    "Basic " + base64_encode(connection.name + ":" + connection.secret));
                break;
            case Authorization::kApiKey:
                sent.headers.emplace_back(connection.name, connection.secret);
                break;
            case Authorization::kOAuthClientCredentials:
                return send_with_token(name, connection, std::move(call), Attempt::kFirst);
        }
        auto answered = [call](Response r) { answer(call, std::move(r)); };
        send(connection, call, std::move(call.request), std::move(answered));
    }

    void cancel(const std::string& key) {
        closed(key);
        transfers_.cancel(key);
    }

    void stop() { transfers_.stop(); }

private:
    enum class Attempt { kFirst, kLast };
    struct Call {
        std::string key;
        Request request;
        std::shared_ptr<HttpTrace> trace;
        Done done;
    };
    struct Token {
        std::string text;
        Clock::time_point good_until;
    };

    void opened(const std::string& key) {
        const std::lock_guard lock(mutex_);
        open_.insert(key);
    }
    void closed(const std::string& key) {
        const std::lock_guard lock(mutex_);
        open_.erase(key);
    }
    bool is_open(const std::string& key) {
        const std::lock_guard lock(mutex_);
        return open_.count(key) > 0;
    }

    /// The end of a call.
    static void answer(const Call& call, Response response) {
        if (call.trace && response.failure.empty())
            call.trace->response = shown(response, protocol_of(call.request.url));
        call.done(answer_of(std::move(response)));
    }

    void send(const Connection& connection, const Call& call, Request request,
              std::function<void(Response)> done, size_t body_bytes = 0) {
        if (call.trace && call.trace->reveals_secrets && body_bytes == 0)
            call.trace->request = shown(request);
        // Between two requests of a call nothing is there that could be cancelled.
        if (!is_open(call.key)) {
            Response response;
            response.failure = "The request was cancelled.";
            return done(std::move(response));
        }
        http::Transfer transfer;
        transfer.key = call.key;
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
    void send_with_token(const std::string& name, const Connection& connection, Call call,
                         Attempt attempt) {
        const std::string token = token_of(name);
        if (token.empty()) return fetch_token(name, connection, std::move(call));
        Request with = call.request;
        with.headers.emplace_back("Authorization", "Bearer " + token);
        send(connection, call, std::move(with),
             [this, name, &connection, call, attempt](Response response) {
                 const bool is_refused = response.status == 401 || response.status == 407;
                 if (!is_refused || attempt == Attempt::kLast)
                     return answer(call, std::move(response));
                 forget_token(name);
                 fetch_token(name, connection, call);
             });
    }

    void fetch_token(const std::string& name, const Connection& connection, const Call& call) {
        send(
            connection, call, token_request(connection),
            [this, name, &connection, call](const Response& response) {
                const auto body = json::parse(response.body);
                const std::string token(body ? body->string_or("access_token", "") : "");
                if (!response.failure.empty() || response.status != 200 || token.empty()) {
                    // What the endpoint said may hold the secret: it is not shown.
                    return call.done(failed("Events.ConnectionResource.AuthorizationFailed",
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
                send_with_token(name, connection, call, Attempt::kLast);
            },
            kTokenBytes);
    }

    const HttpCallOptions options_;
    std::mutex mutex_;
    std::map<std::string, Token> tokens_;  // by connection
    std::set<std::string> open_;           // calls that are wanted, by key
    http::Transfers transfers_;
};

HttpCalls::HttpCalls(HttpCallOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
HttpCalls::~HttpCalls() = default;
void HttpCalls::call(const std::string& key, const json::Value& parameters, Done done,
                     std::shared_ptr<HttpTrace> trace) {
    impl_->call(key, parameters, std::move(done), std::move(trace));
}
void HttpCalls::cancel(const std::string& key) { impl_->cancel(key); }
void HttpCalls::stop() { impl_->stop(); }

}  // namespace tandem
