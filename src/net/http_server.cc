#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fcntl.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "base/log.h"
#include "net/http_connection.h"
#include "net/loops.h"

namespace tandem::net {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;
using ErrorCodeOf = boost::system::error_code;

namespace {

constexpr int64_t kSweepMsMin = 5;
constexpr int64_t kSweepMsMax = 1'000;

/// How often deadlines are looked at: a timeout may be late by a tenth of itself.
std::chrono::milliseconds sweep_period(const HttpServerOptions& o) {
    int64_t shortest = std::min(o.header_timeout_ms, o.body_timeout_ms);
    if (o.idle_timeout_ms > 0) shortest = std::min(shortest, o.idle_timeout_ms);
    return std::chrono::milliseconds(std::clamp(shortest / 10, kSweepMsMin, kSweepMsMax));
}

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
            if (ec)
                return fail(ErrorCode::kIo,
                            "cannot use certificate " + o.tls_certificate + ": " + ec.message());
        }
        ErrorCodeOf ec;
        const auto address =
            asio::ip::make_address(o.address == "localhost" ? "127.0.0.1" : o.address, ec);
        if (ec)
            return fail(ErrorCode::kInvalidArgument,
                        "not an IP address to listen on: " + o.address);
        const tcp::endpoint endpoint(address, o.port);
        acceptor_.open(endpoint.protocol(), ec);
        if (!ec) acceptor_.set_option(tcp::acceptor::reuse_address(true), ec);
        if (!ec) acceptor_.bind(endpoint, ec);
        if (!ec) acceptor_.listen(4096, ec);
        if (ec)
            return fail(ErrorCode::kIo, "cannot listen on " + o.address + ":" +
                                            std::to_string(o.port) + ": " + ec.message());
        ::fcntl(acceptor_.native_handle(), F_SETFD, FD_CLOEXEC);
        port_ = acceptor_.local_endpoint().port();
        accept();
        sweep();
        return {};
    }

    uint16_t port() const override { return port_; }
    size_t connections() const override { return shared_->count(); }

    void drain(int64_t timeout_ms) override {
        shared_->draining = true;
        stop_accepting();
        shared_->close_all(ConnectionBase::Which::kIdle);
        shared_->wait_answered(std::chrono::milliseconds(timeout_ms));
        shared_->close_all(ConnectionBase::Which::kUpgraded);
    }

    void stop() override {
        shared_->draining = true;
        stop_accepting();
        while (!stopped_) {
            shared_->close_all(ConnectionBase::Which::kAll);
            if (shared_->wait_empty(std::chrono::milliseconds(100))) stopped_ = true;
        }
    }

private:
    void accept() {
        asio::io_context& io = loops_.next();
        acceptor_.async_accept(io, [this](ErrorCodeOf ec, Socket socket) {
            if (ec == asio::error::operation_aborted || closing_) return finish_accepting();
            if (!ec) serve(std::move(socket));
            else log_warning("cannot accept a connection", {{"error", ec.message()}});
            if (ec == asio::error::no_descriptors || ec == asio::error::no_buffer_space)
                return accept_later();
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

    /// Looks at the deadlines of all connections: one timer rather than several for each.
    void sweep() {
        sweeper_.expires_after(sweep_period(shared_->options));
        sweeper_.async_wait([this](ErrorCodeOf ec) {
            if (ec || closing_) return;
            shared_->check_deadlines();
            sweep();
        });
    }

    void serve(Socket socket) {
        if (shared_->count() >= shared_->options.connections) return;  // the socket closes here
        ::fcntl(socket.native_handle(), F_SETFD, FD_CLOEXEC);
        ErrorCodeOf ec;
        socket.set_option(tcp::no_delay(true), ec);
        const auto executor = socket.get_executor();
        if (tls_) {
            auto connection = std::make_shared<Connection<TlsStream>>(
                TlsStream(std::move(socket), *tls_), shared_);
            asio::post(executor, [connection, tls = tls_] { connection->start(); });
        } else {
            auto connection = std::make_shared<Connection<Socket>>(std::move(socket), shared_);
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
            sweeper_.cancel();
            const std::lock_guard lock(mutex_);
            closed_ = true;
            changed_.notify_all();
        });
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return closed_ && !accepting_; });
    }

    Loops& loops_;
    tcp::acceptor acceptor_;
    asio::steady_timer retry_{acceptor_.get_executor()};
    asio::steady_timer sweeper_{acceptor_.get_executor()};
    std::shared_ptr<Shared> shared_;
    std::shared_ptr<asio::ssl::context> tls_;
    std::mutex mutex_;
    std::condition_variable changed_;
    bool accepting_ = true;  // these two: nothing of this object is left on its loop
    bool closed_ = false;
    std::atomic<bool> closing_{false};
    std::atomic<bool> stopped_{false};
    uint16_t port_ = 0;
};

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::listen(EventLoops& loops, HttpServerOptions options,
                                                       HttpHandler handler) {
    auto server = std::make_unique<Server>(static_cast<Loops&>(loops), std::move(options),
                                           std::move(handler));
    auto opened = server->open();
    if (!opened) return tl::unexpected<Error>(opened.error());
    return Result<std::unique_ptr<HttpServer>>(std::move(server));
}

}  // namespace tandem::net
