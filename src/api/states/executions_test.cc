#include "api/states/states_fixture.h"

namespace tandem::states {
namespace {

using json::Value;

class ExecutionsTest : public StatesTest {
protected:
    void SetUp() override { ASSERT_EQ(create("m").status, 200); }
    Reply start(std::optional<std::string> name, std::optional<std::string> input = std::nullopt) {
        Value v = Value::object({{"stateMachineArn", machine_arn("m")}});
        if (name) v.set("name", *name);
        if (input) v.set("input", *input);
        return call("StartExecution", v);
    }
    Reply describe(std::string_view name) {
        return call("DescribeExecution", Value::object({{"executionArn", run_arn("m", name)}}));
    }
};

TEST_F(ExecutionsTest, StartsWithTheContextObjectsFacts) {
    const Reply r = start("e", "{ \"a\":1}");
    ASSERT_EQ(r.status, 200) << r.message();
    EXPECT_EQ(json::print(r.body),
              R"({"executionArn":")" + run_arn("m", "e") + R"(","startDate":1.700000000123E9})");
    ASSERT_TRUE(engine_.last_start);
    EXPECT_EQ(engine_.last_start->id, run_id("m", "e"));
    EXPECT_EQ(engine_.last_start->input.view(), "{ \"a\":1}");
    EXPECT_EQ(
        engine_.last_start->attributes.view(),
        R"({"Execution":{"Id":")" + run_arn("m", "e") +
            R"(","Name":"e","RoleArn":"arn:aws:iam::123456789012:role/runner",)"
            R"("StartTime":"2023-11-14T22:13:20.123Z","RedriveCount":0},"StateMachine":{"Id":")" +
            machine_arn("m") + R"(","Name":"m"}})");
}

TEST_F(ExecutionsTest, NamesAreMadeAndInputDefaults) {
    const Reply a = start(std::nullopt), b = start(std::nullopt);
    EXPECT_EQ(engine_.last_start->input.view(), "{}");
    EXPECT_EQ(engine_.last_start->name.size(), 36u);
    EXPECT_NE(a.body.string_or("executionArn", ""), b.body.string_or("executionArn", ""));
}

TEST_F(ExecutionsTest, StartIsIdempotentWhileItRuns) {
    const Reply first = start("e", "{}");
    clock_.advance_ms(10);
    EXPECT_EQ(start("e", "{}").body, first.body);
    const Reply other = start("e", "{ }");
    EXPECT_EQ(other.type(), "ExecutionAlreadyExists");
    EXPECT_EQ(other.message(), "Execution Already Exists: '" + run_arn("m", "e") + "'");
    engine_.close(run_id("m", "e"), ExecutionStatus::kSucceeded, Payload("{}"));
    EXPECT_EQ(start("e", "{}").type(), "ExecutionAlreadyExists");
}

TEST_F(ExecutionsTest, StartRefusesBadInput) {
    const std::pair<const char*, const char*> kCases[] = {
        {"not some json",
         "Unrecognized token 'not': was expecting (JSON String, Number, Array, Object or token "
         "'null', 'true' or 'false')"},
        {"{'not': 'json'",
         "Unexpected character (''' (code 39)): was expecting double-quote to start field name"},
        {"", "Invalid execution input."},
    };
    for (const auto& [input, message] : kCases) {
        const Reply r = start("e", input);
        EXPECT_EQ(r.type(), "InvalidExecutionInput");
        EXPECT_EQ(r.message(),
                  "Invalid State Machine Execution Input: '" + std::string(message) + "'");
    }
    for (const char* fine : {"2", "\"some text\"", "null"})
        EXPECT_EQ(start(std::nullopt, fine).status, 200);
    EXPECT_EQ(start("a b").type(), "InvalidName");
    EXPECT_EQ(start("e", "\"" + std::string(262'143, 'x') + "\"").type(), "ValidationException");
    EXPECT_EQ(
        call("StartExecution", Value::object({{"stateMachineArn", machine_arn("none")}})).type(),
        "StateMachineDoesNotExist");
    EXPECT_EQ(call("StartExecution", Value::object({{"stateMachineArn", "x"}})).type(),
              "InvalidArn");
    engine_.refuse_start = Error{ErrorCode::kOverloaded, "full"};
    EXPECT_EQ(start("e").status, 429);
}

TEST_F(ExecutionsTest, DescribesEveryStatus) {
    start("e");
    Reply r = describe("e");
    EXPECT_EQ(
        json::print(r.body),
        R"({"executionArn":")" + run_arn("m", "e") + R"(","stateMachineArn":")" + machine_arn("m") +
            R"(","name":"e","status":"RUNNING","startDate":1.700000000123E9,"redriveCount":0,"input":"{}","inputDetails":{"included":true},)"
            R"("redriveStatus":"NOT_REDRIVABLE","redriveStatusReason":"Execution is RUNNING and cannot be redriven"})");
    engine_.close(run_id("m", "e"), ExecutionStatus::kSucceeded, Payload("{\"o\":1}"));
    r = describe("e");
    EXPECT_EQ(r.body.string_or("output", ""), "{\"o\":1}");
    EXPECT_NE(r.body.find("stopDate"), nullptr);
    EXPECT_EQ(r.body.string_or("redriveStatusReason", ""),
              "Execution is SUCCEEDED and cannot be redriven");
    start("f");
    engine_.close(run_id("m", "f"), ExecutionStatus::kFailed, {}, "E", "why");
    r = describe("f");
    EXPECT_EQ(r.body.string_or("error", ""), "E");
    EXPECT_EQ(r.body.string_or("cause", ""), "why");
    EXPECT_EQ(r.body.string_or("redriveStatus", ""), "REDRIVABLE");
    EXPECT_EQ(r.body.find("output"), nullptr);
    r = describe("none");
    EXPECT_EQ(r.type(), "ExecutionDoesNotExist");
    EXPECT_EQ(r.message(), "Execution Does Not Exist: '" + run_arn("m", "none") + "'");
    EXPECT_EQ(call("DescribeExecution", Value::object({{"executionArn", "x"}})).message(),
              "Invalid Arn: 'Invalid ARN prefix: x'");
}

TEST_F(ExecutionsTest, Stops) {
    start("e");
    const Reply r =
        call("StopExecution",
             Value::object({{"executionArn", run_arn("m", "e")}, {"error", "E"}, {"cause", "C"}}));
    EXPECT_EQ(json::print(r.body), R"({"stopDate":1.700000000123E9})");
    EXPECT_EQ(describe("e").body.string_or("status", ""), "ABORTED");
    EXPECT_EQ(call("StopExecution", Value::object({{"executionArn", run_arn("m", "x")}})).type(),
              "ExecutionDoesNotExist");
    EXPECT_EQ(call("StopExecution", Value::object({{"executionArn", run_arn("m", "e")},
                                                   {"error", std::string(257, 'e')}}))
                  .type(),
              "ValidationException");
}

TEST_F(ExecutionsTest, ListsNewestFirstWithFilterAndPages) {
    for (const char* name : {"e1", "e2", "e3"}) {
        start(name);
        clock_.advance_ms(1);
    }
    engine_.close(run_id("m", "e2"), ExecutionStatus::kSucceeded, Payload("{}"));
    auto list = [&](Value v) {
        v.set("stateMachineArn", machine_arn("m"));
        return call("ListExecutions", v);
    };
    const Reply first = list(Value::object({{"maxResults", 2}}));
    const json::Array& page = first.body.find("executions")->as_array();
    ASSERT_EQ(page.size(), 2u);
    EXPECT_EQ(page[0].string_or("name", ""), "e3");
    EXPECT_EQ(page[1].find("stopDate") != nullptr, true);
    const std::string token(first.body.string_or("nextToken", ""));
    const Reply second = list(Value::object({{"maxResults", 2}, {"nextToken", token}}));
    ASSERT_EQ(second.body.find("executions")->as_array().size(), 1u);
    EXPECT_EQ(second.body.find("nextToken"), nullptr);
    EXPECT_EQ(list(Value::object({{"statusFilter", "SUCCEEDED"}}))
                  .body.find("executions")
                  ->as_array()
                  .size(),
              1u);
    EXPECT_EQ(list(Value::object({{"statusFilter", "RUNNING"}, {"nextToken", token}})).type(),
              "InvalidToken");
    EXPECT_EQ(list(Value::object({{"statusFilter", "succeeded"}})).message(),
              "1 validation error detected: Value 'succeeded' at 'statusFilter' failed to satisfy "
              "constraint: Member must satisfy enum value set: "
              "[SUCCEEDED, TIMED_OUT, PENDING_REDRIVE, ABORTED, FAILED, RUNNING]");
    EXPECT_EQ(list(Value::object({{"nextToken", std::string(3097, 'x')}})).type(),
              "ValidationException");
    EXPECT_EQ(call("ListExecutions", Value::object()).type(), "ValidationException");
}

TEST_F(ExecutionsTest, DescribesTheRevisionThatRuns) {
    start("e");
    call("UpdateStateMachine",
         Value::object({{"stateMachineArn", machine_arn("m")}, {"definition", "{ }"}}));
    const Reply r = call("DescribeStateMachineForExecution",
                         Value::object({{"executionArn", run_arn("m", "e")}}));
    EXPECT_EQ(r.body.string_or("definition", ""), kDefinition);
    EXPECT_EQ(r.body.find("revisionId"), nullptr);
    EXPECT_EQ(r.body.find("status"), nullptr);
}

}  // namespace
}  // namespace tandem::states
