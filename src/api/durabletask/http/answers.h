// Answers of the management API: JSON, or nothing but a status. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "net/http.h"

namespace tandem::durabletask::http {

net::HttpResponse bare(int status);
net::HttpResponse json_answer(int status, std::string body);
/// {"Message": ...}
net::HttpResponse refuse_with(int status, std::string_view message);
net::HttpResponse failure(const Error& error);

}  // namespace tandem::durabletask::http
