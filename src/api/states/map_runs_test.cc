#include "api/states/states_fixture.h"

namespace tandem::states {
namespace {

using json::Value;

constexpr const char* kUuid = "6b1f0c3e-0000-4000-8000-000000000001";

class MapRunsTest : public StatesTest {
protected:
    void SetUp() override {
        ASSERT_EQ(create("m").status, 200);
        begin("states:m:e", "m", "e", "{}");
        begin("mapRun:m/L:" + std::string(kUuid), "m:states:m:e", kUuid, "{}");
        begin("states:m/L:c", "m/L:" + std::string(kUuid), "c", R"({"Items":3})");
    }
    void begin(const std::string& id, const std::string& callable, const std::string& name,
               const std::string& attributes) {
        StartRequest request;
        request.id = ExecutionId(id);
        request.callable = {CallableKind::kWorkflow, callable, ""};
        request.name = name;
        request.attributes = Payload(attributes);
        engine_.start(std::move(request),
                      [](const Result<StartReply>& reply) { EXPECT_TRUE(reply); });
    }
    static std::string arn() {
        return "arn:aws:states:us-east-1:123456789012:mapRun:m/L:" + std::string(kUuid);
    }
    static ExecutionId id() { return ExecutionId("mapRun:m/L:" + std::string(kUuid)); }
    Reply about(std::string_view action, std::string_view run_arn) {
        return call(action, Value::object({{"mapRunArn", run_arn}}));
    }
};

TEST_F(MapRunsTest, ARunIsDescribedAsItIs) {
    engine_.inspected = Payload(R"({"maxConcurrency":4,"itemCounts":{"running":1}})");
    EXPECT_EQ(json::print(about("DescribeMapRun", arn()).body),
              R"({"mapRunArn":")" + arn() + R"(","executionArn":")" + run_arn("m", "e") +
                  R"(","status":"RUNNING","startDate":1.700000000123E9,"maxConcurrency":4,)"
                  R"("itemCounts":{"running":1}})");
}

TEST_F(MapRunsTest, ARunThatHasEndedIsDescribedByItsLastEvent) {
    Event last;
    last.type = EventType::kExecutionFailed;
    last.detail = Payload(R"({"itemCounts":{"failed":1}})");
    engine_.record(id(), last);
    engine_.close(id(), ExecutionStatus::kFailed, {}, "E", "C");
    const Value shown = about("DescribeMapRun", arn()).body;
    EXPECT_EQ(shown.string_or("status", ""), "FAILED");
    EXPECT_NE(shown.find("stopDate"), nullptr);
    EXPECT_EQ(json::print(*shown.find("itemCounts")), R"({"failed":1})");
}

TEST_F(MapRunsTest, RunsOfAnExecutionAreListed) {
    const Reply listed = call("ListMapRuns", Value::object({{"executionArn", run_arn("m", "e")}}));
    EXPECT_EQ(json::print(listed.body), R"({"mapRuns":[{"executionArn":")" + run_arn("m", "e") +
                                            R"(","mapRunArn":")" + arn() +
                                            R"(","stateMachineArn":")" + machine_arn("m/L") +
                                            R"(","startDate":1.700000000123E9}]})");
    EXPECT_EQ(call("ListMapRuns", Value::object({{"executionArn", run_arn("m", "x")}})).type(),
              "ExecutionDoesNotExist");
    EXPECT_EQ(call("ListMapRuns", Value::object({{"executionArn", run_arn("m/L", "c")}}))
                  .body.find("mapRuns")
                  ->as_array()
                  .size(),
              0u);
    EXPECT_EQ(send("ListMapRuns", "{}").type(), "ValidationException");
}

TEST_F(MapRunsTest, LimitsAreHandedToTheRun) {
    const auto update = [&](const Value& change) {
        Value input = change;
        input.set("mapRunArn", arn());
        return call("UpdateMapRun", input);
    };
    EXPECT_EQ(json::print(update(Value::object({{"maxConcurrency", 7},
                                                {"toleratedFailureCount", 0},
                                                {"toleratedFailurePercentage", 12.5}}))
                              .body),
              "{}");
    EXPECT_EQ(
        engine_.signalled.view(),
        R"({"maxConcurrency":7,"toleratedFailureCount":0,"toleratedFailurePercentage":12.5})");
    for (const auto& [name, value] : {std::pair<const char*, Value>{"maxConcurrency", -1},
                                      {"maxConcurrency", "1"},
                                      {"toleratedFailureCount", -1},
                                      {"toleratedFailurePercentage", 100.5},
                                      {"toleratedFailurePercentage", "x"}}) {
        const Reply refused = update(Value::object({{name, value}}));
        EXPECT_EQ(refused.status, 400) << name;
    }
    engine_.close(id(), ExecutionStatus::kSucceeded, Payload("[]"));
    EXPECT_EQ(update(Value::object({{"maxConcurrency", 7}})).type(), "ValidationException");
}

TEST_F(MapRunsTest, ChildrenAreListedByTheirRun) {
    const Reply listed = about("ListExecutions", arn());
    ASSERT_EQ(listed.status, 200);
    const auto& executions = listed.body.find("executions")->as_array();
    ASSERT_EQ(executions.size(), 1u);
    EXPECT_EQ(executions[0].string_or("executionArn", ""), run_arn("m/L", "c"));
    EXPECT_EQ(executions[0].string_or("stateMachineArn", ""), machine_arn("m/L"));
    EXPECT_EQ(executions[0].string_or("mapRunArn", ""), arn());
    EXPECT_EQ(executions[0].int_or("itemCount", 0), 3);
    const Reply of_machine =
        call("ListExecutions", Value::object({{"stateMachineArn", machine_arn("m")}}));
    EXPECT_EQ(of_machine.body.find("executions")->as_array().size(), 1u);
}

TEST_F(MapRunsTest, AChildKnowsItsRun) {
    const Value child =
        call("DescribeExecution", Value::object({{"executionArn", run_arn("m/L", "c")}})).body;
    EXPECT_EQ(child.string_or("mapRunArn", ""), arn());
    EXPECT_EQ(child.string_or("stateMachineArn", ""), machine_arn("m/L"));
    engine_.close(ExecutionId("states:m/L:c"), ExecutionStatus::kFailed, {}, "E", "C");
    const Value input = Value::object({{"executionArn", run_arn("m/L", "c")}});
    EXPECT_EQ(call("DescribeExecution", input).body.string_or("redriveStatus", ""),
              "REDRIVABLE_BY_MAP_RUN");
    EXPECT_EQ(call("RedriveExecution", input).type(), "ExecutionNotRedrivable");
}

TEST_F(MapRunsTest, WhatIsNoRunIsRefused) {
    for (const char* action : {"DescribeMapRun", "UpdateMapRun", "ListExecutions"}) {
        EXPECT_EQ(about(action, arn() + "0").type(), "ResourceNotFound") << action;
        EXPECT_EQ(about(action, "nonsense").type(), "InvalidArn") << action;
        EXPECT_EQ(about(action, run_arn("m", "e")).type(), "InvalidArn") << action;
        std::string elsewhere = arn();
        elsewhere.replace(elsewhere.find("us-east-1"), 9, "eu-west-9");
        EXPECT_EQ(about(action, elsewhere).type(), "ResourceNotFound") << action;
    }
}

}  // namespace
}  // namespace tandem::states
