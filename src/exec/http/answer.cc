#include "exec/http/answer.h"

#include "base/encoding.h"
#include "base/limits.h"

namespace tandem::http {

namespace {

json::Value body_of(std::string bytes) {
    // Whatever its type says: a text that is JSON is shown as that.
    json::ParseOptions options;
    options.max_depth -= 1;  // it is inside of the result
    if (auto value = json::parse(bytes, options)) return *std::move(value);
    return to_valid_utf8(std::move(bytes));
}

json::Value headers_of(const Pairs& headers) {
    json::Value out = json::Value::object();
    for (const auto& [name, value] : headers) {
        json::Array values;
        if (const json::Value* earlier = out.find(name)) values = earlier->as_array();
        values.emplace_back(to_valid_utf8(value));
        out.set(to_valid_utf8(name), json::Value(std::move(values)));
    }
    return out;
}

/// "[a: b, c: d]", as AWS shows them.
std::string shown(const Pairs& headers) {
    std::string out;
    for (const auto& [name, value] : headers)
        out += (out.empty() ? "" : ", ") + to_valid_utf8(name) + ": " + to_valid_utf8(value);
    return "[" + out + "]";
}

}  // namespace

HttpAnswer failed(std::string error, std::string cause) {
    HttpAnswer out;
    out.error = std::move(error);
    out.cause = std::move(cause);
    return out;
}

std::string protocol_of(const std::string& url) {
    std::string out = url.substr(0, url.find("://"));
    for (char& c : out) {
        if (c >= 'A' && c <= 'Z') c = char(c - 'A' + 'a');
    }
    return out;
}

/// The service's own headers are the last ones, as AWS shows them.
json::Value shown(const Request& request) {
    Pairs headers;
    for (const bool is_own : {false, true}) {
        for (const auto& header : request.headers) {
            if ((header.first == "User-Agent" || header.first == "Range") == is_own)
                headers.push_back(header);
        }
    }
    json::Value out = json::Value::object({{"protocol", protocol_of(request.url)},
                                           {"method", request.method},
                                           {"url", request.url},
                                           {"headers", shown(headers)}});
    if (request.has_body) out.set("body", request.body);
    return out;
}

json::Value shown(const Response& response, const std::string& protocol) {
    return json::Value::object({{"protocol", protocol},
                                {"statusCode", std::to_string(response.status)},
                                {"statusMessage", to_valid_utf8(response.status_text)},
                                {"headers", shown(response.headers)},
                                {"body", to_valid_utf8(response.body)}});
}

HttpAnswer answer_of(Response response) {
    if (response.is_too_large) {
        return failed("States.DataLimitExceeded",
                      "The state/task 'http' returned a result with a size exceeding the maximum "
                      "number of bytes service limit.");
    }
    if (!response.failure.empty())
        return failed("States.Http.Socket", to_valid_utf8(std::move(response.failure)));
    const std::string text = to_valid_utf8(response.status_text);
    if (response.status < 200 || response.status >= 300) {
        std::string cause = to_valid_utf8(std::move(response.body));
        if (cause.empty()) cause = text.empty() ? std::to_string(response.status) : text;
        if (cause.size() > kCauseChars) cause = to_valid_utf8(cause.substr(0, kCauseChars));
        return failed("States.Http.StatusCode." + std::to_string(response.status),
                      std::move(cause));
    }
    HttpAnswer out;
    out.output = json::Value::object({{"Headers", headers_of(response.headers)},
                                      {"ResponseBody", body_of(std::move(response.body))},
                                      {"StatusCode", response.status},
                                      {"StatusText", text}});
    return out;
}

}  // namespace tandem::http
