#include "api/states/states_fixture.h"

namespace tandem::states {
namespace {

using json::Value;

class ValidateTest : public StatesTest {
protected:
    Reply validate(Value more = Value::object()) {
        if (!more.find("definition")) more.set("definition", kDefinition);
        return call("ValidateStateMachineDefinition", more);
    }
    static Diagnostic error(std::string message) {
        return {Diagnostic::Severity::kError, "SCHEMA_VALIDATION_FAILED", std::move(message), "/"};
    }
    static Diagnostic warning(std::string message) {
        return {Diagnostic::Severity::kWarning, "ODD", std::move(message), {}};
    }
};

TEST_F(ValidateTest, SaysOkOrWhatIsWrong) {
    EXPECT_EQ(json::print(validate().body),
              R"({"result":"OK","diagnostics":[],"truncated":false})");
    engine_.diagnostics = {error("bad")};
    EXPECT_EQ(
        json::print(validate().body),
        R"({"result":"FAIL","diagnostics":[{"severity":"ERROR","code":"SCHEMA_VALIDATION_FAILED",)"
        R"("message":"bad","location":"/"}],"truncated":false})");
}

TEST_F(ValidateTest, ShowsWarningsWhereTheyAreWanted) {
    engine_.diagnostics = {warning("odd")};
    EXPECT_EQ(json::print(validate().body),
              R"({"result":"OK","diagnostics":[],"truncated":false})");
    EXPECT_EQ(
        json::print(validate(Value::object({{"severity", "WARNING"}})).body),
        R"({"result":"OK","diagnostics":[{"severity":"WARNING","code":"ODD","message":"odd"}],"truncated":false})");
}

TEST_F(ValidateTest, ShowsNoMoreThanAskedFor) {
    engine_.diagnostics = {error("a"), error("b")};
    const Reply one = validate(Value::object({{"maxResults", 1}}));
    EXPECT_EQ(one.body.find("diagnostics")->as_array().size(), 1u);
    EXPECT_TRUE(one.body.bool_or("truncated", false));
    EXPECT_FALSE(validate(Value::object({{"maxResults", 2}})).body.bool_or("truncated", true));
    EXPECT_FALSE(validate(Value::object({{"maxResults", 0}})).body.bool_or("truncated", true));
    EXPECT_EQ(validate(Value::object({{"maxResults", 101}})).type(), "ValidationException");
}

TEST_F(ValidateTest, TellsTheFaultOfATextThatIsNoJson) {
    engine_.diagnostics = {{Diagnostic::Severity::kError, "INVALID_JSON_DESCRIPTION", "ours", {}}};
    const Reply reply = validate(Value::object({{"definition", "not json"}}));
    EXPECT_EQ(
        reply.body.find("diagnostics")->as_array()[0].string_or("message", ""),
        "Unrecognized token 'not': was expecting (JSON String, Number, Array, Object or token "
        "'null', 'true' or 'false') at [Source: (String)\"not json\"; line: 1, column: 4]");
}

TEST_F(ValidateTest, ChecksItsInput) {
    EXPECT_EQ(send("ValidateStateMachineDefinition", "{}").type(), "ValidationException");
    EXPECT_EQ(validate(Value::object({{"definition", ""}})).type(), "ValidationException");
    EXPECT_EQ(validate(Value::object({{"type", "FAST"}})).type(), "ValidationException");
    EXPECT_EQ(validate(Value::object({{"severity", "INFO"}})).type(), "ValidationException");
    EXPECT_EQ(validate(Value::object({{"definition", 7}})).type(), "SerializationException");
}

}  // namespace
}  // namespace tandem::states
