#include "api/states/states_fixture.h"

namespace tandem::states {
namespace {

using json::Value;

constexpr int64_t kDayMs = 24 * 3'600'000;

class RedriveTest : public StatesTest {
protected:
    void SetUp() override {
        ASSERT_EQ(create("m").status, 200);
        start("e");
    }
    void start(std::string_view name) {
        ASSERT_EQ(call("StartExecution",
                       Value::object({{"stateMachineArn", machine_arn("m")}, {"name", name}}))
                      .status,
                  200);
    }
    void close(ExecutionStatus status) { engine_.close(run_id("m", "e"), status, {}, "E", "C"); }
    Reply redrive(std::string_view token = {}) {
        Value v = Value::object({{"executionArn", run_arn("m", "e")}});
        if (!token.empty()) v.set("clientToken", token);
        return call("RedriveExecution", v);
    }
    Reply describe() {
        return call("DescribeExecution", Value::object({{"executionArn", run_arn("m", "e")}}));
    }
    void expect_refused(std::string_view reason) {
        const Reply shown = describe();
        EXPECT_EQ(shown.body.string_or("redriveStatus", ""), "NOT_REDRIVABLE");
        EXPECT_EQ(shown.body.string_or("redriveStatusReason", ""), reason);
        const Reply refused = redrive();
        EXPECT_EQ(refused.type(), "ExecutionNotRedrivable");
        EXPECT_EQ(refused.message(), reason);
    }
    size_t listed(std::string_view filter) {
        const Reply r =
            call("ListExecutions",
                 Value::object({{"stateMachineArn", machine_arn("m")}, {"redriveFilter", filter}}));
        return r.body.find("executions")->as_array().size();
    }
};

TEST_F(RedriveTest, OpensWhatDidNotSucceed) {
    for (const ExecutionStatus status :
         {ExecutionStatus::kFailed, ExecutionStatus::kTimedOut, ExecutionStatus::kAborted}) {
        close(status);
        EXPECT_EQ(describe().body.string_or("redriveStatus", ""), "REDRIVABLE");
        EXPECT_EQ(describe().body.find("redriveStatusReason"), nullptr);
        const Reply r = redrive("token");
        EXPECT_EQ(json::print(r.body), R"({"redriveDate":1.700000000123E9})");
        EXPECT_EQ(engine_.last_redrive->token, "token");
    }
    const Reply shown = describe();
    EXPECT_EQ(shown.body.string_or("status", ""), "RUNNING");
    EXPECT_EQ(shown.body.int_or("redriveCount", 0), 3);
    EXPECT_NE(shown.body.find("redriveDate"), nullptr);
    start("f");
    EXPECT_EQ(listed("REDRIVEN"), 1u);
    EXPECT_EQ(listed("NOT_REDRIVEN"), 1u);
}

TEST_F(RedriveTest, SaysWhyNot) {
    expect_refused("Execution is RUNNING and cannot be redriven");
    close(ExecutionStatus::kSucceeded);
    expect_refused("Execution is SUCCEEDED and cannot be redriven");
    close(ExecutionStatus::kFailed);
    clock_.advance_ms(14 * kDayMs);
    EXPECT_EQ(describe().body.string_or("redriveStatus", ""), "REDRIVABLE");
    clock_.advance_ms(1);
    expect_refused("Execution redrivable period exceeded");
    clock_.advance_ms(351 * kDayMs);
    close(ExecutionStatus::kFailed);
    expect_refused("Execution has exceeded the max execution time");
}

TEST_F(RedriveTest, NotOfADeletedStateMachineNorOfItsNamesake) {
    close(ExecutionStatus::kFailed);
    call("DeleteStateMachine", Value::object({{"stateMachineArn", machine_arn("m")}}));
    expect_refused("State machine is in DELETING status");
    clock_.advance_ms(1);
    ASSERT_EQ(create("m").status, 200);
    expect_refused("State machine is in DELETING status");
}

TEST_F(RedriveTest, NotWithAFullHistory) {
    Event last;
    last.type = EventType::kExecutionFailed;
    last.id = Limits().history_events - 2;
    engine_.record(run_id("m", "e"), last);
    close(ExecutionStatus::kFailed);
    EXPECT_EQ(describe().body.string_or("redriveStatus", ""), "REDRIVABLE");
    last.id += 1;
    engine_.record(run_id("m", "e"), last);
    EXPECT_EQ(describe().body.string_or("redriveStatusReason", ""),
              "Execution history event limit exceeded");
}

TEST_F(RedriveTest, RefusesBadRequests) {
    close(ExecutionStatus::kFailed);
    EXPECT_EQ(call("RedriveExecution", Value::object()).type(), "ValidationException");
    EXPECT_EQ(redrive("with space").type(), "ValidationException");
    EXPECT_EQ(redrive(std::string(65, 'x')).type(), "ValidationException");
    EXPECT_EQ(call("RedriveExecution", Value::object({{"executionArn", "x"}})).type(),
              "InvalidArn");
    EXPECT_EQ(
        call("RedriveExecution", Value::object({{"executionArn", run_arn("m", "none")}})).type(),
        "ExecutionDoesNotExist");
    engine_.refuse_redrive = Error{ErrorCode::kTooLarge, "too many open executions"};
    EXPECT_EQ(redrive().type(), "ExecutionLimitExceeded");
    engine_.refuse_redrive = Error{ErrorCode::kOverloaded, "full"};
    EXPECT_EQ(redrive().status, 429);
}

TEST_F(RedriveTest, ItsEventIsShown) {
    Event event;
    event.type = EventType::kExecutionRedriven;
    event.id = 2;
    event.previous_id = 1;
    event.index = 1;
    event.name = "token";
    engine_.record(run_id("m", "e"), event);
    const Reply r =
        call("GetExecutionHistory", Value::object({{"executionArn", run_arn("m", "e")}}));
    EXPECT_EQ(
        json::print(r.body.find("events")->as_array().at(1)),
        R"({"timestamp":1.700000000123E9,"type":"ExecutionRedriven","id":2,"previousEventId":1,)"
        R"("executionRedrivenEventDetails":{"redriveCount":1}})");
}

}  // namespace
}  // namespace tandem::states
