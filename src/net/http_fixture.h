// For tests: a server on a loopback port, and a client that sends what a well-behaved one never
// would.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "net/http.h"

namespace tandem::net {

using namespace std::chrono_literals;

class Raw {
public:
    explicit Raw(uint16_t port) {
        fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        EXPECT_EQ(::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
        timeval timeout{10, 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    }
    ~Raw() { close(); }
    void close() {
        if (fd_ >= 0) ::close(fd_);
        fd_ = -1;
    }
    void send(std::string_view bytes) {
        EXPECT_EQ(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL), ssize_t(bytes.size()));
    }
    /// Everything until the server closes.
    std::string read_all() {
        std::string out;
        char buffer[4096];
        for (ssize_t n = 0; (n = ::recv(fd_, buffer, sizeof buffer, 0)) > 0;)
            out.append(buffer, size_t(n));
        return out;
    }
    /// Until `mark` was seen.
    std::string read_until(std::string_view mark) {
        std::string out;
        char c = 0;
        while (out.find(mark) == std::string::npos && ::recv(fd_, &c, 1, 0) == 1) out.push_back(c);
        return out;
    }

private:
    int fd_ = -1;
};

class HttpTest : public testing::Test {
protected:
    void TearDown() override {
        if (server_) server_->stop();
        loops_->stop();
    }
    uint16_t serve(HttpServerOptions options, HttpHandler handler) {
        auto server = HttpServer::listen(*loops_, std::move(options), std::move(handler));
        EXPECT_TRUE(server.has_value()) << server.error().message;
        server_ = std::move(*server);
        return server_->port();
    }
    static HttpHandler echo() {
        return [](HttpRequest request, HttpReply reply) {
            HttpResponse response;
            response.headers.add("X-Method", request.method);
            for (const auto& [name, value] : request.trailers)
                response.headers.add("X-Trailer-" + name, value);
            response.body = Payload(request.body);
            reply(std::move(response));
        };
    }
    std::unique_ptr<HttpClient> client(uint16_t port, int64_t timeout_ms = 10'000) {
        return std::move(*HttpClient::make(
            {.url = "http://127.0.0.1:" + std::to_string(port), .timeout_ms = timeout_ms}));
    }
    bool eventually(const std::function<bool()>& condition) {
        const auto deadline = std::chrono::steady_clock::now() + 10s;
        while (!condition()) {
            if (std::chrono::steady_clock::now() > deadline) return false;
            std::this_thread::yield();
        }
        return true;
    }

    std::unique_ptr<EventLoops> loops_ = EventLoops::start(2);
    std::unique_ptr<HttpServer> server_;
};

}  // namespace tandem::net
