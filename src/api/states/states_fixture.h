// What the tests of this door share: a door over a FakeEngine, and one call through the whole door.
// For tests only.
#pragma once

#include <gtest/gtest.h>

#include "api/aws/testing/fake_engine.h"
#include "api/states/door.h"

namespace tandem::states {

struct Reply {
    int status = 0;
    json::Value body;
    net::Headers headers;
    std::string type() const { return std::string(body.string_or("__type", "")); }
    std::string message() const { return std::string(body.string_or("message", "")); }
};

class StatesTest : public ::testing::Test {
protected:
    static constexpr const char* kRole = "arn:aws:iam::123456789012:role/runner";
    static constexpr const char* kDefinition =
        R"({"StartAt":"A","States":{"A":{"Type":"Pass","End":true}}})";

    Reply send(std::string_view action, std::string body,
               std::string_view content_type = "application/x-amz-json-1.0") {
        net::HttpRequest request;
        request.method = "POST";
        request.headers.set("X-Amz-Target", "AWSStepFunctions." + std::string(action));
        if (!content_type.empty()) request.headers.set("Content-Type", std::string(content_type));
        request.body = std::move(body);
        Reply out;
        int answers = 0;
        door_.handle(std::move(request), [&](net::HttpResponse response) {
            ++answers;
            out.status = response.status;
            out.headers = response.headers;
            if (auto parsed = json::parse(response.body.view())) out.body = *parsed;
        });
        EXPECT_EQ(answers, 1);
        EXPECT_NE(out.headers.find("x-amzn-RequestId"), nullptr);
        return out;
    }
    Reply call(std::string_view action, const json::Value& input) {
        return send(action, json::print(input));
    }

    Reply create(std::string_view name, std::string_view definition = kDefinition) {
        return call(
            "CreateStateMachine",
            json::Value::object({{"name", name}, {"definition", definition}, {"roleArn", kRole}}));
    }
    static std::string machine_arn(std::string_view name) {
        return "arn:aws:states:us-east-1:123456789012:stateMachine:" + std::string(name);
    }
    static std::string run_arn(std::string_view machine, std::string_view name) {
        return "arn:aws:states:us-east-1:123456789012:execution:" + std::string(machine) + ":" +
               std::string(name);
    }
    static ExecutionId run_id(std::string_view machine, std::string_view name) {
        return ExecutionId("states:" + std::string(machine) + ":" + std::string(name));
    }

    aws::FakeClock clock_;
    aws::FakeEngine engine_{clock_};
    aws::WorkQueue work_{0, 1};
    StatesDoor door_{aws::Context{engine_, {}, Limits{}, work_, clock_}};
};

}  // namespace tandem::states
