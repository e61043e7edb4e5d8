#include <atomic>

#include "net/http_fixture.h"

namespace tandem::net {
namespace {

/// Replies are given by the threads of loops that no connection lives on.
class RepliesOfOtherLoopsTest : public HttpTest {
protected:
    ~RepliesOfOtherLoopsTest() override { others_->stop(); }
    HttpHandler echo_there() {
        return [this](HttpRequest request, HttpReply reply) {
            const auto shared = std::make_shared<HttpRequest>(std::move(request));
            others_->post([this, shared, reply = std::move(reply)] {
                HttpResponse response;
                response.headers.add("X-Method", shared->method);
                response.body = Payload(shared->body);
                reply(response);
                ++replies_;
                response.status = 500;
                reply(response);  // the second is ignored
            });
        };
    }

    std::unique_ptr<EventLoops> others_ = EventLoops::start(2);
    std::atomic<int> replies_{0};
};

TEST_F(RepliesOfOtherLoopsTest, KeepAConnectionAlive) {
    const uint16_t port = serve({}, echo_there());
    auto c = client(port);
    for (int i = 0; i < 300; ++i) {
        HttpRequest request;
        request.method = i % 3 == 0 ? "HEAD" : "POST";
        if (i % 3 != 0) request.body = std::string(size_t(i) * 100, 'x');
        const auto response = c->send(request);
        ASSERT_TRUE(response.has_value()) << response.error().message;
        EXPECT_EQ(response->status, 200);
        EXPECT_EQ(response->body.view(), request.body);
    }
    EXPECT_EQ(server_->connections(), 1u);
}

TEST_F(RepliesOfOtherLoopsTest, AreLongerThanTheKernelTakesAtOnce) {
    HttpServerOptions options;
    options.body_bytes = 64 * 1024 * 1024;
    auto c = client(serve(options, echo_there()));
    for (int i = 0; i < 3; ++i) {
        HttpRequest request;
        request.method = "POST";
        request.body = std::string(32 * 1024 * 1024, char('a' + i));
        const auto response = c->send(request);
        ASSERT_TRUE(response.has_value()) << response.error().message;
        EXPECT_TRUE(response->body.view() == request.body);
    }
}

TEST_F(RepliesOfOtherLoopsTest, StayInOrder) {
    for (const bool gathers : {false, true}) {
        HttpServerOptions options;
        options.gathers_replies = gathers;
        Raw raw(serve(options, echo_there()));
        std::string many;
        for (int i = 0; i < 500; ++i) {
            const std::string body = "n" + std::to_string(i) + ";";
            many += "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) +
                    (i == 499 ? "\r\nConnection: close" : "") + "\r\n\r\n" + body;
        }
        for (size_t at = 0; at < many.size(); at += 1'000) raw.send(many.substr(at, 1'000));
        const std::string all = raw.read_all();
        size_t at = 0;
        for (int i = 0; i < 500; ++i) {
            at = all.find("n" + std::to_string(i) + ";", at);
            ASSERT_NE(at, std::string::npos) << i;
        }
        EXPECT_EQ(all.find(" 500 "), std::string::npos);
        server_->stop();
    }
}

TEST_F(RepliesOfOtherLoopsTest, EndConnectionsAsOthersDo) {
    std::atomic<int> left{0};
    HttpServerOptions options;
    options.on_disconnect = [&](std::string) { ++left; };
    options.idle_timeout_ms = 200;
    const uint16_t port = serve(options, echo_there());
    const std::string request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    {
        Raw raw(port);
        raw.send(request);
        EXPECT_NE(raw.read_until("\r\n\r\n").find(" 200 "), std::string::npos);
    }
    EXPECT_TRUE(eventually([&] { return server_->connections() == 0; }));
    Raw old(port);
    old.send("GET / HTTP/1.0\r\nHost: x\r\n\r\n");
    EXPECT_NE(old.read_all().find(" 200 "), std::string::npos);
    const auto began = std::chrono::steady_clock::now();
    Raw idle(port);
    idle.send(request);
    EXPECT_NE(idle.read_all().find(" 200 "), std::string::npos);  // closed after a while
    EXPECT_GE(std::chrono::steady_clock::now() - began, 200ms);
    EXPECT_TRUE(eventually([&] { return server_->connections() == 0; }));
    EXPECT_EQ(left, 0);
}

TEST_F(RepliesOfOtherLoopsTest, KeepNoServerFromStopping) {
    HttpServerOptions options;
    options.idle_timeout_ms = 600'000;
    Raw raw(serve(options, echo_there()));
    raw.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_NE(raw.read_until("\r\n\r\n").find(" 200 "), std::string::npos);
    const auto began = std::chrono::steady_clock::now();
    server_->drain(60'000);
    server_->stop();
    EXPECT_LT(std::chrono::steady_clock::now() - began, 2s);
    EXPECT_EQ(raw.read_all(), "");
}

TEST_F(RepliesOfOtherLoopsTest, MayMeetTheEndOfTheConnection) {
    const uint16_t port = serve({}, echo_there());
    const std::string request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    for (int i = 0; i < 500; ++i) {
        Raw raw(port);
        raw.send(i % 2 == 0 ? request : request + request);
        if (i % 3 != 0) std::this_thread::sleep_for(std::chrono::microseconds(i % 50));
    }
    EXPECT_TRUE(eventually([&] { return server_->connections() == 0; }));
    EXPECT_GE(replies_, 250);
}

}  // namespace
}  // namespace tandem::net
