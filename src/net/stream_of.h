// StreamOf: the ByteStream over one kind of stream. The socket is touched on its own loop, except
// that a plain one is also written to by whoever sends while nothing is queued; the mutex keeps
// such a write apart from closing. Not for use outside net.
#pragma once

#include <boost/asio/dispatch.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <sys/socket.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <utility>

#include "net/stream.h"

namespace tandem::net {

using Socket =
    boost::asio::ip::tcp::socket::rebind_executor<boost::asio::io_context::executor_type>::other;
using TlsStream = boost::asio::ssl::stream<Socket>;

template <class Stream>
class StreamOf final : public ByteStream, public std::enable_shared_from_this<StreamOf<Stream>> {
public:
    /// `early`: what has come already. `keeper` is held until the stream is closed.
    StreamOf(Stream stream, std::string early, std::string peer, std::shared_ptr<void> keeper)
        : stream_(std::move(stream)),
          early_(std::move(early)),
          peer_(std::move(peer)),
          keeper_(std::move(keeper)) {
        boost::system::error_code ignored;
        socket().non_blocking(true, ignored);
        socket().set_option(boost::asio::ip::tcp::no_delay(true), ignored);
    }

    void start(StreamCallbacks callbacks) override {
        boost::asio::post(executor(), [self = this->shared_from_this(),
                                       callbacks = std::move(callbacks)]() mutable {
            self->callbacks_ = std::move(callbacks);
            self->started_ = true;
            if (self->closed_) return self->tell_closed();
            const std::string early = std::exchange(self->early_, {});
            if (!early.empty()) self->callbacks_.bytes(early);
            self->read();
        });
    }

    bool send(std::string bytes) override {
        if (bytes.empty()) return !closed_;
        const std::lock_guard lock(mutex_);
        if (closed_ || closing_) return false;
        if constexpr (!kTls) {
            if (queue_.empty() && !writing_) {
                const ssize_t n = ::send(socket().native_handle(), bytes.data(), bytes.size(),
                                         MSG_NOSIGNAL | MSG_DONTWAIT);
                // Other errors are found again by the loop's own write.
                if (n == ssize_t(bytes.size())) return true;
                if (n > 0) bytes.erase(0, size_t(n));
            }
        }
        queued_ += bytes.size();
        if (queue_.empty()) queue_ = std::move(bytes);
        else queue_ += bytes;
        if (!writing_) {
            writing_ = true;
            boost::asio::post(executor(), [self = this->shared_from_this()] { self->write(); });
        }
        return true;
    }

    size_t queued_bytes() const override { return queued_; }

    void pause_reading(bool paused) override {
        boost::asio::dispatch(executor(), [self = this->shared_from_this(), paused] {
            self->paused_ = paused;
            if (!paused && self->started_) self->read();
        });
    }

    void close() override {
        boost::asio::post(executor(), [self = this->shared_from_this()] { self->close_now(); });
    }

    void close_after_sending(int64_t at_most_ms) override {
        boost::asio::post(executor(), [self = this->shared_from_this(), at_most_ms] {
            {
                const std::lock_guard lock(self->mutex_);
                self->closing_ = true;
                if (!self->writing_) return self->close_on_loop();
            }
            self->timer_.emplace(self->executor(), std::chrono::milliseconds(at_most_ms));
            self->timer_->async_wait([self](ErrorCodeOf ec) {
                if (!ec) self->close_now();
            });
        });
    }

    std::string peer() const override { return peer_; }

private:
    using ErrorCodeOf = boost::system::error_code;
    static constexpr bool kTls = std::is_same_v<Stream, TlsStream>;
    static constexpr size_t kReadBytes = 64 * 1024;

    Socket& socket() {
        if constexpr (kTls) return stream_.next_layer();
        else return stream_;
    }
    boost::asio::io_context::executor_type executor() { return socket().get_executor(); }

    void read() {
        if (reading_ || paused_ || closed_) return;
        reading_ = true;
        if (input_.empty()) input_.resize(kReadBytes);
        stream_.async_read_some(boost::asio::buffer(input_),
                                [self = this->shared_from_this()](ErrorCodeOf ec, size_t n) {
                                    self->reading_ = false;
                                    if (ec) return self->close_now();
                                    if (self->closed_) return;
                                    self->callbacks_.bytes({self->input_.data(), n});
                                    self->read();
                                });
    }

    void write() {
        {
            const std::lock_guard lock(mutex_);
            if (closed_) return;
            output_ = std::exchange(queue_, {});
        }
        boost::asio::async_write(stream_, boost::asio::buffer(output_),
                                 [self = this->shared_from_this()](ErrorCodeOf ec, size_t) {
                                     if (ec) return self->close_now();
                                     self->on_written();
                                 });
    }

    void on_written() {
        bool has_more = true;
        {
            const std::lock_guard lock(mutex_);
            queued_ -= output_.size();
            output_.clear();
            if (output_.capacity() > kReadBytes) output_ = std::string();
            if (queue_.empty()) {
                has_more = writing_ = false;
                if (closing_) return close_on_loop();
            }
        }
        if (has_more) return write();
        if (started_ && !closed_ && callbacks_.drained) callbacks_.drained();
    }

    void close_on_loop() {
        boost::asio::post(executor(), [self = this->shared_from_this()] { self->close_now(); });
    }

    void close_now() {
        {
            const std::lock_guard lock(mutex_);
            if (closed_.exchange(true)) return;
            ErrorCodeOf ec;
            socket().shutdown(boost::asio::ip::tcp::socket::shutdown_both, ec);
            socket().close(ec);
            queue_.clear();
        }
        if (timer_) timer_->cancel();
        if (started_) tell_closed();
        const auto kept = std::exchange(keeper_, nullptr);
    }

    /// Drops the callbacks: what they hold may hold this.
    void tell_closed() {
        const StreamCallbacks callbacks = std::exchange(callbacks_, {});
        if (callbacks.closed) callbacks.closed();
    }

    Stream stream_;
    std::string early_;
    const std::string peer_;
    std::shared_ptr<void> keeper_;
    StreamCallbacks callbacks_;
    std::optional<boost::asio::steady_timer> timer_;
    std::string input_;   // where reading reads to
    std::string output_;  // being written by the loop
    bool started_ = false, reading_ = false, paused_ = false;
    mutable std::mutex mutex_;  // guards the rest, and the socket's end
    std::string queue_;
    bool writing_ = false;  // the loop is, or is about to
    bool closing_ = false;
    std::atomic<size_t> queued_{0};
    std::atomic<bool> closed_{false};
};

}  // namespace tandem::net
