// The requests that the load clients make, as bytes of HTTP/1.1, and what they read from the
// answers. Calls of the Step Functions API are signed one by one, as an SDK would.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/clock.h"
#include "net/sigv4.h"

namespace tandem::bench {

struct Endpoint {
    std::string host;  // an IPv4 address
    uint16_t port = 0;
    net::Credentials credentials;
};

inline std::string serialise(const Endpoint& to, net::HttpRequest request) {
    std::string out = request.method + " " + request.target + " HTTP/1.1\r\n";
    if (request.headers.find("Host") == nullptr) out += "Host: " + to.host + "\r\n";
    for (const auto& [name, value] : request.headers) out += name + ": " + value + "\r\n";
    if (!request.body.empty())
        out += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
    return out + "\r\n" + request.body;
}

inline std::string get(const Endpoint& to, std::string path) {
    net::HttpRequest request;
    request.method = "GET";
    request.target = std::move(path);
    return serialise(to, std::move(request));
}

inline std::string post_json(const Endpoint& to, std::string path, std::string body) {
    net::HttpRequest request;
    request.method = "POST";
    request.target = std::move(path);
    request.headers.add("Content-Type", "application/json");
    request.body = std::move(body);
    return serialise(to, std::move(request));
}

/// One call of the Step Functions API.
inline std::string states_call(const Endpoint& to, std::string_view action, std::string body) {
    net::HttpRequest request;
    request.method = "POST";
    request.headers.add("Host", to.host + ":" + std::to_string(to.port));
    request.headers.add("Content-Type", "application/x-amz-json-1.0");
    request.headers.add("X-Amz-Target", "AWSStepFunctions." + std::string(action));
    request.body = std::move(body);
    net::sign(request, to.credentials, {"us-east-1", "states"}, system_clock().now());
    return serialise(to, std::move(request));
}

inline std::string escaped(std::string_view json) {
    std::string out;
    for (const char c : json) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out;
}

/// The body of StartExecution and StartSyncExecution.
inline std::string start_body(std::string_view machine, std::string_view input) {
    return R"({"stateMachineArn":")" + std::string(machine) + R"(","input":")" + escaped(input) +
           "\"}";
}

/// A text member of a flat JSON object; empty when it is not there.
inline std::string text_of(std::string_view body, std::string_view member) {
    const std::string key = "\"" + std::string(member) + "\":\"";
    const size_t at = body.find(key);
    if (at == std::string_view::npos) return {};
    const size_t begin = at + key.size();
    return std::string(body.substr(begin, body.find('"', begin) - begin));
}

struct Response {
    int status = 0;
    std::string_view body;
};

/// True when `buffer` holds the whole of an answer: one that names its length, as all do here.
inline bool parse_response(std::string_view buffer, Response& out) {
    const size_t head = buffer.find("\r\n\r\n");
    if (head == std::string_view::npos) return false;
    size_t at = buffer.find("ontent-");  // Content-Length, in either case
    while (at < head && buffer.substr(at + 8, 6) != "ength:") at = buffer.find("ontent-", at + 1);
    CHECK(at < head);
    const size_t length = std::strtoul(buffer.data() + at + 14, nullptr, 10);
    if (buffer.size() < head + 4 + length) return false;
    out.status = std::atoi(buffer.data() + 9);
    out.body = buffer.substr(head + 4, length);
    return true;
}

}  // namespace tandem::bench
