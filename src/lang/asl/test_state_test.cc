#include "lang/asl/test_state.h"

#include <gtest/gtest.h>

#include "lang/asl/language.h"

namespace tandem::asl {
namespace {

using Status = StateTestReport::Status;

class StateTestTest : public ::testing::Test {
protected:
    StateTestReport run(StateTest test) {
        if (test.input.is_null()) test.input = Payload("{}");
        auto report = language_->test(test);
        EXPECT_TRUE(report.has_value()) << report.error().message;
        return report.value_or(StateTestReport());
    }
    static StateTest of(std::string definition, std::string input = "{}") {
        StateTest test;
        test.definition = std::move(definition);
        test.input = Payload(std::move(input));
        return test;
    }
    std::unique_ptr<Language> language_ = make_language();
};

constexpr const char* kTask =
    R"({"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"f"},)"
    R"("Retry":[{"ErrorEquals":["Busy"],"MaxAttempts":2,"IntervalSeconds":2}],)"
    R"("Catch":[{"ErrorEquals":["States.ALL"],"Next":"Sorry"}],"Next":"Done"})";

TEST_F(StateTestTest, ShowsWhatHappensInside) {
    const auto report = run(of(
        R"({"Type":"Pass","InputPath":"$.a","Parameters":{"n.$":"$.n"},"ResultPath":"$.r","Next":"B"})",
        R"({"a":{"n":1}})"));
    EXPECT_EQ(report.status, Status::kSucceeded);
    EXPECT_EQ(report.output.str(), R"({"a":{"n":1},"r":{"n":1}})");
    EXPECT_EQ(report.next, "B");
    EXPECT_EQ(
        json::print(report.inspection),
        R"({"afterInputPath":"{\"n\":1}","afterParameters":"{\"n\":1}",)"
        R"("afterResultSelector":"{\"n\":1}","afterResultPath":"{\"a\":{\"n\":1},\"r\":{\"n\":1}}",)"
        R"("input":"{\"a\":{\"n\":1}}"})");
}

TEST_F(StateTestTest, AWaitIsOverAtOnceAndTheNextStateIsNotEntered) {
    StateTest test =
        of(R"({"StartAt":"A","States":{"A":{"Type":"Pass","Next":"W"},)"
           R"("W":{"Type":"Wait","Seconds":3600,"Next":"F"},"F":{"Type":"Fail","Error":"E"}}})",
           R"({"x":1})");
    test.state = "W";
    const auto report = run(test);
    EXPECT_EQ(report.status, Status::kSucceeded);
    EXPECT_EQ(report.next, "F");
    EXPECT_EQ(report.output.str(), R"({"x":1})");
    test.state = "F";
    EXPECT_EQ(run(test).status, Status::kFailed);
    EXPECT_EQ(run(test).error, "E");
    test.state = "none";
    EXPECT_TRUE(run(test).refusal.has_value());
}

TEST_F(StateTestTest, ATaskCallsAndTakesTheAnswer) {
    StateTest test = of(kTask);
    const auto calls = run(test);
    ASSERT_EQ(calls.status, Status::kCalls);
    EXPECT_EQ(calls.call.target.name, "f");
    test.answer = TaskResult();
    test.answer->payload = Payload("7");
    const auto report = run(test);
    EXPECT_EQ(report.status, Status::kSucceeded);
    EXPECT_EQ(report.next, "Done");
    EXPECT_EQ(json::parse(report.output.view())->int_or("Payload", 0), 7);
}

TEST_F(StateTestTest, AMockedErrorIsRetriedThenCaught) {
    StateTest test = of(kTask);
    test.mocks_error = true;
    test.mock_error = "Busy";
    test.mock_cause = "why";
    test.retries = 1;
    const auto retried = run(test);
    EXPECT_EQ(retried.status, Status::kRetriable);
    EXPECT_EQ(retried.error, "Busy");
    EXPECT_EQ(json::print(*retried.inspection.find("errorDetails")),
              R"({"retryIndex":0,"retryBackoffIntervalSeconds":4})");
    test.retries = 2;
    const auto caught = run(test);
    EXPECT_EQ(caught.status, Status::kCaughtError);
    EXPECT_EQ(caught.next, "Sorry");
    EXPECT_EQ(caught.output.str(), R"({"Error":"Busy","Cause":"why"})");
    EXPECT_EQ(json::print(*caught.inspection.find("errorDetails")), R"({"catchIndex":0})");
}

TEST_F(StateTestTest, MocksVariablesAndContext) {
    StateTest test = of(
        R"({"Type":"Task","Resource":"arn:aws:states:::dynamodb:putItem","Parameters":{"v.$":"$v"},)"
        R"("ResultSelector":{"c.$":"$$.x"},"Assign":{"w.$":"$.c"},"End":true})");
    test.mock_result = json::Value::object();
    test.variables = json::Value::object({{"v", 1}});
    test.context = json::Value::object({{"x", 5}});
    const auto report = run(test);
    EXPECT_EQ(report.status, Status::kSucceeded);
    EXPECT_EQ(report.output.str(), R"({"c":5})");
    EXPECT_FALSE(report.next.has_value());
    EXPECT_EQ(report.inspection.string_or("afterParameters", ""), R"({"v":1})");
    EXPECT_EQ(report.inspection.string_or("variables", ""), R"({"v":1,"w":5})");
}

TEST_F(StateTestTest, AMapIsMockedAsAWhole) {
    StateTest test = of(
        R"({"Type":"Map","ItemsPath":"$.l","ItemSelector":{"i.$":"$$.Map.Item.Value"},"MaxConcurrency":2,)"
        R"("ItemProcessor":{"StartAt":"P","States":{"P":{"Type":"Pass","End":true}}},"End":true})",
        R"({"l":[1,2]})");
    EXPECT_TRUE(run(test).refusal.has_value());
    test.mock_result = json::Value(1);
    EXPECT_EQ(run(test).refusal, "Mocked result must be an array.");
    test.mock_result = *json::parse("[3,4]");
    const auto report = run(test);
    EXPECT_EQ(report.status, Status::kSucceeded);
    EXPECT_EQ(report.output.str(), "[3,4]");
    EXPECT_EQ(report.inspection.string_or("afterItemSelector", ""), R"([{"i":1},{"i":2}])");
    EXPECT_EQ(report.inspection.int_or("maxConcurrency", 0), 2);
}

TEST_F(StateTestTest, AMockHasTheTypesOfTheAnswer) {
    StateTest test = of(kTask);
    test.mock_result = *json::parse(R"({"StatusCode":"200","other":1})");
    EXPECT_EQ(run(test).refusal,
              "Mock result schema validation error: Field 'StatusCode' must be a number");
    test.checks_mock = false;
    EXPECT_EQ(run(test).status, Status::kSucceeded);
}

TEST_F(StateTestTest, RefusesBadDefinitions) {
    EXPECT_EQ(
        language_->test(of(R"({"Type":"Parallel","Branches":[],"End":true})")).error().message,
        "SCHEMA_VALIDATION_FAILED: Value cannot be empty at /States/StateName/Branches");
    EXPECT_FALSE(language_->test(of("[")).has_value());
}

/// A Map with an ItemReader; what its iterations would be given.
constexpr const char* kReader =
    R"({"Type":"Map","End":true,"ItemReader":{"Resource":"arn:aws:states:::s3:getObject",)"
    R"("Parameters":{"Bucket":"b","Key":"k"},"ReaderConfig":{@}},"ItemSelector":)"
    R"({"v.$":"$$.Map.Item.Value"},"ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED",)"
    R"("ExecutionType":"STANDARD"},"StartAt":"I","States":{"I":{"Type":"Pass","End":true}}}})";

TEST_F(StateTestTest, TheDataOfAnItemReaderMakesTheItems) {
    const auto items = [&](std::string config, std::string data) {
        std::string definition = kReader;
        definition.replace(definition.find('@'), 1, config);
        StateTest test = of(definition);
        test.mock_result = json::Value::array();
        test.item_data = std::move(data);
        const auto report = run(test);
        if (report.error) return *report.error;
        return std::string(report.inspection.string_or("afterItemSelector", "-")) +
               std::string(report.inspection.string_or("afterItemsPointer", ""));
    };
    EXPECT_EQ(items(R"("InputType":"JSON")", "[1,2]"), R"([{"v":1},{"v":2}])");
    EXPECT_EQ(items(R"("InputType":"JSON","MaxItems":1)", "[1,2]"), R"([{"v":1}])");
    EXPECT_EQ(items(R"("InputType":"JSON","ItemsPointer":"/a~1b/1")", R"({"a/b":[0,[7]]})"),
              R"([{"v":7}][7])");
    EXPECT_EQ(items(R"("InputType":"JSONL")", "1\n\n{\"a\":2}\r\n"), R"([{"v":1},{"v":{"a":2}}])");
    for (const char* data : {"{}", "[1", "", "null"})
        EXPECT_EQ(items(R"("InputType":"JSON")", data), "States.ItemReaderFailed") << data;
    EXPECT_EQ(items(R"("InputType":"JSON","ItemsPointer":"/9")", "[[1]]"),
              "States.ItemReaderFailed");
    EXPECT_EQ(items(R"("InputType":"JSONL")", "1\nx"), "States.ItemReaderFailed");
    EXPECT_EQ(items(R"("InputType":"CSV","CSVHeaderLocation":"FIRST_ROW")", "a\n1\n"), "[]");
}

TEST_F(StateTestTest, AnErrorComesFromAStateInside) {
    std::string definition = kReader;
    definition.replace(definition.find('@'), 1, R"("InputType":"JSON")");
    StateTest test = of(definition);
    test.mocks_error = true;
    test.mock_error = "E";
    test.error_state = "I";
    EXPECT_EQ(run(test).error, "E");
    test.error_state = "StateName";  // the Map itself
    EXPECT_EQ(run(test).refusal, "State 'StateName' does not exist inside the state under test.");
    test = of(
        R"({"StartAt":"P","States":{"P":{"Type":"Parallel","Branches":[{"StartAt":"A","States":{)"
        R"("A":{"Type":"Pass","End":true}}}],"Next":"B"},"B":{"Type":"Pass","End":true}}})");
    test.state = "P";
    test.mocks_error = true;
    test.mock_error = "E";
    test.error_state = "A";
    EXPECT_EQ(run(test).error, "E");
    test.error_state = "B";  // beside it
    EXPECT_TRUE(run(test).refusal.has_value());
}

}  // namespace
}  // namespace tandem::asl
