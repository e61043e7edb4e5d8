#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <openssl/ssl.h>

#include "net/http.h"
#include "net/url.h"

namespace tandem::net {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using tcp = asio::ip::tcp;
using ErrorCodeOf = boost::system::error_code;

namespace {

constexpr size_t kResponseBytes = 256 * 1024 * 1024;

tl::unexpected<Error> error_of(const ErrorCodeOf& ec, std::string_view doing) {
    const ErrorCode code = ec == beast::error::timeout     ? ErrorCode::kTimeout
                           : ec == http::error::body_limit ? ErrorCode::kTooLarge
                                                           : ErrorCode::kUnavailable;
    return fail(code, std::string(doing) + ": " + ec.message());
}

class Client final : public HttpClient {
public:
    Client(HttpClientOptions options, Url url)
        : options_(std::move(options)), url_(std::move(url)) {}

    Result<void> open() {
        if (url_.scheme != "https") return {};
        tls_.emplace(asio::ssl::context::tls_client);
        ErrorCodeOf ec;
        tls_->set_default_verify_paths(ec);
        if (!options_.ca_file.empty()) tls_->load_verify_file(options_.ca_file, ec);
        if (ec)
            return fail(ErrorCode::kIo, "cannot read " + options_.ca_file + ": " + ec.message());
        tls_->set_verify_mode(options_.verify_tls ? asio::ssl::verify_peer
                                                  : asio::ssl::verify_none);
        return {};
    }

    Result<HttpResponse> send(const HttpRequest& request) override {
        const bool reused = connected_;
        auto response = attempt(request);
        // A kept connection may have been closed by the server meanwhile; then nothing was
        // received, and the request goes out once more on a fresh one.
        if (!response && reused && response.error().code == ErrorCode::kUnavailable && !received_)
            response = attempt(request);
        return response;
    }

private:
    Result<HttpResponse> attempt(const HttpRequest& request) {
        received_ = false;
        if (!connected_) {
            if (auto ok = connect(); !ok) return tl::unexpected<Error>(ok.error());
        }
        auto response = plain_ ? exchange(*plain_, request) : exchange(*secure_, request);
        if (!response) disconnect();
        return response;
    }

    void disconnect() {
        connected_ = false;
        plain_.reset();
        secure_.reset();
        buffer_.clear();
    }

    beast::tcp_stream& tcp_layer() { return plain_ ? *plain_ : beast::get_lowest_layer(*secure_); }

    void deadline() { tcp_layer().expires_after(std::chrono::milliseconds(options_.timeout_ms)); }

    /// Runs the one operation that was just started to its end (its deadline is the stream's).
    void run() {
        io_.restart();
        io_.run();
    }

    Result<void> connect() {
        ErrorCodeOf ec;
        tcp::resolver resolver(io_);
        const auto endpoints = resolver.resolve(url_.host, std::to_string(url_.port), ec);
        if (ec) return error_of(ec, "resolve " + url_.host);
        if (tls_) secure_.emplace(io_, *tls_);
        else plain_.emplace(io_);
        deadline();
        tcp_layer().async_connect(endpoints,
                                  [&ec](ErrorCodeOf e, const tcp::endpoint&) { ec = e; });
        run();
        if (!ec) tcp_layer().socket().set_option(tcp::no_delay(true), ec);
        if (!ec && secure_) {
            SSL_set_tlsext_host_name(secure_->native_handle(), url_.host.c_str());
            if (options_.verify_tls)
                secure_->set_verify_callback(asio::ssl::host_name_verification(url_.host));
            deadline();
            secure_->async_handshake(asio::ssl::stream_base::client,
                                     [&ec](ErrorCodeOf e) { ec = e; });
            run();
        }
        if (ec) {
            disconnect();
            return error_of(ec, "connect");
        }
        connected_ = true;
        return {};
    }

    template <class Stream>
    Result<HttpResponse> exchange(Stream& stream, const HttpRequest& request) {
        http::request<http::string_body> message;
        message.method_string(request.method);
        message.target(request.target);
        message.version(11);
        for (const auto& [name, value] : request.headers) message.insert(name, value);
        if (request.headers.find("Host") == nullptr)
            message.set(http::field::host, url_.host + ":" + std::to_string(url_.port));
        message.body() = request.body;
        if (!request.body.empty() || request.method == "POST" || request.method == "PUT")
            message.prepare_payload();
        ErrorCodeOf ec;
        deadline();
        http::async_write(stream, message, [&ec](ErrorCodeOf e, size_t) { ec = e; });
        run();
        if (ec) return error_of(ec, "send");
        http::response_parser<http::string_body> parser;
        parser.body_limit(kResponseBytes);
        parser.skip(request.method == "HEAD");
        deadline();
        http::async_read(stream, buffer_, parser, [&ec](ErrorCodeOf e, size_t) { ec = e; });
        run();
        received_ = parser.got_some();
        if (ec) return error_of(ec, "receive");
        HttpResponse response;
        response.status = int(parser.get().result_int());
        for (const auto& field : parser.get())
            response.headers.add(std::string(field.name_string()), std::string(field.value()));
        if (!parser.get().keep_alive()) disconnect();
        response.body = Payload(std::move(parser.get().body()));
        return response;
    }

    HttpClientOptions options_;
    Url url_;
    asio::io_context io_{1};
    std::optional<asio::ssl::context> tls_;
    std::optional<beast::tcp_stream> plain_;
    std::optional<beast::ssl_stream<beast::tcp_stream>> secure_;
    beast::flat_buffer buffer_;
    bool connected_ = false;
    bool received_ = false;
};

}  // namespace

Result<std::unique_ptr<HttpClient>> HttpClient::make(HttpClientOptions options) {
    auto url = parse_url(options.url);
    if (!url) return tl::unexpected<Error>(url.error());
    auto client = std::make_unique<Client>(std::move(options), std::move(*url));
    auto opened = client->open();
    if (!opened) return tl::unexpected<Error>(opened.error());
    return Result<std::unique_ptr<HttpClient>>(std::move(client));
}

}  // namespace tandem::net
