#include "net/http_shared.h"

#include <boost/beast/http/status.hpp>

#include <ctime>

namespace tandem::net {

namespace {

namespace http = boost::beast::http;

/// HTTP's date of this second.
std::string_view date_now() {
    thread_local std::time_t cached_at = 0;
    thread_local char cached[64];
    thread_local size_t length = 0;
    const std::time_t now = std::time(nullptr);
    if (now != cached_at) {
        std::tm tm{};
        gmtime_r(&now, &tm);
        length = std::strftime(cached, sizeof cached, "%a, %d %b %Y %H:%M:%S GMT", &tm);
        cached_at = now;
    }
    return {cached, length};
}

}  // namespace

bool HttpSender::is_waiting() const {
    if (request_ == 0) return true;
    const auto connection = connection_.lock();
    return connection && connection->awaits(request_);
}

void Shared::add(ConnectionBase* c) {
    const std::lock_guard lock(mutex_);
    connections_.insert(c);
}

void Shared::remove(ConnectionBase* c) {
    const std::lock_guard lock(mutex_);
    connections_.erase(c);
    changed_.notify_all();
}

size_t Shared::count() const {
    const std::lock_guard lock(mutex_);
    return connections_.size();
}

void Shared::close_all(ConnectionBase::Which which) {
    const std::lock_guard lock(mutex_);
    for (ConnectionBase* c : connections_) c->close_soon(which);
}

void Shared::check_deadlines() {
    const int64_t now = steady_ms();
    const std::lock_guard lock(mutex_);
    for (ConnectionBase* c : connections_) c->check_deadline(now);
}

void Shared::count_upgraded(int change) {
    const std::lock_guard lock(mutex_);
    upgraded_ += size_t(change);
    changed_.notify_all();
}

bool Shared::wait_answered(std::chrono::milliseconds timeout) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, timeout, [&] { return connections_.size() <= upgraded_; });
}

bool Shared::wait_empty(std::chrono::milliseconds timeout) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, timeout, [&] { return connections_.empty(); });
}

std::string response_header(const HttpResponse& response, bool keep_alive, bool no_body) {
    std::string out;
    out.reserve(512);
    const auto reason = http::obsolete_reason(http::int_to_status(unsigned(response.status)));
    out.append("HTTP/1.1 ").append(std::to_string(response.status)).append(" ");
    out.append(reason.data(), reason.size()).append("\r\n");
    for (const auto& [name, value] : response.headers) {
        out.append(name).append(": ");
        for (const char c : value) {
            if (c != '\r' && c != '\n') out.push_back(c);  // no header may be smuggled in
        }
        out.append("\r\n");
    }
    out.append("Date: ").append(date_now()).append("\r\n");
    if (!no_body) {
        out.append("Content-Length: ").append(std::to_string(response.body.size())).append("\r\n");
    }
    out.append(keep_alive ? "\r\n" : "Connection: close\r\n\r\n");
    return out;
}

}  // namespace tandem::net
