// The Lambda Runtime API, 2018-06-01, over one keep-alive socket.
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "runtime.h"

namespace tandem::runtime {
namespace {

struct Response {
    int status = 0;
    std::string head;  // status line and header fields
    std::string body;

    /// Value of a header field; names compare without case.
    std::string_view field(std::string_view name) const {
        size_t at = head.find("\r\n");
        while (at != std::string::npos && at + 2 < head.size()) {
            const size_t begin = at + 2, end = head.find("\r\n", begin);
            const std::string_view line = std::string_view(head).substr(begin, end - begin);
            if (line.size() > name.size() && line[name.size()] == ':' &&
                ::strncasecmp(line.data(), name.data(), name.size()) == 0) {
                std::string_view value = line.substr(name.size() + 1);
                while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
                return value;
            }
            at = end;
        }
        return {};
    }
};

/// A connected socket to "host:port", or -1.
int connect_to(const std::string& host, const std::string& port) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (::getaddrinfo(host.c_str(), port.c_str(), &hints, &found) != 0) return -1;
    int fd = -1;
    for (const addrinfo* at = found; at != nullptr && fd < 0; at = at->ai_next) {
        fd = ::socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd >= 0 && ::connect(fd, at->ai_addr, at->ai_addrlen) != 0) {
            ::close(fd);
            fd = -1;
        }
    }
    ::freeaddrinfo(found);
    return fd;
}

class RuntimeApi final : public Source {
public:
    explicit RuntimeApi(std::string endpoint) : endpoint_(std::move(endpoint)) {
        const size_t colon = endpoint_.rfind(':');
        if (colon == std::string::npos)
            throw std::runtime_error("AWS_LAMBDA_RUNTIME_API is not host:port");
        fd_ = connect_to(endpoint_.substr(0, colon), endpoint_.substr(colon + 1));
        if (fd_ < 0) throw std::runtime_error("cannot connect to the Runtime API");
        const int one = 1;
        ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    }
    ~RuntimeApi() override { ::close(fd_); }

    void open() override { send(next_request()); }

    bool next(Invocation& invocation) override {
        if (owes_acknowledgement_) receive();
        owes_acknowledgement_ = false;
        event_ = receive();
        if (event_.status != 200) return false;
        invocation.payload = std::as_bytes(std::span(event_.body));
        invocation.request_id = event_.field("Lambda-Runtime-Aws-Request-Id");
        invocation.function_arn = event_.field("Lambda-Runtime-Invoked-Function-Arn");
        invocation.trace_id = event_.field("Lambda-Runtime-Trace-Id");
        invocation.client_context = event_.field("Lambda-Runtime-Client-Context");
        // Where tracing libraries look for it.
        ::setenv("_X_AMZN_TRACE_ID", std::string(invocation.trace_id).c_str(), 1);
        const long long deadline_ms =
            std::atoll(std::string(event_.field("Lambda-Runtime-Deadline-Ms")).c_str());
        invocation.deadline =
            std::chrono::system_clock::time_point(std::chrono::milliseconds(deadline_ms));
        return true;
    }

    void succeed(std::string_view request_id, std::string_view payload) override {
        answer(request_id, "/response", payload, {});
    }
    void fail(std::string_view request_id, std::string_view error_type,
              std::string_view document) override {
        answer(request_id, "/error", document, error_type);
    }
    void fail_init(std::string_view error_type, std::string_view document) override {
        send(post("init/error", document, error_type));
        receive();
    }

private:
    /// The answer and the wish for the next event in one segment: one wake-up of the server less.
    void answer(std::string_view request_id, std::string_view verb, std::string_view body,
                std::string_view error_type) {
        send(post("invocation/" + std::string(request_id) + std::string(verb), body, error_type) +
             next_request());
        owes_acknowledgement_ = true;
    }

    std::string next_request() const {
        return "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: " + endpoint_ +
               "\r\n\r\n";
    }

    std::string post(std::string_view path, std::string_view body,
                     std::string_view error_type) const {
        std::string request =
            "POST /2018-06-01/runtime/" + std::string(path) + " HTTP/1.1\r\nHost: " + endpoint_ +
            "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
            "\r\n";
        if (!error_type.empty()) {
            request += "Lambda-Runtime-Function-Error-Type: ";
            for (const char c : error_type.substr(0, 1024))
                request += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
            request += "\r\n";
        }
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
            std::strtoull(std::string(response.field("Content-Length")).c_str(), nullptr, 10));
        while (buffer_.size() < length) read_more();
        response.body = buffer_.substr(0, length);
        buffer_.erase(0, length);
        return response;
    }

    void read_more() {
        char chunk[64 * 1024];
        ssize_t n;
        do n = ::recv(fd_, chunk, sizeof chunk, 0);
        while (n < 0 && errno == EINTR);
        if (n <= 0) throw std::runtime_error("the Runtime API is gone");
        buffer_.append(chunk, static_cast<size_t>(n));
    }

    const std::string endpoint_;
    std::string buffer_;
    Response event_;
    bool owes_acknowledgement_ = false;
    int fd_ = -1;
};

}  // namespace

std::unique_ptr<Source> open_runtime_api(std::string endpoint) {
    return std::make_unique<RuntimeApi>(std::move(endpoint));
}

}  // namespace tandem::runtime
