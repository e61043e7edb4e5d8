// What an endpoint's answer is to Step Functions, and requests and answers as people are shown them
// (HttpTrace). Pure. Private to this room.
#pragma once

#include <string>

#include "exec/http/http_calls.h"
#include "exec/http/transfers.h"

namespace tandem::http {

HttpAnswer failed(std::string error, std::string cause);
HttpAnswer answer_of(Response response);

std::string protocol_of(const std::string& url);
/// The service's own headers are the last ones, as AWS shows them.
json::Value shown(const Request& request);
json::Value shown(const Response& response, const std::string& protocol);

}  // namespace tandem::http
