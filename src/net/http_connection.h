// One connection of the server, a small state machine: idle, header, body, reply owed, writing, and
// back. Every member function runs on the connection's own loop; close_soon(), check_deadline() and
// replies get there by post. One wait for input is armed at a time, across requests: while a reply
// is owed it is what notices that the client went away. Only a reply may also be sent by the thread
// of another loop that has it in hand; the mutex keeps that apart from closing. Stream is the plain
// socket or TLS over it. Not for use outside net.
#pragma once

#include <boost/asio/dispatch.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "net/http_parser.h"
#include "net/http_shared.h"
#include "net/loops.h"
#include "net/stream_of.h"

namespace tandem::net {

template <class Stream>
class Connection final : public ConnectionBase,
                         public std::enable_shared_from_this<Connection<Stream>> {
public:
    Connection(Stream stream, std::shared_ptr<Shared> shared)
        : stream_(std::move(stream)),
          executor_(socket().get_executor()),
          shared_(std::move(shared)) {
        ErrorCodeOf ec;
        const auto peer = socket().remote_endpoint(ec);
        if (!ec) peer_ = peer.address().to_string() + ":" + std::to_string(peer.port());
        shared_->add(this);
    }
    ~Connection() override {
        if (state_ == State::kUpgraded) shared_->count_upgraded(-1);
        shared_->remove(this);
    }

    void start() {
        ErrorCodeOf ec;
        socket().non_blocking(true, ec);
        if constexpr (kTls) {
            state_ = State::kHandshake;
            set_deadline(shared_->options.header_timeout_ms);
            stream_.async_handshake(boost::asio::ssl::stream_base::server,
                                    [self = this->shared_from_this()](ErrorCodeOf error) {
                                        if (error) return self->close();
                                        self->become_idle();
                                        self->read();
                                    });
        } else {
            become_idle();
            read();
        }
    }

    void close_soon(Which which) override {
        // Also reached from the destructor's race: the weak pointer is then empty.
        boost::asio::post(executor(), [weak = this->weak_from_this(), which] {
            const auto self = weak.lock();
            if (!self) return;
            self->follow();
            if (which == Which::kIdle && self->state_ != State::kIdle) return;
            if (self->state_ == State::kUpgraded) return self->close_stream();
            if (which != Which::kUpgraded) self->close();
        });
    }

    void check_deadline(int64_t now_ms) override {
        if (has_held_.load(std::memory_order_relaxed)) {
            boost::asio::post(executor(), [weak = this->weak_from_this()] {
                if (const auto self = weak.lock()) self->send_held();
            });
        }
        if (now_ms < deadline_ms_.load(std::memory_order_relaxed)) return;
        boost::asio::post(executor(), [weak = this->weak_from_this(), now_ms] {
            const auto self = weak.lock();
            if (self && now_ms >= self->deadline_ms_) self->on_deadline();
        });
    }

    /// Asks the kernel, from any thread: what the client sent last may still lie unread before the
    /// news that it has gone, and TLS is not read while a reply is owed.
    bool awaits(uint64_t request) override {
        const std::lock_guard lock(close_mutex_);
        if (owed_.load() != request) return false;
        pollfd look{socket().native_handle(), POLLRDHUP, 0};
        return ::poll(&look, 1, 0) == 0;
    }

private:
    using ErrorCodeOf = boost::system::error_code;
    enum class State {
        kHandshake,
        kIdle,
        kHeader,
        kContinue,  // tells the client to send the body
        kBody,
        kReply,  // the handler owes one
        kWriting,
        kLingering,
        kUpgraded,  // the socket is the stream's
        kClosed,
    };

    static constexpr bool kTls = std::is_same_v<Stream, TlsStream>;
    static constexpr size_t kReadBytes = 64 * 1024;
    static constexpr size_t kKeptBytes = 4 * 1024;     // of buffers, between requests
    static constexpr size_t kFreeBytes = 1024 * 1024;  // a body may have, whatever others have
    static constexpr size_t kLingerBytes = 16 * 1024 * 1024;
    static constexpr int64_t kLingerMs = 2'000;  // a refused client may still be sending

    Socket& socket() {
        if constexpr (kTls) return stream_.next_layer();
        else return stream_;
    }
    boost::asio::io_context::executor_type executor() const { return executor_; }

    void set_deadline(int64_t after_ms) {
        deadline_ms_.store(after_ms > 0 ? steady_ms() + after_ms : INT64_MAX,
                           std::memory_order_relaxed);
    }

    void on_deadline() {
        deadline_ms_ = INT64_MAX;
        if (state_ == State::kHeader || state_ == State::kBody) return refuse(408, "timeout");
        close();
    }

    void close() { end(); }

    /// Whether a reply was still owed.
    bool end() {
        charge(0);
        state_ = State::kClosed;
        const auto kept = std::exchange(kept_, nullptr);
        const std::lock_guard lock(close_mutex_);
        const bool is_owed = owed_.exchange(0) != 0;
        ErrorCodeOf ec;
        socket().shutdown(boost::asio::ip::tcp::socket::shutdown_both, ec);
        socket().close(ec);
        return is_owed;
    }

    void become_idle() {
        state_ = State::kIdle;
        set_deadline(shared_->options.idle_timeout_ms);
    }

    bool takes_input() const {
        return state_ == State::kIdle || state_ == State::kHeader || state_ == State::kBody;
    }

    // Reading.

    /// Sees to it that input is noticed; more than one call is fine.
    void read() {
        if (armed_ || state_ == State::kClosed || state_ == State::kUpgraded) return;
        if constexpr (kTls) {
            if (!takes_input() && state_ != State::kLingering) return;
            armed_ = true;
            if (tls_input_.empty()) tls_input_.resize(16 * 1024);
            stream_.async_read_some(
                boost::asio::buffer(tls_input_),
                [self = this->shared_from_this()](ErrorCodeOf ec, size_t n) {
                    self->armed_ = false;
                    if (ec) return self->close();
                    self->on_bytes(std::string_view(self->tls_input_).substr(0, n));
                });
        } else {
            armed_ = true;
            socket().async_wait(Socket::wait_read,
                                [self = this->shared_from_this()](ErrorCodeOf ec) {
                                    if (!ec) return self->on_readable();
                                    self->armed_ = false;
                                });
        }
    }

    void on_readable() {
        if (state_ == State::kReply) {
            // Whoever sends the reply sees that no wait is armed, or is seen here.
            std::unique_lock lock(close_mutex_, std::try_to_lock);
            while (!lock.owns_lock()) {
                ::sched_yield();  // it is about to be done
                lock.try_lock();
            }
            armed_ = false;
            if (owed_ != 0) return lock.unlock(), look_for_disconnect();
            lock.unlock();
            pumping_ = true;  // below
            follow();
            pumping_ = false;
        }
        armed_ = false;
        if (!takes_input() && state_ != State::kLingering) return;  // armed again afterwards
        thread_local std::array<char, kReadBytes> input;
        const ssize_t n =
            ::recv(socket().native_handle(), input.data(), input.size(), MSG_DONTWAIT);
        if (n > 0) return on_bytes(std::string_view(input.data(), size_t(n)));
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return pump();
        close();
    }

    /// A readable socket that yields nothing is a client that went away while a reply was owed.
    void look_for_disconnect() {
        char byte = 0;
        const ssize_t n = ::recv(socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
        if (n > 0) return;  // the next request is waiting already
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return read();
        const bool is_owed = end();
        if (is_owed && shared_->options.on_disconnect) shared_->options.on_disconnect(peer_);
    }

    void on_bytes(std::string_view bytes) {
        if (state_ == State::kLingering) {
            lingered_ += bytes.size();
            if (lingered_ > kLingerBytes) return close();
            return read();
        }
        input_.append(bytes);
        pump();
    }

    /// Parses what has come as long as the connection takes input. Replies given at once come back
    /// here (pumping_), so that a client that sends many requests together costs no stack.
    void pump() {
        if (pumping_) return;
        pumping_ = true;
        parsed_ = 0;
        while (takes_input() && parsed_ < input_.size() && parse()) {
        }
        pumping_ = false;
        input_.erase(0, parsed_);
        if (input_.empty() && input_.capacity() > kKeptBytes) input_ = std::string();
        read();
    }

    /// Moves `parsed_` over what was used; false when more must come first.
    bool parse() {
        if (state_ == State::kIdle) {
            state_ = State::kHeader;
            set_deadline(shared_->options.header_timeout_ms);
            parser_.emplace(shared_->options.header_bytes, shared_->options.body_bytes);
            parser_->eager(true);
        }
        ErrorCodeOf ec;
        parsed_ +=
            parser_->put(boost::asio::buffer(input_.data() + parsed_, input_.size() - parsed_), ec);
        if (ec == boost::beast::http::error::need_more) ec = {};
        if (ec) {
            const int status = status_of(ec);
            if (status == 0) close();
            else refuse(status, ec.message());
            return false;
        }
        if (state_ == State::kHeader && parser_->is_header_done()) {
            if (const int status = parser_->refusal(); status != 0) {
                refuse(status, status == 501 ? "transfer coding not supported" : "bad Host");
                return false;
            }
        }
        if (parser_->is_done()) {
            handle();
            return true;
        }
        if (state_ == State::kHeader && parser_->is_header_done()) begin_body();
        if (!charge(parser_->request().body.size()))
            refuse(503, "too many requests are being received");
        return false;
    }

    void begin_body() {
        set_deadline(shared_->options.body_timeout_ms);
        state_ = State::kBody;
        const auto expect = parser_->request().headers.get_or("Expect", "");
        if (!boost::beast::iequals(expect, "100-continue")) return;
        state_ = State::kContinue;
        static constexpr std::string_view kGoOn = "HTTP/1.1 100 Continue\r\n\r\n";
        boost::asio::async_write(stream_, boost::asio::buffer(kGoOn),
                                 [self = this->shared_from_this()](ErrorCodeOf ec, size_t) {
                                     if (ec || self->state_ != State::kContinue)
                                         return self->close();
                                     self->state_ = State::kBody;
                                     self->pump();
                                 });
    }

    /// Accounts for the body as far as it has come; false when all connections together hold too
    /// much. Nobody has been authenticated yet.
    bool charge(size_t bytes) {
        const size_t all = shared_->body_bytes.fetch_add(bytes - charged_) + bytes - charged_;
        charged_ = bytes;
        return bytes <= kFreeBytes || all <= shared_->options.bodies_bytes;
    }

    // Answering.

    void handle() {
        charge(0);
        keep_alive_ = parser_->keep_alive();
        is_old_ = parser_->is_old();
        HttpRequest request = parser_->take();
        parser_.reset();
        head_ = request.method == "HEAD";
        request.peer = peer_;
        state_ = State::kReply;
        set_deadline(0);
        // A reply holds no reference, or one never given would keep a closed connection; and with
        // the next request waiting already, no armed wait does.
        kept_ = this->shared_from_this();
        const uint64_t number = ++request_number_;
        has_more_ = parsed_ < input_.size();
        owed_ = number;
        request.sender = HttpSender(kept_, number);
        shared_->handler(std::move(request),
                         [weak = this->weak_from_this(), number](HttpResponse response) {
                             if (const auto self = weak.lock())
                                 self->take(number, std::move(response));
                         });
    }

    /// A reply from any thread; only the first to a request counts.
    void take(uint64_t number, HttpResponse response) {
        uint64_t taken = taken_;
        if (taken >= number || !taken_.compare_exchange_strong(taken, number)) return;
        if (on_loop() && !executor().running_in_this_thread() && send_from(number, response))
            return;
        boost::asio::dispatch(executor(), [self = this->shared_from_this(), number,
                                           response = std::move(response)]() mutable {
            if (self->state_ != State::kReply || self->owed_ != number) return;
            self->write(std::move(response));
        });
    }

    /// On another loop's thread, so that the client does not wait until the connection's own loop
    /// is awake. That one sees to the rest (`follow()`); if there is nothing but to go on, when it
    /// next hears of this connection. False: it has to be that loop's.
    bool send_from(uint64_t number, HttpResponse& response) {
        if (kTls || response.status == 101 || has_held_) return false;
        {
            const std::lock_guard lock(close_mutex_);
            if (owed_ != number) return true;
            make_message(response);
            sent_ = send_now();
            const bool is_all = sent_ == header_.size() + body_.size();
            if (is_all) {
                body_ = Payload();
                sent_ = header_.size();
            }
            const bool may_rest = is_all && keep_alive_ && !has_more_;
            const HttpServerOptions& o = shared_->options;
            set_deadline(is_all ? o.idle_timeout_ms : o.body_timeout_ms);
            owed_ = 0;  // from here on nothing is read but atomics: it may follow at once
            // Behind that: else idle connections may be closed in between, but not this one.
            if (may_rest && armed_ && !shared_->draining) return true;
        }
        boost::asio::post(executor(), [self = this->shared_from_this()] { self->follow(); });
        return true;
    }

    /// Goes on behind a reply that another thread has sent, if one has.
    void follow() {
        if (state_ != State::kReply || owed_ != 0) return;
        const auto self = this->shared_from_this();
        begin_writing();
        // It did not seem idle when idle connections were closed.
        keep_alive_ = keep_alive_ && !shared_->draining;
        write_rest(sent_);
    }

    void refuse(int status, std::string_view reason) {
        charge(0);
        parser_.reset();
        HttpResponse response;
        response.status = status;
        if (shared_->options.on_bad_request)
            response = shared_->options.on_bad_request(status, reason);
        response.close = true;
        keep_alive_ = false;
        head_ = false;
        lingering_ = status != 408;  // a slow client has had its time
        write(std::move(response));
    }

    void begin_writing() {
        state_ = State::kWriting;
        const auto kept = std::exchange(kept_, nullptr);
        set_deadline(shared_->options.body_timeout_ms);
    }

    void write(HttpResponse response) {
        owed_ = 0;
        make_message(response);
        const auto self = this->shared_from_this();
        begin_writing();
        if (may_hold()) {
            held_.append(header_).append(std::exchange(body_, Payload()).view());
            has_held_ = true;
            return on_written();
        }
        if (!held_.empty()) {
            header_.insert(0, std::exchange(held_, {}));
            has_held_ = false;
        }
        write_rest(kTls ? 0 : send_now());
    }

    void make_message(HttpResponse& response) {
        keep_alive_ = keep_alive_ && !response.close && !shared_->draining;
        const bool upgrades = response.status == 101 && response.upgraded && !shared_->draining;
        if (upgrades) upgraded_ = std::move(response.upgraded);
        keep_alive_ |= upgrades;  // its last response
        if (response.status == 101 && !upgrades) response.status = 503;
        const bool no_body =
            response.status == 204 || response.status == 304 || response.status == 101;
        if (keep_alive_ && is_old_ && !upgrades) response.headers.set("Connection", "keep-alive");
        header_ = response_header(response, keep_alive_, no_body);
        body_ = no_body || head_ ? Payload() : std::move(response.body);
    }

    void write_rest(size_t sent) {
        if (sent == header_.size() + body_.size()) return on_written();
        std::string_view head = header_, body = body_.view();
        head.remove_prefix(std::min(sent, header_.size()));
        body.remove_prefix(sent > header_.size() ? sent - header_.size() : 0);
        const std::array<boost::asio::const_buffer, 2> rest{
            boost::asio::buffer(head.data(), head.size()),
            boost::asio::buffer(body.data(), body.size())};
        boost::asio::async_write(stream_, rest,
                                 [self = this->shared_from_this()](ErrorCodeOf ec, size_t) {
                                     if (ec) return self->close();
                                     self->on_written();
                                 });
    }

    /// The next request is here already, and its reply will take this one along.
    bool may_hold() const {
        return shared_->options.gathers_replies && !kTls && !upgraded_ && keep_alive_ && pumping_ &&
               parsed_ < input_.size() && held_.size() + body_.size() < kKeptBytes;
    }

    /// The next reply takes its time: what was held is sent alone.
    void send_held() {
        if (held_.empty() || state_ != State::kReply) return;
        const std::string held = std::exchange(held_, {});
        const ssize_t n =
            ::send(socket().native_handle(), held.data(), held.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n != ssize_t(held.size())) close();  // a client that reads nothing
        else has_held_ = false;                  // now other threads may send behind it
    }

    /// What the kernel takes without waiting; errors are found again by the write that follows.
    size_t send_now() {
        iovec parts[2] = {{header_.data(), header_.size()},
                          {const_cast<char*>(body_.view().data()), body_.size()}};
        msghdr message{};
        message.msg_iov = parts;
        message.msg_iovlen = body_.size() > 0 ? 2 : 1;
        const ssize_t n =
            ::sendmsg(socket().native_handle(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        return n > 0 ? size_t(n) : 0;
    }

    void on_written() {
        body_ = Payload();
        if (header_.capacity() > kKeptBytes) header_ = std::string();
        if (upgraded_) return upgrade();
        if (!keep_alive_) return lingering_ ? linger() : finish();
        become_idle();
        pump();
    }

    /// The socket moves to a stream, which keeps this object as one of the server's connections.
    void upgrade() {
        std::string early = input_.substr(pumping_ ? parsed_ : 0);
        input_ = std::string();
        parsed_ = 0;
        set_deadline(0);
        shared_->count_upgraded(1);
        state_ = State::kUpgraded;
        ErrorCodeOf ec;
        socket().cancel(ec);  // the armed wait
        const auto stream = std::make_shared<StreamOf<Stream>>(std::move(stream_), std::move(early),
                                                               peer_, this->shared_from_this());
        upgraded_stream_ = stream;
        std::exchange(upgraded_, nullptr)(stream);
        // Nobody would ever close what was not taken.
        if (stream.use_count() == 1) stream->close();
    }

    void close_stream() {
        if (const auto stream = upgraded_stream_.lock()) stream->close();
    }

    void finish() {
        if constexpr (kTls) {
            set_deadline(kLingerMs);
            stream_.async_shutdown(
                [self = this->shared_from_this()](ErrorCodeOf) { self->close(); });
        } else {
            close();
        }
    }

    /// Reads on for a moment after a refusal: closing with unread bytes would reset the connection
    /// before the client has read why.
    void linger() {
        state_ = State::kLingering;
        ErrorCodeOf ec;
        socket().shutdown(boost::asio::ip::tcp::socket::shutdown_send, ec);
        set_deadline(kLingerMs);
        read();
    }

    Stream stream_;
    const boost::asio::io_context::executor_type executor_;  // also when the stream has moved
    std::shared_ptr<Shared> shared_;
    std::shared_ptr<Connection> kept_;
    std::optional<RequestParser> parser_;
    std::string input_;      // received, not yet parsed
    std::string tls_input_;  // where TLS reads to
    std::string header_;     // of the response being written
    std::string held_;       // responses that wait for the next one
    Payload body_;
    std::function<void(std::shared_ptr<ByteStream>)> upgraded_;
    std::weak_ptr<ByteStream> upgraded_stream_;
    std::string peer_;
    std::atomic<int64_t> deadline_ms_{INT64_MAX};
    std::atomic<bool> has_held_{false};
    std::mutex close_mutex_;          // the socket is not closed while another thread looks at it
    std::atomic<uint64_t> owed_{0};   // the request that waits for its reply
    std::atomic<uint64_t> taken_{0};  // the last whose reply was given
    uint64_t request_number_ = 0;
    size_t parsed_ = 0;  // of input_
    size_t lingered_ = 0;
    size_t charged_ = 0;  // of Shared::body_bytes
    State state_ = State::kIdle;
    size_t sent_ = 0;        // of a reply, by another thread
    bool has_more_ = false;  // of what was received, behind the request whose reply is owed
    std::atomic<bool> armed_{false};
    bool pumping_ = false;
    bool keep_alive_ = true;
    bool is_old_ = false;
    bool head_ = false;
    bool lingering_ = false;
};

}  // namespace tandem::net
