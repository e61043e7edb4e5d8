#include "api/states/states_fixture.h"

namespace tandem::states {
namespace {

using json::Value;

class SendTaskTest : public StatesTest {
protected:
    static constexpr const char* kActivityArn =
        "arn:aws:states:us-east-1:123456789012:activity:chop";
    static std::string token() {
        return encode_task_token({ExecutionId("states:m:run"), 3, 0xABCDEF});
    }
    Reply poll(Value more = Value::object()) {
        more.set("activityArn", kActivityArn);
        return call("GetActivityTask", more);
    }
    Reply succeed(std::string_view token, std::string_view output) {
        return call("SendTaskSuccess", Value::object({{"taskToken", token}, {"output", output}}));
    }
};

TEST_F(SendTaskTest, APollGetsATaskOrNothing) {
    call("CreateActivity", Value::object({{"name", "chop"}}));
    EXPECT_EQ(poll().body, Value::object());
    EXPECT_TRUE(engine_.last_poll->worker.is_null());
    EXPECT_TRUE(engine_.last_poll->is_wanted());
    EXPECT_EQ(engine_.last_poll->patience, std::chrono::seconds(60));
    engine_.activity_task = ActivityTask{"t", Payload(R"({"a": 1})")};
    EXPECT_EQ(json::print(poll(Value::object({{"workerName", "axe \"1\""}})).body),
              R"({"taskToken":"t","input":"{\"a\": 1}"})");
    EXPECT_EQ(engine_.last_poll->worker.view(), R"("axe \"1\"")");
}

TEST_F(SendTaskTest, PollsAreChecked) {
    const Reply nobody = poll();
    EXPECT_EQ(nobody.type(), "ActivityDoesNotExist");
    EXPECT_EQ(nobody.message(), "Activity Does Not Exist: '" + std::string(kActivityArn) + "'");
    EXPECT_EQ(call("GetActivityTask", Value::object()).type(), "ValidationException");
    EXPECT_EQ(call("GetActivityTask", Value::object({{"activityArn", "x"}})).type(), "InvalidArn");
    call("CreateActivity", Value::object({{"name", "chop"}}));
    EXPECT_EQ(poll(Value::object({{"workerName", ""}})).type(), "ValidationException");
    EXPECT_EQ(poll(Value::object({{"workerName", std::string(81, 'w')}})).type(),
              "ValidationException");
    EXPECT_EQ(poll(Value::object({{"workerName", 1}})).type(), "SerializationException");
    engine_.refuse_poll = Error{ErrorCode::kOverloaded, "too many"};
    EXPECT_EQ(poll().type(), "ActivityWorkerLimitExceeded");
    EXPECT_EQ(poll().status, 400);
    engine_.refuse_poll = Error{ErrorCode::kUnavailable, "stopping"};
    EXPECT_EQ(poll().status, 503);
}

TEST_F(SendTaskTest, ATaskThatPollsAndIsOverWantsNone) {
    call("CreateActivity", Value::object({{"name", "chop"}}));
    auto cancelled = std::make_shared<std::atomic<bool>>(false);
    door_.call("GetActivityTask", Value::object({{"activityArn", kActivityArn}}),
               {{}, "key", {}, cancelled}, [](aws::Answer<Value> answer) {
                   ASSERT_TRUE(answer);
                   EXPECT_EQ(*answer, Value::object());
               });
    EXPECT_TRUE(engine_.last_poll->is_wanted());
    *cancelled = true;
    EXPECT_FALSE(engine_.last_poll->is_wanted());
}

TEST_F(SendTaskTest, AnswersReachTheEngine) {
    EXPECT_EQ(succeed(token(), R"({"a": 1})").body, Value::object());
    const Value failure =
        Value::object({{"taskToken", token()}, {"error", "E"}, {"cause", "for \"fun\""}});
    EXPECT_EQ(call("SendTaskFailure", failure).body, Value::object());
    EXPECT_EQ(call("SendTaskFailure", Value::object({{"taskToken", token()}})).status, 200);
    EXPECT_EQ(call("SendTaskHeartbeat", Value::object({{"taskToken", token()}})).body,
              Value::object());
    ASSERT_EQ(engine_.answered.size(), 3u);
    EXPECT_EQ(engine_.answered[0].first, token());
    EXPECT_EQ(engine_.answered[0].second.payload.view(), R"({"a": 1})");
    EXPECT_EQ(engine_.answered[1].second.outcome, TaskOutcome::kFailed);
    EXPECT_EQ(engine_.answered[1].second.error, "E");
    EXPECT_EQ(engine_.answered[1].second.cause, "for \"fun\"");
    EXPECT_EQ(engine_.answered[2].second.outcome, TaskOutcome::kFailed);
    EXPECT_EQ(engine_.answered[2].second.error, "");
}

TEST_F(SendTaskTest, WhatIsNoTokenIsSaidFirst) {
    for (const char* action : {"SendTaskSuccess", "SendTaskFailure", "SendTaskHeartbeat"}) {
        const Value input = Value::object({{"taskToken", "NoSuchTaskToken"}, {"output", "{"}});
        EXPECT_EQ(call(action, input).type(), "InvalidToken") << action;
        EXPECT_EQ(call(action, input).message(), "Invalid Token: 'Invalid token'") << action;
        EXPECT_EQ(call(action, Value::object({{"output", "1"}})).message(),
                  "1 validation error detected: Value null at 'taskToken' failed to satisfy "
                  "constraint: Member must not be null");
        const Value empty = Value::object({{"taskToken", ""}, {"output", "1"}});
        EXPECT_EQ(call(action, empty).type(), "ValidationException");
        const Value lengthy =
            Value::object({{"taskToken", std::string(2049, 'a')}, {"output", "1"}});
        EXPECT_EQ(call(action, lengthy).type(), "ValidationException");
    }
    EXPECT_TRUE(engine_.answered.empty());
}

TEST_F(SendTaskTest, OutputErrorAndCauseAreChecked) {
    const Reply bad = succeed(token(), "{'a'}");
    EXPECT_EQ(bad.type(), "InvalidOutput");
    EXPECT_EQ(bad.message(),
              "Invalid Output: 'Unexpected character (''' (code 39)): was expecting double-quote "
              "to start field name'");
    EXPECT_EQ(succeed(token(), "").type(), "InvalidOutput");
    EXPECT_EQ(succeed(token(), "1 2").type(), "InvalidOutput");
    EXPECT_EQ(call("SendTaskSuccess", Value::object({{"taskToken", token()}})).type(),
              "ValidationException");
    const std::string most = '"' + std::string(262'142, 'x') + '"';
    EXPECT_EQ(succeed(token(), most).status, 200);
    EXPECT_EQ(succeed(token(), most + " ").type(), "ValidationException");
    std::string wide = "\"";
    for (int i = 0; i < 131'072; ++i) wide += "\u00e9";
    EXPECT_EQ(succeed(token(), wide + '"').type(), "ValidationException");  // of bytes
    const auto failure = [&](const char* member, size_t size) {
        return call("SendTaskFailure",
                    Value::object({{"taskToken", token()}, {member, std::string(size, 'x')}}));
    };
    EXPECT_EQ(failure("error", 256).status, 200);
    EXPECT_EQ(failure("error", 257).type(), "ValidationException");
    EXPECT_EQ(failure("cause", 32'768).status, 200);
    EXPECT_EQ(failure("cause", 32'769).type(), "ValidationException");
}

TEST_F(SendTaskTest, ARefusedTokenHasAnException) {
    const auto refused = [&](ErrorCode code) {
        engine_.token_reply = fail(code, "x");
        return succeed(token(), "1");
    };
    EXPECT_EQ(refused(ErrorCode::kInvalidArgument).type(), "InvalidToken");
    EXPECT_EQ(refused(ErrorCode::kNotFound).type(), "TaskDoesNotExist");
    const Reply late = refused(ErrorCode::kTimeout);
    EXPECT_EQ(late.type(), "TaskTimedOut");
    EXPECT_EQ(late.status, 400);
    EXPECT_EQ(late.message(), "Task Timed Out: 'Provided task does not exist anymore'");
    EXPECT_EQ(refused(ErrorCode::kOverloaded).status, 429);
    EXPECT_EQ(refused(ErrorCode::kUnavailable).status, 503);
}

}  // namespace
}  // namespace tandem::states
