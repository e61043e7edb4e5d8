// The request parser of the server: Beast's, with our limits, turned into HttpRequest. Shared with
// the fuzz target, which feeds it from memory. Not for use outside net.
#pragma once

#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <optional>
#include <string_view>

#include "net/http.h"

namespace tandem::net {

using RequestParser = boost::beast::http::request_parser<boost::beast::http::string_body>;

void prepare(RequestParser& parser, size_t header_bytes, size_t body_bytes);
/// Takes the message out of a parser that is done. `header_fields` is how many fields there were when
/// the header ended: those that came later are trailers of a chunked body.
HttpRequest take_request(RequestParser& parser, size_t header_fields);
size_t count_fields(const RequestParser& parser);

/// Status of the reply to a request that did not parse; 0 = say nothing, close.
int status_of(const boost::system::error_code& error);

}  // namespace tandem::net
