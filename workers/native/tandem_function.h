// A Lambda function in C++: `int main() { return tandem::serve([](const tandem::Event& e) {...});
// }`, built as an executable named `bootstrap` (runtime provided.al2023). One header, no libraries:
// the Runtime API is spoken over one socket, one event at a time, on the calling thread. A handler
// returns the JSON text of its result, or throws; the exception becomes the invocation's error.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cctype>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace tandem {

/// What one invocation brings. Views are valid until the handler returns.
struct Event {
    std::string_view payload;  // JSON text
    std::string_view request_id;
    std::string_view function_arn;
    std::string_view trace_id;
    std::string_view client_context;  // JSON text or empty
    int64_t deadline_ms = 0;          // since the epoch
    int64_t remaining_ms() const {
        using namespace std::chrono;
        return deadline_ms -
               duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
    }
};

/// Fails the invocation with an errorType of the function's choice.
class FunctionError : public std::runtime_error {
public:
    FunctionError(std::string type, const std::string& message)
        : std::runtime_error(message), type_(std::move(type)) {}
    const std::string& type() const { return type_; }

private:
    std::string type_;
};

using Handler = std::function<std::string(const Event&)>;

namespace detail {

inline std::string json_string(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        char escaped[8];
        switch (c) {
            case '"': out += "\\\""; break;
            case '\\': out += "\\\\"; break;
            case '\n': out += "\\n"; break;
            case '\r': out += "\\r"; break;
            case '\t': out += "\\t"; break;
            default:
                if (static_cast<unsigned char>(c) >= 0x20) {
                    out += c;
                } else {
                    std::snprintf(escaped, sizeof escaped, "\\u%04x", static_cast<unsigned>(c));
                    out += escaped;
                }
        }
    }
    return out + "\"";
}

struct Response {
    int status = 0;
    std::string head;  // status line and headers
    std::string body;

    /// Value of a header; names compare without case.
    std::string_view header(std::string_view name) const {
        size_t at = head.find("\r\n");
        while (at != std::string::npos && at + 2 < head.size()) {
            const size_t begin = at + 2, end = head.find("\r\n", begin);
            const std::string_view line = std::string_view(head).substr(begin, end - begin);
            if (line.size() > name.size() && line[name.size()] == ':' &&
                strncasecmp(line.data(), name.data(), name.size()) == 0) {
                std::string_view value = line.substr(name.size() + 1);
                while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
                return value;
            }
            at = end;
        }
        return {};
    }
};

/// One keep-alive connection to the Runtime API.
class Connection {
public:
    explicit Connection(std::string endpoint) : endpoint_(std::move(endpoint)) {
        const size_t colon = endpoint_.rfind(':');
        if (colon == std::string::npos)
            throw std::runtime_error("AWS_LAMBDA_RUNTIME_API is not host:port");
        const std::string host = endpoint_.substr(0, colon);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(static_cast<uint16_t>(std::atoi(endpoint_.c_str() + colon + 1)));
        if (inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1)
            throw std::runtime_error("bad Runtime API address " + host);
        fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd_ < 0 || ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
            throw std::runtime_error(std::string("cannot connect to the Runtime API: ") +
                                     std::strerror(errno));
        }
        const int one = 1;
        ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    }
    ~Connection() {
        if (fd_ >= 0) ::close(fd_);
    }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    std::string get(std::string_view path) const {
        return "GET /2018-06-01/runtime/" + std::string(path) + " HTTP/1.1\r\nHost: " + endpoint_ +
               "\r\n\r\n";
    }
    std::string post(std::string_view path, std::string_view body,
                     std::string_view headers = {}) const {
        std::string request =
            "POST /2018-06-01/runtime/" + std::string(path) + " HTTP/1.1\r\nHost: " + endpoint_ +
            "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
            "\r\n";
        request += headers;
        request += "\r\n";
        request += body;
        return request;
    }
    void send(std::string_view bytes) {
        while (!bytes.empty()) {
            const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (n < 0 && errno == EINTR) continue;
            if (n <= 0) throw std::runtime_error("the Runtime API is gone");
            bytes.remove_prefix(static_cast<size_t>(n));
        }
    }
    Response receive() {
        Response response;
        size_t head_end;
        while ((head_end = buffer_.find("\r\n\r\n")) == std::string::npos) read_more();
        response.head = buffer_.substr(0, head_end + 2);
        buffer_.erase(0, head_end + 4);
        if (response.head.size() > 12) response.status = std::atoi(response.head.c_str() + 9);
        const size_t length = static_cast<size_t>(
            std::strtoull(std::string(response.header("Content-Length")).c_str(), nullptr, 10));
        while (buffer_.size() < length) read_more();
        response.body = buffer_.substr(0, length);
        buffer_.erase(0, length);
        return response;
    }

private:
    void read_more() {
        char chunk[64 * 1024];
        ssize_t n;
        do n = ::recv(fd_, chunk, sizeof chunk, 0);
        while (n < 0 && errno == EINTR);
        if (n <= 0) throw std::runtime_error("the Runtime API is gone");
        buffer_.append(chunk, static_cast<size_t>(n));
    }

    std::string endpoint_, buffer_;
    int fd_ = -1;
};

/// The request that answers an invocation.
inline std::string run_handler(const Connection& connection, const Handler& handler,
                               const Event& event) {
    const std::string invocation = "invocation/" + std::string(event.request_id);
    std::string type, message;
    try {
        return connection.post(invocation + "/response", handler(event));
    } catch (const FunctionError& error) {
        type = error.type();
        message = error.what();
    } catch (const std::exception& error) {
        type = "Runtime.Exception";
        message = error.what();
    }
    return connection.post(invocation + "/error",
                           "{\"errorMessage\":" + json_string(message) +
                               ",\"errorType\":" + json_string(type) + ",\"stackTrace\":[]}",
                           "Lambda-Runtime-Function-Error-Type: Unhandled\r\n");
}

}  // namespace detail

/// Answers events until the server is gone. Returns the exit status for main().
inline int serve(const Handler& handler) {
    const char* endpoint = std::getenv("AWS_LAMBDA_RUNTIME_API");
    if (endpoint == nullptr) {
        std::fputs(
            "AWS_LAMBDA_RUNTIME_API is not set: this program is started by a Lambda runtime\n",
            stderr);
        return 1;
    }
    try {
        detail::Connection connection{std::string(endpoint)};
        const std::string next = connection.get("invocation/next");
        connection.send(next);
        for (;;) {
            const detail::Response response = connection.receive();
            if (response.status != 200) return 1;
            Event event;
            event.payload = response.body;
            event.request_id = response.header("Lambda-Runtime-Aws-Request-Id");
            event.function_arn = response.header("Lambda-Runtime-Invoked-Function-Arn");
            event.trace_id = response.header("Lambda-Runtime-Trace-Id");
            event.client_context = response.header("Lambda-Runtime-Client-Context");
            event.deadline_ms =
                std::atoll(std::string(response.header("Lambda-Runtime-Deadline-Ms")).c_str());
            const std::string answer = detail::run_handler(connection, handler, event);
            std::fflush(stdout);
            // The answer and the wish for the next event in one segment: one wake-up of the server
            // less.
            connection.send(answer + next);
            connection.receive();
        }
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}

}  // namespace tandem
