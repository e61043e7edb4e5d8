// What the tests of this door share: a door over a FakeEngine, and one request through the whole
// door. For tests only.
#pragma once

#include <gtest/gtest.h>

#include "api/aws/testing/fake_engine.h"
#include "api/lambda/door.h"

namespace tandem::lambda {

struct Answered {
    int status = 0;
    std::string text;
    json::Value body;
    net::Headers headers;
    std::string error() const { return std::string(headers.get_or("x-amzn-ErrorType", "")); }
    std::string message() const {
        return std::string(body.string_or("Message", body.string_or("message", "")));
    }
    std::string field(std::string_view key) const { return std::string(body.string_or(key, "")); }
};

class LambdaTest : public ::testing::Test {
protected:
    static constexpr const char* kRole = "arn:aws:iam::123456789012:role/runner";
    static constexpr const char* kFunctions = "/2015-03-31/functions";

    Answered send(std::string method, std::string target, std::string body = "",
                  net::Headers headers = {}) {
        net::HttpRequest request;
        request.method = std::move(method);
        request.target = std::move(target);
        request.headers = std::move(headers);
        request.headers.set("Host", "127.0.0.1:9");
        request.body = std::move(body);
        Answered out;
        int answers = 0;
        door_.handle(std::move(request), [&](net::HttpResponse response) {
            ++answers;
            out.status = response.status;
            out.headers = response.headers;
            out.text = response.body.str();
            if (auto parsed = json::parse(out.text)) out.body = *parsed;
        });
        EXPECT_EQ(answers, 1);
        EXPECT_NE(out.headers.find("x-amzn-RequestId"), nullptr);
        return out;
    }
    Answered call(std::string method, const std::string& path, const json::Value& body) {
        return send(std::move(method), kFunctions + path, json::print(body));
    }
    Answered get(const std::string& path) { return send("GET", kFunctions + path); }

    static json::Value function(std::string_view name) {
        return json::Value::object(
            {{"FunctionName", name},
             {"Runtime", "python3.11"},
             {"Role", kRole},
             {"Handler", "app.handler"},
             {"Code", json::Value::object({{"ZipFile", base64_encode("PK-zip-bytes")}})}});
    }
    Answered create(std::string_view name) { return call("POST", "", function(name)); }
    static std::string arn(std::string_view name) {
        return "arn:aws:lambda:us-east-1:123456789012:function:" + std::string(name);
    }

    aws::FakeClock clock_;
    aws::FakeEngine engine_{clock_};
    aws::WorkQueue work_{0, 1};
    LambdaDoor door_{aws::Context{engine_, {}, Limits{}, work_, clock_}};
};

}  // namespace tandem::lambda
