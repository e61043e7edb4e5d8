// What the connections of one server share. It outlives the server object while a connection
// closes. Safe from every thread. Not for use outside net.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <unordered_set>

#include "net/http.h"

namespace tandem::net {

class ConnectionBase {
public:
    virtual ~ConnectionBase() = default;
    enum class Which { kAll, kIdle, kUpgraded };
    virtual void close_soon(Which which) = 0;
    /// Lets the connection see whether its time is over; `now_ms` is steady_ms().
    virtual void check_deadline(int64_t now_ms) = 0;
    /// Whether the client waits for the reply to its request of that number.
    virtual bool awaits(uint64_t request) = 0;
};

inline int64_t steady_ms() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

class Shared {
public:
    HttpServerOptions options;
    HttpHandler handler;
    std::atomic<bool> draining{false};
    std::atomic<size_t> body_bytes{0};  // of requests that are being received

    void add(ConnectionBase* c);
    void remove(ConnectionBase* c);
    size_t count() const;
    void close_all(ConnectionBase::Which which);
    void check_deadlines();
    /// One of the connections is not HTTP's any more.
    void count_upgraded(int change);
    /// False when connections are left after `timeout`, not counting upgraded ones.
    bool wait_answered(std::chrono::milliseconds timeout);
    /// False when connections are left after `timeout`.
    bool wait_empty(std::chrono::milliseconds timeout);

private:
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::unordered_set<ConnectionBase*> connections_;
    size_t upgraded_ = 0;
};

/// Status line and header fields, with Date, Content-Length and Connection, and the empty line.
std::string response_header(const HttpResponse& response, bool keep_alive, bool no_body);

}  // namespace tandem::net
