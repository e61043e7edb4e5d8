#include <boost/asio/dispatch.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/status.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <boost/asio/write.hpp>
#include <fcntl.h>
#include <sys/socket.h>

#include <condition_variable>
#include <ctime>
#include <mutex>
#include <set>

#include "base/log.h"
#include "net/http_parser.h"
#include "net/loops.h"

namespace tandem::net {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using tcp = asio::ip::tcp;
using ErrorCodeOf = boost::system::error_code;

namespace {

constexpr auto kLinger = std::chrono::seconds(2);  // a refused client may still be sending

std::string date_now() {
    std::time_t now = std::time(nullptr);
    thread_local std::time_t cached_at = 0;
    thread_local std::string cached;
    if (now != cached_at) {
        std::tm tm{};
        gmtime_r(&now, &tm);
        char text[64];
        std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &tm);
        cached = text;
        cached_at = now;
    }
    return cached;
}

class ConnectionBase {
public:
    virtual ~ConnectionBase() = default;
    virtual void close_soon(bool only_if_idle) = 0;
};

/// What a server's connections share; outlives the server object while a connection closes.
struct Shared {
    HttpServerOptions options;
    HttpHandler handler;
    std::mutex mutex;
    std::condition_variable changed;
    std::set<ConnectionBase*> connections;
    std::atomic<bool> draining{false};

    bool add(ConnectionBase* c) {
        const std::lock_guard lock(mutex);
        return connections.insert(c).second;
    }
    void remove(ConnectionBase* c) {
        const std::lock_guard lock(mutex);
        connections.erase(c);
        changed.notify_all();
    }
    size_t count() {
        const std::lock_guard lock(mutex);
        return connections.size();
    }
    void close_all(bool only_if_idle) {
        const std::lock_guard lock(mutex);
        for (ConnectionBase* c : connections) c->close_soon(only_if_idle);
    }
    bool wait_empty(std::chrono::milliseconds timeout) {
        std::unique_lock lock(mutex);
        return changed.wait_for(lock, timeout, [&] { return connections.empty(); });
    }
};

/// One client. Every member function runs on the connection's own loop.
template <class Stream>
class Connection final : public ConnectionBase, public std::enable_shared_from_this<Connection<Stream>> {
public:
    Connection(Stream stream, std::shared_ptr<Shared> shared) : stream_(std::move(stream)), shared_(std::move(shared)) {
        ErrorCodeOf ec;
        const auto peer = socket().remote_endpoint(ec);
        if (!ec) peer_ = peer.address().to_string() + ":" + std::to_string(peer.port());
        shared_->add(this);
    }
    ~Connection() override { shared_->remove(this); }

    void start() {
        if constexpr (kTls) {
            tcp_layer().expires_after(timeout(shared_->options.header_timeout_ms));
            stream_.async_handshake(asio::ssl::stream_base::server, [self = this->shared_from_this()](ErrorCodeOf ec) {
                if (!ec) self->await_request();
            });
        } else {
            await_request();
        }
    }

    void close_soon(bool only_if_idle) override {
        // shared_from_this is not possible in a destructor; weak_from_this then is empty.
        asio::post(stream_.get_executor(), [weak = this->weak_from_this(), only_if_idle] {
            const auto self = weak.lock();
            if (self && (!only_if_idle || self->idle_)) self->close();
        });
    }

private:
    static constexpr bool kTls = !std::is_same_v<Stream, beast::tcp_stream>;

    static std::chrono::milliseconds timeout(int64_t ms) { return std::chrono::milliseconds(ms); }
    beast::tcp_stream& tcp_layer() { return beast::get_lowest_layer(stream_); }
    tcp::socket& socket() { return tcp_layer().socket(); }

    void close() {
        ErrorCodeOf ec;
        socket().shutdown(tcp::socket::shutdown_both, ec);
        socket().close(ec);
    }

    /// Waits without a buffer until the next request begins: what an idle connection costs.
    void await_request() {
        if (shared_->draining) return close();
        idle_ = true;
        if (kTls || buffer_.size() > 0) return read_header();
        const int64_t idle_ms = shared_->options.idle_timeout_ms;
        if (idle_ms > 0) {
            // tcp_stream has no timed wait: a zero-byte read would complete at once, so arm a one-byte
            // peek through async_wait and let the idle timer close the socket.
            idle_timer_.expires_after(timeout(idle_ms));
            idle_timer_.async_wait([weak = this->weak_from_this()](ErrorCodeOf ec) {
                const auto self = weak.lock();
                if (!ec && self && self->idle_) self->close();
            });
        }
        socket().async_wait(tcp::socket::wait_read, [self = this->shared_from_this()](ErrorCodeOf ec) {
            if (!ec) self->read_header();
        });
    }

    void read_header() {
        parser_.emplace(shared_->options.header_bytes, shared_->options.body_bytes);
        tcp_layer().expires_after(timeout(kTls && idle_ && shared_->options.idle_timeout_ms > 0
                                              ? shared_->options.idle_timeout_ms : shared_->options.header_timeout_ms));
        if (!kTls) idle_ = false;
        http::async_read_header(stream_, buffer_, *parser_, [self = this->shared_from_this()](ErrorCodeOf ec, size_t) {
            self->idle_ = false;
            if (ec) return self->refuse(ec);
            self->on_header();
        });
    }

    void on_header() {
        if (parser_->is_done()) return handle();
        if (beast::iequals(parser_->request().headers.get_or("Expect", ""), "100-continue")) {
            static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
            asio::async_write(stream_, asio::buffer(kContinue), [self = this->shared_from_this()](ErrorCodeOf ec, size_t) {
                if (!ec) self->read_body();
            });
            return;
        }
        read_body();
    }

    void read_body() {
        tcp_layer().expires_after(timeout(shared_->options.body_timeout_ms));
        http::async_read(stream_, buffer_, *parser_, [self = this->shared_from_this()](ErrorCodeOf ec, size_t) {
            if (ec) return self->refuse(ec);
            self->handle();
        });
    }

    void refuse(ErrorCodeOf ec) {
        const int status = status_of(ec);
        if (status == 0 || !socket().is_open()) return close();
        HttpResponse response;
        response.status = status;
        if (shared_->options.on_bad_request) response = shared_->options.on_bad_request(status, ec.message());
        response.close = true;
        keep_alive_ = false;
        head_ = false;
        lingering_ = true;
        write(std::move(response));
    }

    void handle() {
        keep_alive_ = parser_->keep_alive();
        tcp_layer().expires_never();
        HttpRequest request = parser_->take();
        head_ = request.method == "HEAD";
        request.peer = peer_;
        parser_.reset();
        const uint64_t number = ++request_number_;
        awaiting_reply_ = true;
        auto used = std::make_shared<std::atomic<bool>>(false);
        HttpReply reply = [weak = this->weak_from_this(), number, used, executor = stream_.get_executor()](HttpResponse response) {
            if (used->exchange(true)) return;
            asio::dispatch(executor, [weak, number, response = std::move(response)]() mutable {
                const auto self = weak.lock();
                if (self && self->awaiting_reply_ && self->request_number_ == number) self->on_reply(std::move(response));
            });
        };
        shared_->handler(std::move(request), std::move(reply));
        if (awaiting_reply_ && !kTls && buffer_.size() == 0) watch_for_disconnect(number);
    }

    /// While a reply is owed, notices a client that went away (a readable socket that yields nothing).
    void watch_for_disconnect(uint64_t number) {
        socket().async_wait(tcp::socket::wait_read, [weak = this->weak_from_this(), self = this->shared_from_this(), number](ErrorCodeOf ec) {
            if (ec || !self->awaiting_reply_ || self->request_number_ != number) return;
            char byte = 0;
            const ssize_t n = ::recv(self->socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
            if (n > 0) return;  // the next request is waiting already
            if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return self->watch_for_disconnect(number);
            self->awaiting_reply_ = false;
            if (self->shared_->options.on_disconnect) self->shared_->options.on_disconnect(self->peer_);
            self->close();
        });
    }

    void on_reply(HttpResponse response) {
        awaiting_reply_ = false;
        ErrorCodeOf ec;
        if (!kTls) socket().cancel(ec);  // ends the watch for a disconnect
        write(std::move(response));
    }

    void write(HttpResponse response) {
        keep_alive_ = keep_alive_ && !response.close && !shared_->draining;
        const bool no_body = response.status == 204 || response.status == 304;
        header_ = "HTTP/1.1 " + std::to_string(response.status) + " ";
        header_ += std::string(http::obsolete_reason(http::int_to_status(unsigned(response.status))));
        header_ += "\r\n";
        for (const auto& [name, value] : response.headers) {
            header_ += name;
            header_ += ": ";
            for (const char c : value) {
                if (c != '\r' && c != '\n') header_.push_back(c);  // no header may be smuggled in
            }
            header_ += "\r\n";
        }
        header_ += "Date: " + date_now() + "\r\n";
        if (!no_body) header_ += "Content-Length: " + std::to_string(response.body.size()) + "\r\n";
        header_ += keep_alive_ ? "\r\n" : "Connection: close\r\n\r\n";
        body_ = no_body || head_ ? Payload() : response.body;
        tcp_layer().expires_after(timeout(shared_->options.body_timeout_ms));
        const std::array<asio::const_buffer, 2> buffers{asio::buffer(header_), asio::buffer(body_.view())};
        asio::async_write(stream_, buffers, [self = this->shared_from_this()](ErrorCodeOf ec, size_t) {
            self->body_ = Payload();
            if (ec) return self->close();
            if (self->keep_alive_) return self->await_request();
            if (self->lingering_) return self->linger();
            self->finish();
        });
    }

    void finish() {
        if constexpr (kTls) {
            tcp_layer().expires_after(kLinger);
            stream_.async_shutdown([self = this->shared_from_this()](ErrorCodeOf) { self->close(); });
        } else {
            close();
        }
    }

    /// Reads on for a moment after a refusal: closing with unread bytes would reset the connection
    /// before the client has read why.
    void linger() {
        ErrorCodeOf ec;
        socket().shutdown(tcp::socket::shutdown_send, ec);
        tcp_layer().expires_after(kLinger);
        drain_some();
    }

    void drain_some() {
        buffer_.clear();
        stream_.async_read_some(buffer_.prepare(16 * 1024), [self = this->shared_from_this()](ErrorCodeOf ec, size_t n) {
            self->lingered_ += n;
            if (ec || self->lingered_ > 16 * 1024 * 1024) return self->close();
            self->drain_some();
        });
    }

    Stream stream_;
    std::shared_ptr<Shared> shared_;
    asio::steady_timer idle_timer_{stream_.get_executor()};
    beast::flat_buffer buffer_;
    std::optional<RequestParser> parser_;
    std::string header_;
    Payload body_;
    std::string peer_;
    uint64_t request_number_ = 0;
    size_t lingered_ = 0;
    bool idle_ = true;
    bool awaiting_reply_ = false;
    bool keep_alive_ = true;
    bool head_ = false;
    bool lingering_ = false;
};

class Server final : public HttpServer {
public:
    Server(Loops& loops, HttpServerOptions options, HttpHandler handler)
        : loops_(loops), acceptor_(loops.next()), shared_(std::make_shared<Shared>()) {
        shared_->options = std::move(options);
        shared_->handler = std::move(handler);
    }
    ~Server() override { stop(); }

    Result<void> open() {
        const HttpServerOptions& o = shared_->options;
        if (!o.tls_certificate.empty()) {
            tls_ = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server);
            ErrorCodeOf ec;
            tls_->use_certificate_chain_file(o.tls_certificate, ec);
            if (!ec) tls_->use_private_key_file(o.tls_key, asio::ssl::context::pem, ec);
            if (ec) return fail(ErrorCode::kIo, "cannot use certificate " + o.tls_certificate + ": " + ec.message());
        }
        ErrorCodeOf ec;
        const auto address = asio::ip::make_address(o.address == "localhost" ? "127.0.0.1" : o.address, ec);
        if (ec) return fail(ErrorCode::kInvalidArgument, "not an IP address to listen on: " + o.address);
        const tcp::endpoint endpoint(address, o.port);
        acceptor_.open(endpoint.protocol(), ec);
        if (!ec) acceptor_.set_option(tcp::acceptor::reuse_address(true), ec);
        if (!ec) acceptor_.bind(endpoint, ec);
        if (!ec) acceptor_.listen(4096, ec);
        if (ec) return fail(ErrorCode::kIo, "cannot listen on " + o.address + ":" + std::to_string(o.port) + ": " + ec.message());
        ::fcntl(acceptor_.native_handle(), F_SETFD, FD_CLOEXEC);
        port_ = acceptor_.local_endpoint().port();
        accept();
        return {};
    }

    uint16_t port() const override { return port_; }
    size_t connections() const override { return shared_->count(); }

    void drain(int64_t timeout_ms) override {
        shared_->draining = true;
        stop_accepting();
        shared_->close_all(true);
        shared_->wait_empty(std::chrono::milliseconds(timeout_ms));
    }

    void stop() override {
        shared_->draining = true;
        stop_accepting();
        while (!stopped_) {
            shared_->close_all(false);
            if (shared_->wait_empty(std::chrono::milliseconds(100))) stopped_ = true;
        }
    }

private:
    void accept() {
        asio::io_context& io = loops_.next();
        acceptor_.async_accept(io, [this](ErrorCodeOf ec, tcp::socket socket) {
            if (ec == asio::error::operation_aborted || closing_) return finish_accepting();
            if (!ec) serve(std::move(socket));
            else log_warning("cannot accept a connection", {{"error", ec.message()}});
            if (ec == asio::error::no_descriptors || ec == asio::error::no_buffer_space) return accept_later();
            accept();
        });
    }

    /// Out of descriptors: others must close first; a tight loop would only burn the processor.
    void accept_later() {
        retry_.expires_after(std::chrono::milliseconds(50));
        retry_.async_wait([this](ErrorCodeOf ec) {
            if (ec || closing_) return finish_accepting();
            accept();
        });
    }

    void serve(tcp::socket socket) {
        if (shared_->count() >= shared_->options.connections) return;  // the socket closes here
        ::fcntl(socket.native_handle(), F_SETFD, FD_CLOEXEC);
        ErrorCodeOf ec;
        socket.set_option(tcp::no_delay(true), ec);
        const auto executor = socket.get_executor();
        if (tls_) {
            using Tls = beast::ssl_stream<beast::tcp_stream>;
            auto connection = std::make_shared<Connection<Tls>>(Tls(beast::tcp_stream(std::move(socket)), *tls_), shared_);
            asio::post(executor, [connection, tls = tls_] { connection->start(); });
        } else {
            auto connection = std::make_shared<Connection<beast::tcp_stream>>(beast::tcp_stream(std::move(socket)), shared_);
            asio::post(executor, [connection] { connection->start(); });
        }
    }

    void finish_accepting() {
        const std::lock_guard lock(mutex_);
        accepting_ = false;
        changed_.notify_all();
    }

    void stop_accepting() {
        if (port_ == 0 || closing_.exchange(true)) return;
        asio::post(acceptor_.get_executor(), [this] {
            ErrorCodeOf ec;
            acceptor_.close(ec);
            retry_.cancel();
        });
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return !accepting_; });
    }

    Loops& loops_;
    tcp::acceptor acceptor_;
    asio::steady_timer retry_{acceptor_.get_executor()};
    std::shared_ptr<Shared> shared_;
    std::shared_ptr<asio::ssl::context> tls_;
    std::mutex mutex_;
    std::condition_variable changed_;
    bool accepting_ = true;
    std::atomic<bool> closing_{false};
    std::atomic<bool> stopped_{false};
    uint16_t port_ = 0;
};

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::listen(EventLoops& loops, HttpServerOptions options, HttpHandler handler) {
    auto server = std::make_unique<Server>(static_cast<Loops&>(loops), std::move(options), std::move(handler));
    auto opened = server->open();
    if (!opened) return tl::unexpected<Error>(opened.error());
    return Result<std::unique_ptr<HttpServer>>(std::move(server));
}

}  // namespace tandem::net
