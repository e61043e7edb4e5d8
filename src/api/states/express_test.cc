#include "api/states/states_fixture.h"

namespace tandem::states {
namespace {

using json::Value;

class ExpressTest : public StatesTest {
protected:
    void SetUp() override {
        ASSERT_EQ(create_as("EXPRESS").status, 200);
        engine_.transient_end.status = ExecutionStatus::kSucceeded;
        engine_.transient_end.output = Payload("{\"o\":1}");
    }
    Reply create_as(std::string_view type, std::string_view name = "x") {
        return call(
            "CreateStateMachine",
            Value::object(
                {{"name", name}, {"definition", kDefinition}, {"roleArn", kRole}, {"type", type}}));
    }
    Reply start(std::string_view action, Value more = Value::object()) {
        more.set("stateMachineArn", machine_arn("x"));
        return call(action, more);
    }
    static std::string express_prefix(std::string_view name) {
        return "arn:aws:states:us-east-1:123456789012:express:x:" + std::string(name) + ":";
    }
};

TEST_F(ExpressTest, TheTypeIsShownAndKept) {
    const Value arn = Value::object({{"stateMachineArn", machine_arn("x")}});
    EXPECT_EQ(call("DescribeStateMachine", arn).body.string_or("type", ""), "EXPRESS");
    EXPECT_EQ(create("standard").status, 200);
    const Reply list = call("ListStateMachines", Value::object());
    const auto& machines = list.body.find("stateMachines")->as_array();
    ASSERT_EQ(machines.size(), 2u);
    EXPECT_EQ(machines[0].string_or("type", ""), "STANDARD");
    EXPECT_EQ(machines[1].string_or("type", ""), "EXPRESS");
    // The type is part of what makes a request the same.
    EXPECT_EQ(create_as("EXPRESS").status, 200);
    EXPECT_EQ(create_as("STANDARD").type(), "StateMachineAlreadyExists");
    Value update = arn;
    update.set("definition", "{ }");
    EXPECT_EQ(call("UpdateStateMachine", update).status, 200);
    EXPECT_EQ(call("DescribeStateMachine", arn).body.string_or("type", ""), "EXPRESS");
    EXPECT_EQ(call("DeleteStateMachine", arn).status, 200);
    EXPECT_EQ(call("DescribeStateMachine", arn).type(), "StateMachineDoesNotExist");
}

TEST_F(ExpressTest, StartsAnyNumberOfOneName) {
    const Value named = Value::object({{"name", "n"}, {"input", "{ }"}});
    const Reply a = start("StartExecution", named), b = start("StartExecution", named);
    ASSERT_EQ(a.status, 200) << a.message();
    const std::string first(a.body.string_or("executionArn", ""));
    EXPECT_EQ(first.size(), express_prefix("n").size() + 36);
    EXPECT_TRUE(first.starts_with(express_prefix("n")));
    EXPECT_NE(first, b.body.string_or("executionArn", ""));
    EXPECT_EQ(json::print(a.body),
              R"({"executionArn":")" + first + R"(","startDate":1.700000000123E9})");
    EXPECT_FALSE(engine_.last_start);
    ASSERT_TRUE(engine_.last_transient);
    EXPECT_TRUE(is_transient(engine_.last_transient->id));
    EXPECT_EQ(engine_.last_transient->name, "n");
    const auto facts = json::parse(engine_.last_transient->attributes.view());
    EXPECT_EQ(facts->find("Execution")->string_or("Id", ""), b.body.string_or("executionArn", ""));
}

TEST_F(ExpressTest, AnswersHowASynchronousExecutionEnded) {
    engine_.transient_takes = std::chrono::milliseconds(201);
    const Reply r = start("StartSyncExecution",
                          Value::object({{"name", "n"}, {"input", "{ }"}, {"traceHeader", "t"}}));
    ASSERT_EQ(r.status, 200) << r.message();
    const std::string arn(r.body.string_or("executionArn", ""));
    EXPECT_TRUE(arn.starts_with(express_prefix("n")));
    EXPECT_EQ(
        json::print(r.body),
        R"({"executionArn":")" + arn + R"(","stateMachineArn":")" + machine_arn("x") +
            R"(","name":"n","startDate":1.700000000123E9,"stopDate":1.700000000324E9,)"
            R"("status":"SUCCEEDED","input":"{ }","output":"{\"o\":1}",)"
            R"("inputDetails":{"included":true},"outputDetails":{"included":true},"traceHeader":"t",)"
            R"("billingDetails":{"billedDurationInMilliseconds":300,"billedMemoryUsedInMB":64}})");
}

TEST_F(ExpressTest, AFailureIsAnAnswerAndNoError) {
    engine_.transient_end.status = ExecutionStatus::kFailed;
    engine_.transient_end.output = {};
    engine_.transient_end.error = "E";
    engine_.transient_end.cause = "why";
    const Reply r = start("StartSyncExecution");
    EXPECT_EQ(r.status, 200);
    EXPECT_EQ(r.body.string_or("status", ""), "FAILED");
    EXPECT_EQ(r.body.string_or("error", ""), "E");
    EXPECT_EQ(r.body.string_or("cause", ""), "why");
    EXPECT_EQ(r.body.string_or("input", ""), "{}");
    EXPECT_EQ(r.body.find("output"), nullptr);
    EXPECT_EQ(r.body.find("traceHeader"), nullptr);
    EXPECT_EQ(r.body.string_or("name", "").size(), 36u);
    EXPECT_EQ(r.body.find("billingDetails")->int_or("billedDurationInMilliseconds", 0), 100);
    const Reply bare =
        start("StartSyncExecution", Value::object({{"includedData", "METADATA_ONLY"}}));
    EXPECT_EQ(bare.body.find("input"), nullptr);
    EXPECT_EQ(bare.body.find("error"), nullptr);
    EXPECT_FALSE(bare.body.find("inputDetails")->bool_or("included", true));
}

TEST_F(ExpressTest, StartRefusesWhatIsWrong) {
    for (const char* action : {"StartExecution", "StartSyncExecution"}) {
        const auto with = [&](std::string_view key, std::string_view value) {
            Value input = Value::object();
            input.set(key, std::string(value));
            return start(action, std::move(input));
        };
        EXPECT_EQ(with("name", "a b").type(), "InvalidName");
        EXPECT_EQ(with("input", "{'a'").type(), "InvalidExecutionInput");
        EXPECT_EQ(
            with("traceHeader", "\xC3\xA4").message(),
            "1 validation error detected: Value '\xC3\xA4' at 'traceHeader' failed to satisfy "
            "constraint: Member must satisfy regular expression pattern: \\p{ASCII}*");
        EXPECT_EQ(call(action, Value::object({{"stateMachineArn", machine_arn("no")}})).type(),
                  "StateMachineDoesNotExist");
        EXPECT_EQ(call(action, Value::object({{"stateMachineArn", "x"}})).type(), "InvalidArn");
        engine_.refuse_start = Error{ErrorCode::kOverloaded, "full"};
        EXPECT_EQ(start(action).status, 429);
        engine_.refuse_start.reset();
    }
    EXPECT_EQ(start("StartSyncExecution", Value::object({{"includedData", "SOME"}})).message(),
              "1 validation error detected: Value 'SOME' at 'includedData' failed to satisfy "
              "constraint: Member must satisfy enum value set: [ALL_DATA, METADATA_ONLY]");
    engine_.lose_transient = Error{ErrorCode::kUnavailable, "stopping"};
    const Reply lost = start("StartSyncExecution");
    EXPECT_EQ(lost.status, 503);
    EXPECT_EQ(lost.type(), "ServiceUnavailable");
}

TEST_F(ExpressTest, EachTypeHasActionsThatTheOtherHasNot) {
    constexpr const char* kOther = "This operation is not supported by this type of state machine";
    ASSERT_EQ(create("standard").status, 200);
    const Reply sync =
        call("StartSyncExecution", Value::object({{"stateMachineArn", machine_arn("standard")}}));
    EXPECT_EQ(sync.type(), "StateMachineTypeNotSupported");
    EXPECT_EQ(sync.message(), kOther);
    const Reply list =
        call("ListExecutions", Value::object({{"stateMachineArn", machine_arn("x")}}));
    EXPECT_EQ(list.type(), "StateMachineTypeNotSupported");
    EXPECT_EQ(list.message(), kOther);
    const std::string arn(start("StartExecution").body.string_or("executionArn", ""));
    for (const char* action : {"DescribeExecution", "StopExecution", "GetExecutionHistory",
                               "DescribeStateMachineForExecution"}) {
        const Reply r = call(action, Value::object({{"executionArn", arn}}));
        EXPECT_EQ(r.type(), "InvalidArn");
        EXPECT_EQ(r.message(), "Invalid Arn: 'Resource type not valid in this context: express'");
    }
}

}  // namespace
}  // namespace tandem::states
