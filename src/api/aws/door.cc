#include "api/aws/door.h"

#include <memory>

#include "base/encoding.h"

namespace tandem::aws {

namespace {

net::HttpResponse make(int status, std::string_view type, std::string body) {
    net::HttpResponse response;
    response.status = status;
    response.headers.set("Content-Type", std::string(type));
    response.body = Payload(std::move(body));
    return response;
}

void add_members(json::Value& body, const ApiError& error) {
    if (!error.members.is_object()) return;
    for (const auto& [key, value] : error.members.as_object()) body.set(key, value);
}

void add_headers(net::HttpResponse& response, const ApiError& error) {
    response.headers.set("x-amzn-ErrorType", error.code);
    if (error.retry_after_s > 0)
        response.headers.set("Retry-After", std::to_string(error.retry_after_s));
}

constexpr std::string_view kJson10 = "application/x-amz-json-1.0";
constexpr std::string_view kJson = "application/json";

}  // namespace

net::HttpResponse json10_reply(const json::Value& body) {
    return make(200, kJson10, json::print(body));
}

net::HttpResponse json10_failure(const ApiError& error) {
    json::Value body = json::Value::object({{"__type", error.code}});
    if (!error.message.empty()) body.set("message", to_valid_utf8(error.message));
    add_members(body, error);
    net::HttpResponse response = make(error.status, kJson10, json::print(body));
    add_headers(response, error);
    return response;
}

net::HttpResponse rest_reply(int status, const json::Value& body) {
    return make(status, kJson, body.is_null() ? std::string() : json::print(body));
}

net::HttpResponse rest_failure(const ApiError& error) {
    // Messages quote what was sent, which need not be UTF-8.
    const std::string message = to_valid_utf8(error.message);
    json::Value body =
        is_framework_error(error.code)
            ? json::Value::object({{"message", message}})
            : json::Value::object(
                  {{"Type", error.status >= 500 ? "Service" : "User"}, {"Message", message}});
    add_members(body, error);
    net::HttpResponse response = make(error.status, kJson, json::print(body));
    add_headers(response, error);
    return response;
}

net::HttpReply with_request_id(net::HttpReply reply, std::string request_id) {
    return [reply = std::move(reply), id = std::move(request_id)](net::HttpResponse response) {
        response.headers.set("x-amzn-RequestId", id);
        reply(std::move(response));
    };
}

Answer<json::Value> decode_body(std::string_view body, const Limits& limits) {
    if (body.empty()) return json::Value::object();
    auto value = json::parse(body, {.max_depth = limits.json_depth, .max_values = kRequestValues});
    if (!value)
        return refuse("SerializationException",
                      "The request body is not valid JSON: " + value.error().message);
    if (value->is_array())
        return refuse("SerializationException", "Start of list found where not expected");
    if (!value->is_object()) return refuse("SerializationException", "Unexpected field type");
    return *std::move(value);
}

}  // namespace tandem::aws
