// connect_stream(): one attempt as a chain of steps on one loop, under one deadline.
#include <boost/asio/connect.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <fcntl.h>
#include <openssl/ssl.h>

#include "net/loops.h"
#include "net/stream_of.h"
#include "net/url.h"

namespace tandem::net {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using tcp = asio::ip::tcp;
using ErrorCodeOf = boost::system::error_code;

namespace {

constexpr size_t kRefusalBytes = 64 * 1024;

std::string text_of(const HttpRequest& request, const Url& url) {
    std::string out = request.method + " " + request.target + " HTTP/1.1\r\n";
    if (request.headers.find("Host") == nullptr) {
        const bool is_v6 = url.host.find(':') != std::string::npos;
        out += "Host: " + (is_v6 ? "[" + url.host + "]" : url.host) + ":" +
               std::to_string(url.port) + "\r\n";
    }
    for (const auto& [name, value] : request.headers) {
        out += name + ": ";
        for (const char c : value) {
            if (c != '\r' && c != '\n') out.push_back(c);
        }
        out += "\r\n";
    }
    return out + "\r\n";
}

class Attempt final : public std::enable_shared_from_this<Attempt> {
public:
    Attempt(asio::io_context& io, StreamOptions options, Url url, std::string request,
            std::function<void(Result<StreamAnswer>)> done)
        : io_(io),
          options_(std::move(options)),
          url_(std::move(url)),
          request_(std::move(request)),
          done_(std::move(done)) {}

    void begin() {
        timer_.expires_after(std::chrono::milliseconds(options_.timeout_ms));
        timer_.async_wait([self = shared_from_this()](ErrorCodeOf ec) {
            if (ec || !self->done_) return;
            self->finish(
                fail(ErrorCode::kTimeout, "no answer from " + self->options_.url + " within " +
                                              std::to_string(self->options_.timeout_ms) + " ms"));
            ErrorCodeOf ignored;
            self->resolver_.cancel();
            if (self->socket_) self->socket_->close(ignored);
            if (self->tls_) self->tls_->next_layer().close(ignored);
        });
        if (url_.scheme == "https") {
            if (auto ok = open_context(); !ok) return finish(tl::unexpected<Error>(ok.error()));
        }
        resolver_.async_resolve(url_.host, std::to_string(url_.port),
                                [self = shared_from_this()](ErrorCodeOf ec, auto found) {
                                    if (self->failed(ec, "resolve " + self->url_.host)) return;
                                    self->connect(std::move(found));
                                });
    }

private:
    Result<void> open_context() {
        context_ = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_client);
        ErrorCodeOf ec;
        context_->set_default_verify_paths(ec);
        if (!options_.ca_file.empty()) context_->load_verify_file(options_.ca_file, ec);
        if (ec)
            return fail(ErrorCode::kIo, "cannot read " + options_.ca_file + ": " + ec.message());
        context_->set_verify_mode(options_.verify_tls ? asio::ssl::verify_peer
                                                      : asio::ssl::verify_none);
        return {};
    }

    void connect(tcp::resolver::results_type found) {
        socket_.emplace(io_);
        asio::async_connect(*socket_, found,
                            [self = shared_from_this()](ErrorCodeOf ec, const tcp::endpoint&) {
                                if (self->failed(ec, "connect to " + self->options_.url)) return;
                                self->shake_hands();
                            });
    }

    void shake_hands() {
        const int fd = socket_->native_handle();
        ::fcntl(fd, F_SETFD, FD_CLOEXEC);
        ErrorCodeOf ignored;
        socket_->set_option(tcp::no_delay(true), ignored);
        if (!context_) return exchange(*socket_);
        tls_.emplace(std::move(*socket_), *context_);
        socket_.reset();
        SSL_set_tlsext_host_name(tls_->native_handle(), url_.host.c_str());
        if (options_.verify_tls)
            tls_->set_verify_callback(asio::ssl::host_name_verification(url_.host));
        tls_->async_handshake(asio::ssl::stream_base::client,
                              [self = shared_from_this()](ErrorCodeOf ec) {
                                  if (self->failed(ec, "connect to " + self->options_.url)) return;
                                  self->exchange(*self->tls_);
                              });
    }

    template <class Stream>
    void exchange(Stream& stream) {
        asio::async_write(stream, asio::buffer(request_),
                          [self = shared_from_this(), &stream](ErrorCodeOf ec, size_t) {
                              if (self->failed(ec, "send")) return;
                              self->read_header(stream);
                          });
    }

    template <class Stream>
    void read_header(Stream& stream) {
        parser_.body_limit(kRefusalBytes);
        http::async_read_header(stream, buffer_, parser_,
                                [self = shared_from_this(), &stream](ErrorCodeOf ec, size_t) {
                                    if (self->failed(ec, "receive")) return;
                                    if (self->parser_.get().result_int() == 101)
                                        return self->upgrade(stream);
                                    self->read_refusal(stream);
                                });
    }

    template <class Stream>
    void read_refusal(Stream& stream) {
        http::async_read(stream, buffer_, parser_,
                         [self = shared_from_this()](ErrorCodeOf, size_t) {
                             StreamAnswer answer;
                             answer.status = int(self->parser_.get().result_int());
                             answer.body = self->parser_.get().body();
                             self->finish(std::move(answer));
                         });
    }

    template <class Stream>
    void upgrade(Stream& stream) {
        if (!done_) return;
        StreamAnswer answer;
        answer.status = 101;
        const auto data = buffer_.data();
        std::string early(static_cast<const char*>(data.data()), data.size());
        // TLS refers to its context for as long as it lives.
        answer.stream = std::make_shared<StreamOf<Stream>>(std::move(stream), std::move(early),
                                                           options_.url, context_);
        finish(std::move(answer));
    }

    bool failed(const ErrorCodeOf& ec, const std::string& doing) {
        if (!done_) return true;
        if (!ec) return false;
        finish(fail(ErrorCode::kUnavailable, doing + ": " + ec.message()));
        return true;
    }

    void finish(Result<StreamAnswer> answer) {
        timer_.cancel();
        if (const auto done = std::exchange(done_, nullptr)) done(std::move(answer));
    }

    asio::io_context& io_;
    const StreamOptions options_;
    const Url url_;
    const std::string request_;
    std::function<void(Result<StreamAnswer>)> done_;
    asio::steady_timer timer_{io_};
    tcp::resolver resolver_{io_};
    std::shared_ptr<asio::ssl::context> context_;
    std::optional<Socket> socket_;
    std::optional<TlsStream> tls_;
    boost::beast::flat_buffer buffer_;
    http::response_parser<http::string_body> parser_;
};

}  // namespace

void connect_stream(EventLoops& loops, StreamOptions options, HttpRequest request,
                    std::function<void(Result<StreamAnswer>)> done) {
    auto& io = static_cast<Loops&>(loops).next();
    auto url = parse_url(options.url);
    if (!url) {
        asio::post(io, [done = std::move(done), error = url.error()] {
            done(tl::unexpected<Error>(error));
        });
        return;
    }
    std::string text = text_of(request, *url);
    const auto attempt = std::make_shared<Attempt>(io, std::move(options), *std::move(url),
                                                   std::move(text), std::move(done));
    asio::post(io, [attempt] { attempt->begin(); });
}

}  // namespace tandem::net
