#include "net/http_parser.h"

#include <boost/beast/core/error.hpp>
#include <boost/beast/http/error.hpp>

#include "net/http_bytes.h"

namespace tandem::net {

namespace beast = boost::beast;
namespace http = boost::beast::http;

namespace {

// A length that a client only claims takes no memory before the bytes come.
constexpr std::uint64_t kReserveBytes = 64 * 1024;

/// "http://host/path" as a proxy's client writes it -> "/path".
std::string origin_form(std::string_view target) {
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (!beast::iequals(target.substr(0, scheme.size()), scheme)) continue;
        const size_t path = target.find_first_of("/?", scheme.size());
        if (path == std::string_view::npos) return "/";
        return (target[path] == '?' ? "/" : "") + std::string(target.substr(path));
    }
    return std::string(target);
}

}  // namespace

RequestParser::RequestParser(size_t header_bytes, size_t body_bytes)
    : trailer_bytes_left_(header_bytes) {
    header_limit(std::uint32_t(header_bytes));
    body_limit(std::uint64_t(body_bytes));
}

void RequestParser::on_request_impl(http::verb, Text method, Text target, int version,
                                    ErrorCodeOf&) {
    request_.method.assign(method.data(), method.size());
    request_.target = origin_form({target.data(), target.size()});
    version_ = version;
}

int RequestParser::refusal() const {
    size_t hosts = 0;
    for (const auto& [name, value] : request_.headers) {
        if (beast::iequals(name, "Host")) ++hosts;
        const bool is_coding = beast::iequals(name, "Transfer-Encoding");
        if (is_coding && !beast::iequals(value, "chunked")) return 501;
    }
    if (hosts > 1 || (hosts == 0 && version_ == 11)) return 400;
    return 0;
}

void RequestParser::on_field_impl(http::field, Text name, Text value, ErrorCodeOf& ec) {
    // Fields that come after the header are trailers of a chunked body; Beast does not bound them.
    if (is_header_done()) {
        if (name.size() + value.size() > trailer_bytes_left_) {
            ec = http::error::header_limit;
            return;
        }
        trailer_bytes_left_ -= name.size() + value.size();
    }
    Headers& into = is_header_done() ? request_.trailers : request_.headers;
    into.add(std::string(name.data(), name.size()), std::string(value.data(), value.size()));
}

void RequestParser::on_body_init_impl(const boost::optional<std::uint64_t>& length, ErrorCodeOf&) {
    if (length) request_.body.reserve(size_t(std::min(*length, kReserveBytes)));
}

size_t RequestParser::on_body_impl(Text bytes, ErrorCodeOf&) {
    request_.body.append(bytes.data(), bytes.size());
    return bytes.size();
}

size_t RequestParser::on_chunk_body_impl(std::uint64_t, Text bytes, ErrorCodeOf&) {
    request_.body.append(bytes.data(), bytes.size());
    return bytes.size();
}

int status_of(const boost::system::error_code& error) {
    if (error == http::error::header_limit) return 431;
    if (error == http::error::body_limit) return 413;
    if (error == beast::error::timeout) return 408;
    if (error == http::error::end_of_stream || error == http::error::partial_message ||
        error == http::error::need_more) {
        return 0;
    }
    const bool parse_error =
        error.category() == make_error_code(http::error::bad_method).category();
    return parse_error ? 400 : 0;
}

std::optional<HttpRequest> parse_request(std::string_view bytes, size_t header_bytes,
                                         size_t body_bytes, int& status) {
    RequestParser parser(header_bytes, body_bytes);
    parser.eager(false);
    boost::system::error_code error;
    while (!parser.is_done()) {
        const size_t used = parser.put(boost::asio::buffer(bytes.data(), bytes.size()), error);
        bytes.remove_prefix(used);
        if (parser.is_header_done() && !parser.eager()) {
            parser.eager(true);
            if (!error) continue;
        }
        if (error || used == 0) break;
    }
    if (parser.is_header_done() && parser.refusal() != 0) {
        status = parser.refusal();
        return std::nullopt;
    }
    if (!parser.is_done()) {
        status = error ? status_of(error) : 0;
        return std::nullopt;
    }
    return parser.take();
}

}  // namespace tandem::net
