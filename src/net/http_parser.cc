#include "net/http_parser.h"

#include <boost/beast/core/error.hpp>
#include <boost/beast/http/error.hpp>

#include "net/http_bytes.h"

namespace tandem::net {

namespace beast = boost::beast;
namespace http = boost::beast::http;

void prepare(RequestParser& parser, size_t header_bytes, size_t body_bytes) {
    parser.header_limit(std::uint32_t(header_bytes));
    parser.body_limit(body_bytes);
}

size_t count_fields(const RequestParser& parser) {
    return size_t(std::distance(parser.get().begin(), parser.get().end()));
}

HttpRequest take_request(RequestParser& parser, size_t header_fields) {
    auto& message = parser.get();
    HttpRequest request;
    request.method = std::string(message.method_string());
    request.target = std::string(message.target());
    size_t i = 0;
    for (const auto& field : message) {
        Headers& into = i++ < header_fields ? request.headers : request.trailers;
        into.add(std::string(field.name_string()), std::string(field.value()));
    }
    request.body = std::move(message.body());
    return request;
}

int status_of(const boost::system::error_code& error) {
    if (error == http::error::header_limit) return 431;
    if (error == http::error::body_limit) return 413;
    if (error == beast::error::timeout) return 408;
    if (error == http::error::end_of_stream || error == http::error::partial_message || error == http::error::need_more) return 0;
    const bool parse_error = error.category() == make_error_code(http::error::bad_method).category();
    return parse_error ? 400 : 0;
}

std::optional<HttpRequest> parse_request(std::string_view bytes, size_t header_bytes, size_t body_bytes, int& status) {
    RequestParser parser;
    prepare(parser, header_bytes, body_bytes);
    parser.eager(false);
    boost::system::error_code error;
    std::optional<size_t> fields;
    while (!parser.is_done()) {
        const size_t used = parser.put(boost::asio::buffer(bytes.data(), bytes.size()), error);
        bytes.remove_prefix(used);
        if (parser.is_header_done() && !fields) {
            fields = count_fields(parser);
            parser.eager(true);
            if (!error) continue;
        }
        if (error || used == 0) break;
    }
    if (!parser.is_done()) {
        status = error ? status_of(error) : 0;
        return std::nullopt;
    }
    return take_request(parser, fields.value_or(count_fields(parser)));
}

}  // namespace tandem::net
