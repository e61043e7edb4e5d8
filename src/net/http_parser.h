// The request parser of the server: Beast's grammar, with our limits, filling an HttpRequest as it
// reads. Beast's own message container cannot hold a field of more than 64 KiB; this one is bounded
// by the header limit alone. Shared with the fuzz target. Not for use outside net.
#pragma once

#include <boost/beast/http/basic_parser.hpp>

#include <cstdint>
#include <string_view>

#include "net/http.h"

namespace tandem::net {

class RequestParser final : public boost::beast::http::basic_parser<true> {
public:
    /// Limits in bytes; the header's holds for the trailers of a chunked body too.
    RequestParser(size_t header_bytes, size_t body_bytes);

    /// After the header: status of the refusal of what the grammar allows and this server does not,
    /// 0 if there is none. A transfer coding that is not understood leaves the end of the body open
    /// to opinion, which is how requests are smuggled.
    int refusal() const;
    /// Whether the answer must say that the connection stays open (HTTP/1.0).
    bool is_old() const { return version_ == 10; }
    /// What was read so far.
    const HttpRequest& request() const { return request_; }
    HttpRequest take() { return std::move(request_); }

private:
    using Text = boost::beast::string_view;
    using ErrorCodeOf = boost::system::error_code;

    void on_request_impl(boost::beast::http::verb, Text method, Text target, int version,
                         ErrorCodeOf&) override;
    void on_response_impl(int, Text, int, ErrorCodeOf&) override {}
    void on_field_impl(boost::beast::http::field, Text name, Text value, ErrorCodeOf& ec) override;
    void on_header_impl(ErrorCodeOf&) override {}
    void on_body_init_impl(const boost::optional<std::uint64_t>& length, ErrorCodeOf&) override;
    size_t on_body_impl(Text bytes, ErrorCodeOf&) override;
    void on_chunk_header_impl(std::uint64_t, Text, ErrorCodeOf&) override {}
    size_t on_chunk_body_impl(std::uint64_t, Text bytes, ErrorCodeOf&) override;
    void on_finish_impl(ErrorCodeOf&) override {}

    HttpRequest request_;
    int version_ = 11;
    size_t trailer_bytes_left_;
};

/// Status of the reply to a request that did not parse; 0 = say nothing, close.
int status_of(const boost::system::error_code& error);

}  // namespace tandem::net
