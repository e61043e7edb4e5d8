#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <thread>

#include "net/http_bytes.h"
#include "net/http_fixture.h"
#include "net/url.h"

namespace tandem::net {
namespace {

TEST_F(HttpTest, KeepsAConnectionAlive) {
    const uint16_t port = serve({}, echo());
    auto c = client(port);
    for (int i = 0; i < 200; ++i) {
        HttpRequest request;
        request.method = "POST";
        request.body = std::string(size_t(i) * 100, 'x');
        const auto response = c->send(request);
        ASSERT_TRUE(response.has_value()) << response.error().message;
        EXPECT_EQ(response->status, 200);
        EXPECT_EQ(response->body.view(), request.body);
    }
    EXPECT_EQ(server_->connections(), 1u);
}

TEST_F(HttpTest, JoinsChunksAndKeepsTrailersApart) {
    Raw raw(serve({}, echo()));
    raw.send(
        "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\nTrailer: "
        "T\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nT: v\r\n\r\n");
    const std::string reply = raw.read_all();
    EXPECT_NE(reply.find("X-Trailer-T: v"), std::string::npos) << reply;
    EXPECT_NE(reply.find("\r\n\r\nabcde"), std::string::npos) << reply;
}

TEST_F(HttpTest, AnswersExpectContinue) {
    Raw raw(serve({}, echo()));
    raw.send(
        "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: "
        "100-continue\r\nContent-Length: 2\r\n\r\n");
    EXPECT_NE(raw.read_until("\r\n\r\n").find("100 Continue"), std::string::npos);
    raw.send("hi");
    EXPECT_NE(raw.read_all().find("\r\n\r\nhi"), std::string::npos);
}

TEST_F(HttpTest, ServesPipelinedRequestsInOrder) {
    Raw raw(serve({}, echo()));
    raw.send(
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\naPOST / HTTP/1.1\r\nHost: "
        "x\r\nContent-Length: 1\r\nConnection: close\r\n\r\nb");
    const std::string reply = raw.read_all();
    EXPECT_LT(reply.find("\r\n\r\na"), reply.find("\r\n\r\nb"));
}

TEST_F(HttpTest, AnswersLateWhileMoreRequestsWait) {
    std::mutex mutex;
    std::vector<std::pair<std::string, HttpReply>> owed;
    const uint16_t port = serve({}, [&](HttpRequest request, HttpReply reply) {
        const std::lock_guard lock(mutex);
        owed.emplace_back(request.body, std::move(reply));
    });
    const auto post = [](const char* body) {
        return "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n" + std::string(body);
    };
    const auto answer = [&](size_t n) {
        EXPECT_TRUE(eventually([&] {
            const std::lock_guard lock(mutex);
            return owed.size() > n;
        }));
        const std::lock_guard lock(mutex);
        HttpResponse response;
        response.body = Payload("<" + owed[n].first + ">");
        owed[n].second(std::move(response));
    };
    Raw raw(port);
    raw.send(post("a"));
    EXPECT_TRUE(eventually([&] {
        const std::lock_guard lock(mutex);
        return owed.size() == 1;
    }));
    raw.send(post("b") + post("c"));  // arrive while the first is owed
    std::this_thread::sleep_for(20ms);
    for (size_t n = 0; n < 3; ++n) answer(n);
    EXPECT_NE(raw.read_until("<c>").find("<c>"), std::string::npos);
    const std::lock_guard lock(mutex);
    EXPECT_EQ(owed.size(), 3u);
    EXPECT_EQ(owed[1].first, "b");
}

TEST_F(HttpTest, KnowsWhetherAClientStillWaits) {
    std::mutex mutex;
    std::vector<std::pair<HttpSender, HttpReply>> owed;
    const uint16_t port = serve({}, [&](HttpRequest request, HttpReply reply) {
        const std::lock_guard lock(mutex);
        owed.emplace_back(request.sender, std::move(reply));
    });
    const auto comes = [&](size_t n) {
        return eventually([&] {
            const std::lock_guard lock(mutex);
            return owed.size() == n;
        });
    };
    const std::string get = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    Raw raw(port);
    raw.send(get);
    ASSERT_TRUE(comes(1));
    EXPECT_TRUE(owed[0].first.is_waiting());
    owed[0].second({});
    raw.read_until("\r\n\r\n");
    EXPECT_FALSE(owed[0].first.is_waiting());  // answered
    raw.send(get);
    ASSERT_TRUE(comes(2));
    EXPECT_FALSE(owed[0].first.is_waiting());
    EXPECT_TRUE(owed[1].first.is_waiting());
    raw.send(get);  // unread, and stands before the end of the stream
    EXPECT_TRUE(owed[1].first.is_waiting());
    raw.close();
    EXPECT_TRUE(eventually([&] { return !owed[1].first.is_waiting(); }));
    EXPECT_TRUE(HttpSender().is_waiting());
    // The last to look may outlive the connection.
    owed[1].second({});
    EXPECT_TRUE(eventually([&] { return server_->connections() == 0; }));
    EXPECT_FALSE(owed[1].first.is_waiting());
}

TEST_F(HttpTest, MayGatherRepliesAndSendsThemAloneAfterAWhile) {
    HttpServerOptions options;
    options.gathers_replies = true;
    options.header_timeout_ms = 200;
    std::mutex mutex;
    HttpReply owed;
    const uint16_t port = serve(options, [&](HttpRequest request, HttpReply reply) {
        HttpResponse response;
        response.body = Payload("<" + request.method + ">");
        if (request.method == "POST") return reply(std::move(response));
        const std::lock_guard lock(mutex);
        owed = std::move(reply);
    });
    Raw raw(port);
    raw.send(
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\naGET / HTTP/1.1\r\nHost: "
        "x\r\n\r\n");
    EXPECT_NE(raw.read_until("<POST>").find("<POST>"), std::string::npos);  // the GET is still owed
    EXPECT_TRUE(eventually([&] {
        const std::lock_guard lock(mutex);
        return owed != nullptr;
    }));
    HttpResponse last;
    last.body = Payload("<GET>");
    owed(std::move(last));
    EXPECT_NE(raw.read_until("<GET>").find("<GET>"), std::string::npos);
}

TEST_F(HttpTest, ManyRequestsTogetherCostNoStack) {
    Raw raw(serve({}, echo()));
    std::string all;
    for (int i = 0; i < 20'000; ++i) all += "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    std::thread writer(
        [&] { raw.send(all + "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); });
    const std::string replies = raw.read_all();
    writer.join();
    size_t count = 0;
    for (size_t at = replies.find("HTTP/1.1 200"); at != std::string::npos;
         at = replies.find("HTTP/1.1 200", at + 1))
        ++count;
    EXPECT_EQ(count, 20'001u);
}

TEST_F(HttpTest, RefusesWhatIsNoRequest) {
    HttpServerOptions options;
    options.body_bytes = 100;
    options.header_bytes = 4096;
    options.on_bad_request = [](int status, std::string_view) {
        HttpResponse r;
        r.status = status;
        r.body = Payload("why");
        return r;
    };
    const uint16_t port = serve(options, echo());
    const std::pair<std::string, std::string> cases[] = {
        {"nonsense\r\n\r\n", "HTTP/1.1 400"},
        {"GET / HTTP/1.1\r\nbad header\r\n\r\n", "HTTP/1.1 400"},
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 101\r\n\r\n", "HTTP/1.1 413"},
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", "HTTP/1.1 400"},
        {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "HTTP/1.1 400"},
        {"GET / HTTP/1.1\r\nA: " + std::string(8000, 'a') + "\r\n\r\n", "HTTP/1.1 431"}};
    for (const auto& [bytes, expected] : cases) {
        Raw raw(port);
        raw.send(bytes);
        const std::string reply = raw.read_until("why");
        EXPECT_EQ(reply.substr(0, expected.size()), expected) << bytes.substr(0, 60);
    }
}

TEST_F(HttpTest, ClosesSlowClients) {
    HttpServerOptions options;
    options.header_timeout_ms = 50;
    options.body_timeout_ms = 50;
    options.idle_timeout_ms = 50;
    const uint16_t port = serve(options, echo());
    Raw idle(port);
    EXPECT_EQ(idle.read_all(), "");
    Raw header(port);
    header.send("GET / HT");
    header.read_all();
    Raw body(port);
    body.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab");
    body.read_all();
    EXPECT_TRUE(eventually([&] { return server_->connections() == 0; }));
}

TEST_F(HttpTest, RepliesMayComeLaterFromAnyThread) {
    std::thread later;
    const uint16_t port = serve({}, [&](HttpRequest, HttpReply reply) {
        later = std::thread([reply = std::move(reply)] {
            std::this_thread::sleep_for(30ms);
            HttpResponse r;
            r.status = 202;
            reply(r);
            reply(r);  // the second is ignored
        });
    });
    EXPECT_EQ(client(port)->send({})->status, 202);
    later.join();
}

TEST_F(HttpTest, NoticesClientsThatLeaveWhileAReplyIsOwed) {
    std::mutex mutex;
    std::vector<HttpReply> owed;
    std::atomic<int> left{0};
    HttpServerOptions options;
    options.on_disconnect = [&](std::string) { ++left; };
    const uint16_t port = serve(options, [&](HttpRequest, HttpReply reply) {
        const std::lock_guard lock(mutex);
        owed.push_back(std::move(reply));
    });
    Raw raw(port);
    raw.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_TRUE(eventually([&] {
        const std::lock_guard lock(mutex);
        return owed.size() == 1;
    }));
    raw.close();
    EXPECT_TRUE(eventually([&] { return left == 1; }));
    owed[0]({});  // too late: dropped
    EXPECT_TRUE(eventually([&] { return server_->connections() == 0; }));
}

TEST_F(HttpTest, StopsWhileRepliesAreOwed) {
    std::mutex mutex;
    std::vector<HttpReply> owed;
    const uint16_t port = serve({}, [&](HttpRequest, HttpReply reply) {
        const std::lock_guard lock(mutex);
        owed.push_back(std::move(reply));
    });
    Raw raw(port);
    raw.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_TRUE(eventually([&] {
        const std::lock_guard lock(mutex);
        return owed.size() == 1;
    }));
    server_->stop();
    EXPECT_EQ(raw.read_all(), "");
    owed[0]({});
}

TEST_F(HttpTest, ManyIdleConnectionsCostNobodyElse) {
    const uint16_t port = serve({}, echo());
    std::vector<std::unique_ptr<Raw>> idle;
    for (int i = 0; i < 500; ++i) idle.push_back(std::make_unique<Raw>(port));
    EXPECT_TRUE(eventually([&] { return server_->connections() >= 500; }));
    EXPECT_EQ(client(port)->send({})->status, 200);
}

TEST_F(HttpTest, LimitsConnections) {
    HttpServerOptions options;
    options.connections = 2;
    const uint16_t port = serve(options, echo());
    Raw a(port), b(port);
    EXPECT_TRUE(eventually([&] { return server_->connections() == 2; }));
    Raw c(port);
    EXPECT_EQ(c.read_all(), "");
    a.close();
    EXPECT_TRUE(eventually([&] { return server_->connections() == 1; }));
    EXPECT_EQ(client(port)->send({})->status, 200);
}

TEST_F(HttpTest, ServesTls) {
    const auto directory =
        std::filesystem::temp_directory_path() / ("tandem-tls-" + std::to_string(::getpid()));
    std::filesystem::create_directories(directory);
    const std::string key = directory / "key.pem", certificate = directory / "cert.pem";
    const std::string command =
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj "
        "/CN=localhost "
        "-addext subjectAltName=IP:127.0.0.1 -keyout " +
        key + " -out " + certificate + " 2>/dev/null";
    ASSERT_EQ(std::system(command.c_str()), 0);
    HttpServerOptions options;
    options.tls_certificate = certificate;
    options.tls_key = key;
    // Replies come later, from another thread, as doors give them.
    std::vector<std::thread> later;
    const auto slow_echo = [&later](HttpRequest request, HttpReply reply) {
        later.emplace_back([request = std::move(request), reply = std::move(reply)] {
            std::this_thread::sleep_for(5ms);
            echo()(request, reply);
        });
    };
    const std::string url = "https://127.0.0.1:" + std::to_string(serve(options, slow_echo));
    auto trusting = HttpClient::make({.url = url, .ca_file = certificate});
    HttpRequest request;
    request.method = "POST";
    request.body = "secret";
    for (int i = 0; i < 3; ++i) {
        const auto response = (*trusting)->send(request);
        ASSERT_TRUE(response.has_value()) << response.error().message;
        EXPECT_EQ(response->body.view(), "secret");
    }
    EXPECT_FALSE((*HttpClient::make({.url = url}))->send(request).has_value());
    trusting->reset();
    for (std::thread& thread : later) thread.join();
    std::filesystem::remove_all(directory);
}

TEST_F(HttpTest, ClientReportsWhatFailed) {
    EXPECT_EQ(
        (*HttpClient::make({.url = "http://127.0.0.1:1", .ca_file = {}}))->send({}).error().code,
        ErrorCode::kUnavailable);
    const uint16_t port = serve({}, [](HttpRequest, HttpReply) {});
    EXPECT_EQ(client(port, 50)->send({}).error().code, ErrorCode::kTimeout);
    EXPECT_FALSE(HttpClient::make({.url = "ftp://x", .ca_file = {}}).has_value());
}

TEST(Url, Parses) {
    EXPECT_EQ(parse_url("http://a:80/x")->target, "/x");
    EXPECT_EQ(parse_url("https://[::1]:8443")->host, "::1");
    EXPECT_EQ(parse_url("https://[::1]:8443")->port, 8443);
    for (const char* bad : {"", "http://", "x://a", "http://a:b", "http://a:99999"})
        EXPECT_FALSE(parse_url(bad).has_value()) << bad;
}

TEST(ParseRequest, BoundsHeadersAndTrailersByBytesAlone) {
    int status = -1;
    const std::string value(200'000, 'x');
    const std::string request = "GET / HTTP/1.1\r\nHost: x\r\nBig: " + value + "\r\n\r\n";
    const auto read = parse_request(request, 300'000, 100, status);
    ASSERT_TRUE(read.has_value());
    EXPECT_EQ(read->headers.get_or("big", ""), value);
    EXPECT_FALSE(parse_request(request, 100'000, 100, status).has_value());
    EXPECT_EQ(status, 431);
    const auto chunked = [](const std::string& trailers) {
        return "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + trailers +
               "\r\n";
    };
    EXPECT_EQ(parse_request(chunked("A: 1\r\nB: 2\r\n"), 4096, 100, status)->trailers.size(), 2u);
    std::string many;
    for (int i = 0; i < 100; ++i) many += "T: " + std::string(80, 'y') + "\r\n";
    EXPECT_FALSE(parse_request(chunked(many), 4096, 100, status).has_value());
    EXPECT_EQ(status, 431);
}

TEST_F(HttpTest, BoundsTheBodiesOfAllConnectionsTogether) {
    HttpServerOptions options;
    options.bodies_bytes = 3 << 20;
    options.on_bad_request = [](int status, std::string_view) {
        HttpResponse r;
        r.status = status;
        r.body = Payload("why");
        return r;
    };
    const uint16_t port = serve(options, echo());
    const std::string head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 8000000\r\n\r\n";
    Raw raw(port);
    raw.send(head + std::string(4 << 20, 'a'));
    EXPECT_NE(raw.read_until("why").find("503"), std::string::npos);
    Raw held(port);
    held.send(head + std::string((3 << 20) - 10, 'b'));
    HttpRequest small;
    small.method = "POST";
    small.body = "small";
    EXPECT_EQ(client(port)->send(small)->status, 200);  // those below a MiB are always taken
    raw.close();
    held.close();
    HttpRequest large;
    large.method = "POST";
    large.body = std::string(2 << 20, 'c');
    // Once the server has seen that those have gone.
    EXPECT_TRUE(eventually([&] { return client(port)->send(large)->status == 200; }));
}

TEST(ParseRequest, RefusesCodingsItDoesNotKnowAndUnclearHosts) {
    const auto status_of = [](const std::string& fields) {
        int status = 0;
        return parse_request("POST /x HTTP/1.1\r\n" + fields + "\r\n", 4096, 100, status) ? 200
                                                                                          : status;
    };
    EXPECT_EQ(status_of("Host: x\r\n"), 200);
    EXPECT_EQ(status_of("Host: x\r\nTransfer-Encoding: xchunked\r\n"), 501);
    EXPECT_EQ(status_of("Host: x\r\nTransfer-Encoding: gzip, chunked\r\n"), 501);
    EXPECT_EQ(status_of(""), 400);
    EXPECT_EQ(status_of("Host: x\r\nHost: y\r\n"), 400);
    int status = 0;
    EXPECT_EQ(
        parse_request("GET http://h:1/a?b HTTP/1.1\r\nHost: x\r\n\r\n", 4096, 0, status)->target,
        "/a?b");
    EXPECT_EQ(parse_request("GET http://h HTTP/1.1\r\nHost: x\r\n\r\n", 4096, 0, status)->target,
              "/");
}

TEST(ParseRequest, FromMemory) {
    int status = -1;
    const auto request = parse_request("GET /a?b HTTP/1.1\r\nHost: x\r\n\r\n", 4096, 100, status);
    ASSERT_TRUE(request.has_value());
    EXPECT_EQ(request->path(), "/a");
    EXPECT_EQ(request->query(), "b");
    EXPECT_FALSE(parse_request("GET /", 4096, 100, status).has_value());
    EXPECT_EQ(status, 0);
    EXPECT_FALSE(parse_request("\x01\r\n\r\n", 4096, 100, status).has_value());
    EXPECT_EQ(status, 400);
    EXPECT_EQ(query_parameter("a=1&b=x%20y+z&c", "b").value(), "x y z");
    EXPECT_FALSE(query_parameter("a=1", "b").has_value());
}

}  // namespace
}  // namespace tandem::net
