#include "api/states/states_fixture.h"

namespace tandem::states {
namespace {

using json::Value;

class TestStateTest : public StatesTest {
protected:
    Reply ask(Value more = Value::object()) {
        if (!more.find("definition")) more.set("definition", R"({"Type":"Succeed"})");
        return call("TestState", more);
    }
    static Value mock(std::string_view json) {
        return Value::object({{"mock", *json::parse(json)}});
    }
};

TEST_F(TestStateTest, AnswersWhatTheLanguageSays) {
    engine_.state_test.output = Payload("{}");
    engine_.state_test.next = "B";
    engine_.state_test.inspection = Value::object({{"input", "{}"}});
    EXPECT_EQ(json::print(ask().body), R"({"status":"SUCCEEDED","output":"{}","nextState":"B"})");
    EXPECT_EQ(
        json::print(ask(Value::object({{"inspectionLevel", "DEBUG"}})).body),
        R"({"status":"SUCCEEDED","output":"{}","nextState":"B","inspectionData":{"input":"{}"}})");
}

TEST_F(TestStateTest, RefusesWhatDoesNotFit) {
    EXPECT_EQ(ask(mock(R"({"result":"{}","errorOutput":{}})")).message(),
              "A test mock should have only one of the following fields: [result, errorOutput].");
    Value secrets = mock(R"({"result":"{}"})");
    secrets.set("revealSecrets", true);
    EXPECT_EQ(ask(secrets).message(),
              "TestState does not support RevealSecrets when a mock is specified.");
    EXPECT_EQ(ask(mock(R"({"result":"{"})")).type(), "ValidationException");
    EXPECT_EQ(ask(Value::object(
                      {{"stateConfiguration", *json::parse(R"({"mapIterationFailureCount":0})")}}))
                  .message(),
              "TestState does not support MapIterationFailureCount when a mock is not specified.");
    EXPECT_EQ(ask(Value::object({{"input", "{"}})).type(), "InvalidExecutionInput");
    EXPECT_EQ(ask(Value::object({{"variables", "[]"}})).type(), "ValidationException");
    EXPECT_EQ(ask(Value::object({{"inspectionLevel", "ALL"}})).type(), "ValidationException");
    EXPECT_EQ(send("TestState", "{}").type(), "ValidationException");
    engine_.state_test.refusal = "no";
    EXPECT_EQ(ask().message(), "no");
    engine_.refuse_definition = Error{ErrorCode::kInvalidArgument, "BAD"};
    EXPECT_EQ(ask().message(), "Invalid State Machine Definition: 'BAD'");
}

}  // namespace
}  // namespace tandem::states
