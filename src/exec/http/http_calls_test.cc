// HTTP Tasks against a server in this process.
#include "exec/http/http_calls.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

#include "net/http.h"

namespace tandem {
namespace {

using json::Value;

class HttpCallsTest : public ::testing::Test {
protected:
    void SetUp() override {
        net::HttpServerOptions options;
        auto server = net::HttpServer::listen(
            *loops_, options, [this](net::HttpRequest request, net::HttpReply reply) {
                handler_(std::move(request), std::move(reply));
            });
        ASSERT_TRUE(server) << server.error().message;
        server_ = std::move(*server);
        add("open", http::Authorization::kNone);
    }
    void TearDown() override {
        calls_.reset();
        server_->stop();
    }
    std::string url(std::string_view path = "/") const {
        return "http://127.0.0.1:" + std::to_string(server_->port()) + std::string(path);
    }
    http::Connection& add(const std::string& name, http::Authorization kind) {
        http::Connection& connection = options_.connections[name];
        connection.authorization = kind;
        connection.name = "who";
        connection.secret = "hidden";
        connection.endpoint = url("/token");
        connection.allows_http = true;
        return connection;
    }
    Value parameters(const std::string& connection, std::string_view path = "/") const {
        const std::string arn = "arn:aws:events:us-east-1:1:connection/" + connection + "/id";
        return Value::object({{"ApiEndpoint", url(path)},
                              {"Method", "GET"},
                              {"Authentication", Value::object({{"ConnectionArn", arn}})}});
    }
    std::future<HttpAnswer> start(const Value& parameters) {
        if (!calls_) calls_ = std::make_unique<HttpCalls>(options_);
        auto promise = std::make_shared<std::promise<HttpAnswer>>();
        calls_->call(
            key_, parameters, [promise](HttpAnswer a) { promise->set_value(std::move(a)); },
            trace_);
        return promise->get_future();
    }
    HttpAnswer call(const Value& parameters) { return start(parameters).get(); }
    static net::HttpResponse plain(int status, std::string body) {
        net::HttpResponse response;
        response.status = status;
        response.headers.add("X-Many", "a");
        response.headers.add("X-Many", "b");
        response.body = Payload(std::move(body));
        return response;
    }

    std::unique_ptr<net::EventLoops> loops_ = net::EventLoops::start(1);
    std::unique_ptr<net::HttpServer> server_;
    net::HttpHandler handler_ = [](const net::HttpRequest&, const net::HttpReply& reply) {
        reply(plain(200, R"({"n":1})"));
    };
    HttpCallOptions options_;
    std::unique_ptr<HttpCalls> calls_;
    std::string key_ = "k";
    std::shared_ptr<HttpTrace> trace_;
};

TEST_F(HttpCallsTest, AnAnswerHasHeadersBodyAndStatus) {
    const HttpAnswer answer = call(parameters("open"));
    ASSERT_EQ(answer.error + answer.refused, "") << answer.cause;
    EXPECT_EQ(json::print(*answer.output.find("ResponseBody")), R"({"n":1})");
    EXPECT_EQ(answer.output.find("StatusCode")->as_int(), 200);
    EXPECT_EQ(answer.output.string_or("StatusText", ""), "OK");
    EXPECT_EQ(json::print(*answer.output.find("Headers")->find("x-many")), R"(["a","b"])");
}

TEST_F(HttpCallsTest, BytesThatAreNoJsonAreText) {
    handler_ = [](const net::HttpRequest&, const net::HttpReply& reply) {
        reply(plain(201, "not \xff json"));
    };
    const HttpAnswer answer = call(parameters("open"));
    EXPECT_EQ(answer.output.string_or("ResponseBody", ""), "not \xef\xbf\xbd json");
}

TEST_F(HttpCallsTest, TheRequestIsSentAsMade) {
    std::string seen;
    handler_ = [&seen](const net::HttpRequest& request, const net::HttpReply& reply) {
        seen = request.method + " " + request.target + " " + request.body + " " +
               std::string(request.headers.get_or("Content-Type", "-"));
        reply(plain(200, ""));
    };
    Value asked = parameters("open", "/path");
    asked.set("Method", "PATCH").set("RequestBody", Value::object({{"a", 1}}));
    asked.set("QueryParameters", Value::object({{"q", "x y"}}));
    EXPECT_EQ(call(asked).output.string_or("ResponseBody", "-"), "");
    EXPECT_EQ(seen, R"(PATCH /path?q=x%20y {"a":1} application/json)");
    asked = parameters("open");
    asked.set("Method", "POST");
    call(asked);
    EXPECT_EQ(seen, "POST /  -");
}

TEST_F(HttpCallsTest, AStatusThatIsNoSuccessIsAnError) {
    handler_ = [](const net::HttpRequest& request, const net::HttpReply& reply) {
        reply(plain(request.path() == "/moved" ? 302 : 404, "nothing here"));
    };
    const HttpAnswer missing = call(parameters("open"));
    EXPECT_EQ(missing.error, "States.Http.StatusCode.404");
    EXPECT_EQ(missing.cause, "nothing here");
    // Nobody follows: a redirect could lead anywhere.
    EXPECT_EQ(call(parameters("open", "/moved")).error, "States.Http.StatusCode.302");
}

TEST_F(HttpCallsTest, WhatDoesNotAnswerIsASocketError) {
    options_.timeout_ms = 50;
    // Whoever hears the request may be slower than this test: it owns what it keeps.
    const auto kept = std::make_shared<std::pair<std::mutex, net::HttpReply>>();
    handler_ = [kept](const net::HttpRequest&, net::HttpReply reply) {
        const std::lock_guard lock(kept->first);
        kept->second = std::move(reply);
    };
    EXPECT_EQ(call(parameters("open")).error, "States.Http.Socket");
    Value asked = parameters("open");
    asked.set("ApiEndpoint", "http://127.0.0.1:1/");
    EXPECT_EQ(call(asked).error, "States.Http.Socket");
}

TEST_F(HttpCallsTest, ATraceShowsWhatTheTaskSaysAndWithSecretsAll) {
    options_.region = "here";
    http::Connection& connection = add("basic", http::Authorization::kBasic);
    connection.headers = {{"X-Own", "secret"}};
    connection.query = {{"key", "secret"}};
    connection.body = {{"pin", "secret"}};
    Value asked = parameters("basic", "/path");
    asked.set("Method", "POST").set("Headers", Value::object({{"X-Task", "t"}}));
    asked.set("RequestBody", Value::object({{"a", 1}}));
    asked.set("QueryParameters", Value::object({{"q", "1"}}));
    trace_ = std::make_shared<HttpTrace>();
    EXPECT_EQ(call(asked).error, "");
    const std::string own =
        "User-Agent: Amazon|StepFunctions|HttpInvoke|here, Range: bytes=0-262144]";
    const std::string start = R"({"protocol":"http","method":"POST","url":")" + url("/path?q=1");
    EXPECT_EQ(json::print(trace_->request),
              start + R"(","headers":"[X-Task: t, Content-Type: application/json, )" + own +
                  R"(","body":"{\"a\":1}"})");
    EXPECT_EQ(trace_->response.string_or("protocol", ""), "http");
    EXPECT_EQ(trace_->response.string_or("statusCode", ""), "200");
    EXPECT_EQ(trace_->response.string_or("statusMessage", ""), "OK");
    EXPECT_EQ(trace_->response.string_or("body", ""), R"({"n":1})");
    EXPECT_NE(trace_->response.string_or("headers", "").find("x-many: a, x-many: b"),
              std::string::npos);
    trace_ = std::make_shared<HttpTrace>();
    trace_->reveals_secrets = true;
    EXPECT_EQ(call(asked).error, "");
    EXPECT_EQ(json::print(trace_->request),
              start +
                  R"(&key=secret","headers":"[X-Task: t, X-Own: secret, Content-Type: )"
                  R"(application/json, Authorization: Basic d2hvOmhpZGRlbg==, )" +
                  own + R"(","body":"{\"a\":1,\"pin\":\"secret\"}"})");
}

TEST_F(HttpCallsTest, ATraceOfNoAnswerHasTheRequestAlone) {
    trace_ = std::make_shared<HttpTrace>();
    Value asked = parameters("open");
    asked.set("ApiEndpoint", "http://127.0.0.1:1/");
    EXPECT_EQ(call(asked).error, "States.Http.Socket");
    EXPECT_EQ(trace_->request.string_or("url", ""), "http://127.0.0.1:1/");
    EXPECT_TRUE(trace_->response.is_null());
}

TEST_F(HttpCallsTest, ACallCanBeCancelled) {
    std::promise<void> arrived;
    net::HttpReply kept;
    handler_ = [&](const net::HttpRequest& request, net::HttpReply reply) {
        if (request.path() != "/slow") return reply(plain(200, "1"));
        kept = std::move(reply);
        arrived.set_value();
    };
    key_ = "slow";
    auto slow = start(parameters("open", "/slow"));
    arrived.get_future().wait();
    key_ = "fast";
    EXPECT_EQ(call(parameters("open")).error, "");
    calls_->cancel("nobody");
    calls_->cancel("slow");
    const HttpAnswer answer = slow.get();
    EXPECT_EQ(answer.error, "States.Http.Socket");
    EXPECT_EQ(answer.cause, "The request was cancelled.");
}

TEST_F(HttpCallsTest, ACallIsCancelledBetweenItsTokenAndItsRequest) {
    add("oauth", http::Authorization::kOAuthClientCredentials);
    bool is_called = false;
    handler_ = [&](const net::HttpRequest& request, const net::HttpReply& reply) {
        if (request.path() != "/token") {
            is_called = true;
            return reply(plain(200, "1"));
        }
        calls_->cancel("k");
        reply(plain(200, R"({"access_token":"t"})"));
    };
    EXPECT_NE(call(parameters("oauth")).error, "");
    EXPECT_FALSE(is_called);
}

TEST_F(HttpCallsTest, ASlowEndpointHoldsUpNobody) {
    std::vector<net::HttpReply> kept;
    std::mutex mutex;
    handler_ = [&](const net::HttpRequest& request, net::HttpReply reply) {
        if (request.path() != "/slow") return reply(plain(200, "1"));
        const std::lock_guard lock(mutex);
        kept.push_back(std::move(reply));
    };
    std::vector<std::future<HttpAnswer>> slow;
    for (int i = 0; i < 100; ++i) slow.push_back(start(parameters("open", "/slow")));
    EXPECT_EQ(call(parameters("open")).error, "");
    for (size_t answered = 0; answered < slow.size();) {
        const std::lock_guard lock(mutex);
        for (; !kept.empty(); ++answered) {
            kept.back()(plain(200, "2"));
            kept.pop_back();
        }
    }
    for (auto& one : slow) EXPECT_EQ(one.get().error, "");
}

TEST_F(HttpCallsTest, AnAnswerIsBounded) {
    options_.body_bytes = 1'000;
    handler_ = [](const net::HttpRequest&, const net::HttpReply& reply) {
        reply(plain(200, std::string(1'001, 'x')));
    };
    EXPECT_EQ(call(parameters("open")).error, "States.DataLimitExceeded");
}

TEST_F(HttpCallsTest, ConnectionsProveThemselves) {
    add("basic", http::Authorization::kBasic);
    add("key", http::Authorization::kApiKey).name = "X-Key";
    handler_ = [](const net::HttpRequest& request, const net::HttpReply& reply) {
        reply(plain(200, std::string(request.headers.get_or("Authorization", "-")) + " " +
                             std::string(request.headers.get_or("X-Key", "-"))));
    };
    EXPECT_EQ(call(parameters("basic")).output.string_or("ResponseBody", ""),
              "Basic d2hvOmhpZGRlbg== -");
    EXPECT_EQ(call(parameters("key")).output.string_or("ResponseBody", ""), "- hidden");
    const HttpAnswer unknown = call(parameters("nobody"));
    EXPECT_EQ(unknown.error, "Events.ConnectionResource.NotFound");
    EXPECT_NE(call(Value::object()).refused.find("ConnectionArn"), std::string::npos);
    // A connection that asks for https is not lent to http.
    options_.connections["basic"].allows_http = false;
    calls_.reset();
    EXPECT_NE(call(parameters("basic")).refused.find("ApiEndpoint"), std::string::npos);
}

TEST_F(HttpCallsTest, ATokenIsKeptUntilItIsRefused) {
    add("tokens", http::Authorization::kOAuthClientCredentials);
    std::atomic<int> tokens{0};
    handler_ = [&tokens](const net::HttpRequest& request, const net::HttpReply& reply) {
        if (request.path() == "/token") {
            EXPECT_EQ(request.body,
                      "grant_type=client_credentials&client_id=who&client_secret=hidden");
            return reply(plain(
                200, R"({"expires_in":3600,"access_token":"t)" + std::to_string(++tokens) + "\"}"));
        }
        const bool is_good = request.headers.get_or("Authorization", "") == "Bearer t2";
        reply(plain(request.path() == "/strict" && !is_good ? 401 : 200, "1"));
    };
    EXPECT_EQ(call(parameters("tokens")).error, "");
    EXPECT_EQ(call(parameters("tokens")).error, "");
    EXPECT_EQ(tokens, 1);
    EXPECT_EQ(call(parameters("tokens", "/strict")).error, "");  // with a new token
    EXPECT_EQ(tokens, 2);
}

TEST_F(HttpCallsTest, ATokenThatIsNotGivenShowsNoSecret) {
    add("tokens", http::Authorization::kOAuthClientCredentials);
    handler_ = [](const net::HttpRequest&, const net::HttpReply& reply) {
        reply(plain(403, "bad secret: hidden"));
    };
    const HttpAnswer answer = call(parameters("tokens"));
    EXPECT_EQ(answer.error, "Events.ConnectionResource.AuthorizationFailed");
    EXPECT_EQ(answer.cause.find("hidden"), std::string::npos);
}

}  // namespace
}  // namespace tandem
