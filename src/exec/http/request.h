// What a Task's parameters (arn:aws:states:::http:invoke) and its connection make of a request.
// Pure, but for authorization: that is added when the request is sent.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "exec/http/connection.h"
#include "json/value.h"

namespace tandem::http {

struct Request {
    std::string method;
    std::string url;
    Pairs headers;
    std::string body;
    bool has_body = false;
};

/// The name in "arn:aws:events:REGION:ACCOUNT:connection/NAME/ID" of the parameters; empty: none.
std::string connection_of(const json::Value& parameters);

/// Error: why the parameters cannot be used, in AWS's words.
tl::expected<Request, std::string> make_request(const json::Value& parameters,
                                                const Connection& connection,
                                                std::string_view region, size_t answer_bytes);

/// How an array's members are named in a form: "a[0]=", "a=", "a=x,y", "a[]=".
enum class ArrayFormat { kIndices, kRepeat, kCommas, kBrackets };

/// application/x-www-form-urlencoded of an object's members.
std::string encode_form(const json::Value& object, ArrayFormat format);

}  // namespace tandem::http
