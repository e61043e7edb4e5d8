// HTTP messages, server and client. The server is callback-shaped at its edge: a handler gets the
// whole request and a reply function that may be called once, from any thread, at any time later.
// Inside, one small state machine per connection, pinned to one event-loop thread. Bodies are
// bounded.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/limits.h"
#include "base/result.h"

namespace tandem::net {

/// Header fields in order of arrival; names compare without case.
class Headers {
public:
    void add(std::string name, std::string value) {
        fields_.emplace_back(std::move(name), std::move(value));
    }
    void set(std::string_view name, std::string value);
    /// First value, or nullptr.
    const std::string* find(std::string_view name) const;
    std::string_view get_or(std::string_view name, std::string_view fallback) const;
    auto begin() const { return fields_.begin(); }
    auto end() const { return fields_.end(); }
    size_t size() const { return fields_.size(); }

private:
    std::vector<std::pair<std::string, std::string>> fields_;
};

class ConnectionBase;

/// Who sent a request and is owed its reply. Safe from every thread; copies are the same sender.
class HttpSender {
public:
    HttpSender() = default;
    HttpSender(std::weak_ptr<ConnectionBase> connection, uint64_t request)
        : connection_(std::move(connection)), request_(request) {}
    /// False once the reply would reach nobody: the client has hung up, or was answered. A client
    /// that vanished without a word still waits. True of a request that came over no connection.
    bool is_waiting() const;

private:
    std::weak_ptr<ConnectionBase> connection_;
    uint64_t request_ = 0;  // 0: none
};

struct HttpRequest {
    std::string method = "GET";
    std::string target = "/";  // as sent: path and query, still percent-encoded
    Headers headers;
    std::string body;  // chunked bodies arrive joined
    Headers trailers;  // of a chunked body
    std::string peer;  // address:port of the client
    HttpSender sender;
    std::string_view path() const;   // target up to '?'
    std::string_view query() const;  // target after '?', without it
};

/// Value of a query parameter, percent-decoded; nullopt if absent.
std::optional<std::string> query_parameter(std::string_view query, std::string_view name);

class ByteStream;

struct HttpResponse {
    int status = 200;
    Headers headers;  // Content-Length, Date and Connection are added by the server
    Payload body;
    bool close = false;  // close the connection after this response
    /// With status 101: takes the connection over, on its loop, once the header is sent. It goes on
    /// without deadlines, but as one of the server's connections (stream.h).
    std::function<void(std::shared_ptr<ByteStream>)> upgraded = {};
};

using HttpReply = std::function<void(HttpResponse)>;
using HttpHandler = std::function<void(HttpRequest, HttpReply)>;

/// Threads that run connections. Outlives every server and client call that uses it.
class EventLoops {
public:
    virtual ~EventLoops() = default;
    static std::unique_ptr<EventLoops> start(size_t threads);
    /// Runs `work` on one of the loops soon.
    virtual void post(std::function<void()> work) = 0;
    /// Runs `work` on one of the loops after `delay_ms`.
    virtual void post_after(int64_t delay_ms, std::function<void()> work) = 0;
    virtual void stop() = 0;
    /// On a thread of a loop, as long as `wanted` says so: the loop does not sleep, but asks again
    /// and again between its other work, in turn with whoever wants the processor. For an answer
    /// that is about to come, since being woken takes longer. False, and nothing, on other threads.
    static bool look_while(std::function<bool()> wanted);
};

struct HttpServerOptions {
    std::string address = "127.0.0.1";
    uint16_t port = 0;            // 0 = any free port
    std::string tls_certificate;  // PEM file; empty = plain HTTP
    std::string tls_key;          // PEM file
    size_t header_bytes = Limits{}.http_header_bytes;
    size_t body_bytes = Limits{}.http_body_bytes;
    size_t bodies_bytes = Limits{}.http_bodies_bytes;  // of all connections together
    size_t connections = Limits{}.http_connections;
    int64_t header_timeout_ms = Limits{}.http_header_timeout_ms;
    int64_t body_timeout_ms = Limits{}.http_body_timeout_ms;
    int64_t idle_timeout_ms = Limits{}.http_idle_timeout_ms;  // 0 = never
    /// A reply to a request that came together with the next one may wait to be sent with the next
    /// reply (for about a second at most): half the segments for a client that answers and asks on.
    bool gathers_replies = false;
    /// Body of the reply to a request that is refused unread (400, 408, 413, 431, 501, 503);
    /// default empty.
    std::function<HttpResponse(int status, std::string_view reason)> on_bad_request;
    std::function<void(std::string peer)> on_disconnect;  // client went away while a reply was owed
};

class HttpServer {
public:
    virtual ~HttpServer() = default;
    /// Errors: kIo (address in use, bad certificate).
    static Result<std::unique_ptr<HttpServer>> listen(EventLoops& loops, HttpServerOptions options,
                                                      HttpHandler handler);
    virtual uint16_t port() const = 0;
    virtual size_t connections() const = 0;
    /// Stops accepting, closes idle connections, waits up to `timeout_ms` for open requests, then
    /// closes upgraded connections.
    virtual void drain(int64_t timeout_ms) = 0;
    /// Closes everything at once; replies still owed are dropped. Blocks until no handler runs.
    virtual void stop() = 0;
};

struct HttpClientOptions {
    std::string url;              // "http[s]://host:port"
    int64_t timeout_ms = 30'000;  // per request
    bool verify_tls = true;
    std::string ca_file;  // further trusted certificates (PEM)
};

/// Blocking HTTP/1.1 client over one keep-alive connection, reconnecting when the server closed it
/// between requests. Not thread-safe: one per thread.
class HttpClient {
public:
    virtual ~HttpClient() = default;
    static Result<std::unique_ptr<HttpClient>> make(HttpClientOptions options);
    /// Errors: kUnavailable (connect, reset), kTimeout, kTooLarge.
    virtual Result<HttpResponse> send(const HttpRequest& request) = 0;
};

}  // namespace tandem::net
