#include "lang/asl/validate/validate.h"

#include <gtest/gtest.h>

#include <functional>

#include "json/value.h"
#include "lang/asl/language.h"

namespace tandem::asl {
namespace {

std::string why(std::string_view definition, WorkflowType type = WorkflowType::kStandard) {
    const auto valid = validate_definition(definition, type);
    return valid ? "" : valid.error().message;
}

/// A machine of `states`, the first of which is A.
std::string states(std::string_view members) {
    return R"({"StartAt":"A","States":{)" + std::string(members) + "}}";
}

constexpr const char* kLastState = R"("E":{"Type":"Succeed"})";

TEST(Validate, FieldsOfMachines) {
    EXPECT_EQ(why("{}"),
              "SCHEMA_VALIDATION_FAILED: These fields are required: [States, StartAt] at /");
    EXPECT_EQ(why(R"({"States":{"A":{"Type":"Pass","End":true}}})"),
              "SCHEMA_VALIDATION_FAILED: These fields are required: [StartAt] at /");
    EXPECT_EQ(why(R"({"Fn::Sub":""})"),
              "SCHEMA_VALIDATION_FAILED: These fields are required: [States, StartAt] at /, "
              "SCHEMA_VALIDATION_FAILED: Field 'Fn::Sub' is not supported at /");
    EXPECT_EQ(why(R"({"StartAt":"A","States":{}})"),
              "SCHEMA_VALIDATION_FAILED: Value cannot be empty at /States");
    EXPECT_EQ(why("[]"), "SCHEMA_VALIDATION_FAILED: Expected value of type Object at /");
    EXPECT_TRUE(why("nonsense").starts_with("INVALID_JSON_DESCRIPTION: "));
    EXPECT_EQ(
        why(R"({"StartAt":"A","QueryLanguage":"JSONata",
                      "States":{"A":{"Type":"Pass","End":true,"QueryLanguage":"JSONPath"}}})"),
        "SCHEMA_VALIDATION_FAILED: 'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for "
        "whole state machine at /States/A");
}

TEST(Validate, AHeartbeatIsSmallerThanTheTimeout) {
    const auto task = [](std::string_view limits) {
        return states(
            R"("A":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","End":true,)"
            R"("Parameters":{"FunctionName":"f"},)" +
            std::string(limits) + "}");
    };
    EXPECT_EQ(why(task(R"("TimeoutSeconds":5,"HeartbeatSeconds":4)")), "");
    EXPECT_EQ(why(task(R"("HeartbeatSeconds":4)")), "");
    EXPECT_EQ(why(task(R"("TimeoutSecondsPath":"$.t","HeartbeatSeconds":4)")), "");
    for (const char* heartbeat : {"5", "6"}) {
        EXPECT_EQ(why(task(R"("TimeoutSeconds":5,"HeartbeatSeconds":)" + std::string(heartbeat))),
                  "SCHEMA_VALIDATION_FAILED: HeartbeatSeconds must be smaller than TimeoutSeconds "
                  "at /States/A/HeartbeatSeconds");
    }
    EXPECT_NE(why(R"({"QueryLanguage":"JSONata","StartAt":"A","States":{"A":{"Type":"Task",
                  "Resource":"arn:aws:states:::lambda:invoke","End":true,
                  "Arguments":{"FunctionName":"f"},"TimeoutSeconds":5,"HeartbeatSeconds":5}}})"),
              "");
}

TEST(Validate, FieldsOfStates) {
    EXPECT_EQ(why(states(R"("A":{"End":true})")),
              "SCHEMA_VALIDATION_FAILED: These fields are required: [Type] at /States/A");
    EXPECT_EQ(
        why(states(R"("A":{"Type":"Nap"})")),
        "SCHEMA_VALIDATION_FAILED: The field 'Type' should have one of these values: [Task, Wait, "
        "Pass, Succeed, Fail, Choice, Parallel, Map] at /States/A/Type");
    EXPECT_EQ(why(states(R"("A":{"Type":"Map","End":true,"TimeoutSeconds":1,
                             "Iterator":{"StartAt":"B",
                                         "States":{"B":{"Type":"Pass","End":true}}}})")),
              "SCHEMA_VALIDATION_FAILED: Field 'TimeoutSeconds' is not supported at /States/A");
    EXPECT_EQ(why(states(R"("A":{"Type":"Parallel","End":true,"Branches":[]})")),
              "SCHEMA_VALIDATION_FAILED: Value cannot be empty at /States/A/Branches");
    EXPECT_EQ(why(states(R"("A":{"Type":"Parallel","End":true,"Branches":[
                             {"StartAt":"B","States":{"B":{"Type":"Choice"}}}]})")),
              "SCHEMA_VALIDATION_FAILED: These fields are required: [Choices] at "
              "/States/A/Branches[0]/States/B");
    EXPECT_EQ(
        why(states(R"("A":{"Type":"Task","End":true,"Resource":"arn:aws:states:::lambda:invoke",
                             "Credentials":{}})")),
        "SCHEMA_VALIDATION_FAILED: The field 'RoleArn' is required but was missing at "
        "/States/A/Credentials");
    EXPECT_EQ(
        why(states(R"("A":{"Type":"Task","End":true,"Resource":"arn:aws:states:::lambda:invoke",
                             "Parameters":{"Payload.$":"$","Mode":1}})")),
        "SCHEMA_VALIDATION_FAILED: The field 'FunctionName' is required but was missing at "
        "/States/A/Parameters, SCHEMA_VALIDATION_FAILED: The field 'Mode' is not supported by Step "
        "Functions at /States/A/Parameters");
    EXPECT_EQ(
        why(states(R"("A":{"Type":"Choice","Choices":[{"Variable":"$","StringMatches":"x"}],
                             "Default":"E"},)" +
                   std::string(kLastState))),
        "SCHEMA_VALIDATION_FAILED: These fields are required: [Next] at /States/A/Choices[0]");
}

TEST(Validate, ValuesOfFields) {
    EXPECT_EQ(why(states(R"("A":{"Type":"Pass","End":true,"OutputPath":"Test"})")),
              "SCHEMA_VALIDATION_FAILED: Value must be a valid JSONPath. at /States/A/OutputPath");
    EXPECT_EQ(
        why(states(
            R"("A":{"Type":"Pass","End":true,"InputPath":null,"OutputPath":"$$.Execution"})")),
        "");
    EXPECT_EQ(
        why(states(R"("A":{"Type":"Wait","End":true,"Timestamp":"2016-12-05 21:29:29Z"})")),
        "SCHEMA_VALIDATION_FAILED: String does not match RFC3339 timestamp at /States/A/Timestamp");
    EXPECT_EQ(
        why(states(
            R"x("A":{"Type":"Pass","End":true,"Parameters":{"p.$":"States.Format('\\\"')"}})x")),
        "SCHEMA_VALIDATION_FAILED: The value for the field 'p.$' must be a valid JSONPath or a "
        "valid "
        "intrinsic function call at /States/A/Parameters");
    EXPECT_EQ(why(states(R"("A":{"Type":"Fail","Error":"e","ErrorPath":"$.e"})")),
              "SCHEMA_VALIDATION_FAILED: There should only be one of the following fields: [Error, "
              "ErrorPath] "
              "at /States/A");
    EXPECT_EQ(why(states(R"("A":{"Type":"Wait","End":true,"Seconds":-1})")),
              "SCHEMA_VALIDATION_FAILED: Minimum value is 0 at /States/A/Seconds");
}

TEST(Validate, ParametersOfServices) {
    const auto of = [](const std::string& resource, const std::string& parameters) {
        return why(states(R"("A":{"Type":"Task","End":true,"Resource":"arn:aws:states:::)" +
                          resource + "\"," + parameters + "}"));
    };
    const std::string at = " at /States/A/Parameters";
    EXPECT_EQ(
        of("states:startExecution.sync:2", R"("Parameters":{"Input.$":"$"})"),
        "SCHEMA_VALIDATION_FAILED: The field 'StateMachineArn' is required but was missing" + at);
    EXPECT_EQ(of("aws-sdk:s3:getObject", R"("Parameters":{"Bucket.$":"$.b","key":"k","Key":""})"),
              "SCHEMA_VALIDATION_FAILED: The field 'key' is not supported by Step Functions" + at);
    EXPECT_EQ(of("aws-sdk:sfn:listActivities", R"("Parameters":{})"), "");
    EXPECT_EQ(of("http:invoke",
                 R"("Parameters":{"ApiEndpoint":"https://a","Method.$":"$.m",
                    "InvocationConfig":{"ConnectionArn":"c"}})"),
              "");
    EXPECT_EQ(
        of("http:invoke", R"("Parameters":{"ApiEndpoint":"https://a","Method":"GET"})"),
        "SCHEMA_VALIDATION_FAILED: The field 'Authentication' is required but was missing" + at);
    // In JSONata the members are those of "Arguments", and a dollar is none of them.
    EXPECT_EQ(of("states:startExecution",
                 R"("QueryLanguage":"JSONata","Arguments":{"StateMachineArn":"m","Name.$":"n"})"),
              "SCHEMA_VALIDATION_FAILED: The field 'Name.$' is not supported by Step Functions at "
              "/States/A/Arguments");
    EXPECT_EQ(of("states:startExecution",
                 R"("QueryLanguage":"JSONata","Arguments":"{% $states.input %}")"),
              "");
    // Of other services nothing is known here.
    EXPECT_EQ(of("sqs:sendMessage", R"("Parameters":{"Anything":1})"), "");
}

TEST(Validate, Resources) {
    const auto of = [](const std::string& resource, WorkflowType type = WorkflowType::kStandard) {
        return why(states(R"("A":{"Type":"Task","End":true,"Resource":")" + resource + "\"}"),
                   type);
    };
    for (const char* known :
         {"arn:aws:states:::lambda:invoke", "arn:aws:states:::lambda:invoke.waitForTaskToken",
          "arn:aws:lambda:region:account:function:f:1",
          "arn:aws:states:us-east-1:123456789012:activity:a",
          "arn:aws:states:::aws-sdk:s3:getObject",
          "arn:aws-cn:states:::states:startExecution.sync:2", "arn:aws:states:::dynamodb:putItem",
          "arn:aws:states:::batch:submitJob.sync"}) {
        EXPECT_EQ(of(known), "") << known;
    }
    EXPECT_EQ(
        of("arn:aws:states:::dynamodb:query"),
        "SCHEMA_VALIDATION_FAILED: The resource provided arn:aws:states:::dynamodb:query is not "
        "recognized. The value is not a valid resource ARN, or the resource is not available in "
        "this region. at /States/A/Resource");
    for (const char* unknown :
         {"f", "arn:aws:states:::dynamodb:putItem.sync", "arn:aws:s3:::bucket",
          "arn:aws:states:::aws-sdk:s3:getObject.sync"}) {
        EXPECT_NE(of(unknown), "") << unknown;
    }
    EXPECT_EQ(
        of("arn:aws:states:::sns:publish.waitForTaskToken", WorkflowType::kExpress),
        "SCHEMA_VALIDATION_FAILED: Express state machine does not support '.waitForTaskToken' "
        "service integration  at /States/A/Resource");
    EXPECT_EQ(of("arn:aws:states:::states:startExecution.sync", WorkflowType::kExpress),
              "SCHEMA_VALIDATION_FAILED: Express state machine does not support '.sync' service "
              "integration at /States/A/Resource");
    EXPECT_EQ(of("arn:aws:states:us-east-1:123456789012:activity:a", WorkflowType::kExpress),
              "SCHEMA_VALIDATION_FAILED: Express state machine does not support Activity ARN at "
              "/States/A/Resource");
}

TEST(Validate, Transitions) {
    EXPECT_EQ(why(R"({"StartAt":"pass1","States":{"pass1":{"Type":"Pass","Next":"pass3"},
                      "pass2":{"Type":"Pass","End":true}}})"),
              "MISSING_TRANSITION_TARGET: Missing 'Next' target: pass3 at /States/pass1/Next, "
              "MISSING_TRANSITION_TARGET: State \"pass2\" is not reachable. at /States/pass2");
    EXPECT_EQ(
        why(R"({"StartAt":"X","States":{"A":{"Type":"Pass","Next":"E"},"E":{"Type":"Succeed"}}})"),
        "MISSING_TRANSITION_TARGET: Missing 'Next' target: X at /StartAt, "
        "MISSING_TRANSITION_TARGET: State \"A\" is not reachable. at /States/A");
    EXPECT_EQ(why(states(R"("A":{"Type":"Pass","Next":"A"},"B":{"Type":"Pass","Next":"A"})")),
              "MISSING_END_STATE: Workflow has no terminal state at null");
    EXPECT_EQ(
        why(states(R"("A":{"Type":"Choice","Choices":[{"Variable":"$","IsNull":true,"Next":"X"}],
                             "Default":"Y"},)" +
                   std::string(R"("B":{"Type":"Pass","Next":"A"})"))),
        "MISSING_TRANSITION_TARGET: Missing 'Next' target: X at /States/A/Choices[0]/Next, "
        "MISSING_TRANSITION_TARGET: Missing 'Next' target: Y at /States/A/Default, "
        "MISSING_END_STATE: Workflow has no terminal state at null");
    EXPECT_EQ(why(states(R"("A":{"Type":"Parallel","End":true,"Branches":[
                             {"StartAt":"B","States":{"B":{"Type":"Pass","Next":"A"}}}]})")),
              "MISSING_TRANSITION_TARGET: Missing 'Next' target: A at "
              "/States/A/Branches[0]/States/B/Next");
}

TEST(Validate, LanguageValidatesWhatItCompilesWithoutComplaint) {
    const auto language = make_language();
    const std::string unreachable =
        states(R"("A":{"Type":"Pass","End":true},)" + std::string(kLastState));
    EXPECT_TRUE(language->compile(unreachable).has_value());
    EXPECT_FALSE(language->validate(unreachable).has_value());
}

/// Calls `visit` with `json` for every way to put `other` in the place of one of its values.
void for_each_replacement(const json::Value& json, const json::Value& other,
                          const std::function<void(const json::Value&)>& visit) {
    visit(other);
    if (json.is_object()) {
        for (const auto& [name, member] : json.as_object()) {
            for_each_replacement(member, other, [&, name = name](const json::Value& replaced) {
                json::Value copy = json;
                visit(copy.set(name, replaced));
            });
        }
    }
    if (!json.is_array()) return;
    for (size_t i = 0; i < json.as_array().size(); ++i) {
        for_each_replacement(json.as_array()[i], other, [&](const json::Value& replaced) {
            json::Value copy = json;
            copy.mutable_array()[i] = replaced;
            visit(copy);
        });
    }
}

TEST(Validate, TakesAnyValueInAnyPlace) {
    const auto whole = json::parse(states(R"(
        "A":{"Type":"Map","ItemsPath":"$.a","ItemSelector":{"x.$":"$"},"MaxConcurrency":1,"Next":"B",
             "ItemProcessor":{"ProcessorConfig":{"Mode":"INLINE"},"StartAt":"I",
                              "States":{"I":{"Type":"Pass","Result":1,"End":true}}}},
        "B":{"Type":"Choice","Default":"C","Choices":[
             {"And":[{"Variable":"$","IsNull":true},{"Not":{"Variable":"$","StringEquals":"x"}}],
              "Assign":{"v":1},"Next":"C"},
             {"Variable":"$.t","TimestampEquals":"2020-01-01T00:00:00Z","Next":"C"}]},
        "C":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","TimeoutSeconds":5,
             "Parameters":{"FunctionName":"f"},"Credentials":{"RoleArn":"r"},"Next":"D",
             "Retry":[{"ErrorEquals":["E"],"BackoffRate":1.5}],
             "Catch":[{"ErrorEquals":["E"],"ResultPath":"$.e","Next":"D"}]},
        "D":{"Type":"Parallel","End":true,"Branches":[
             {"StartAt":"P","States":{"P":{"Type":"Wait","Seconds":1,"End":true}}}]})"));
    ASSERT_TRUE(whole);
    ASSERT_EQ(why(json::print(*whole)), "");
    for (const char* other :
         {"null", "7", "\"A\"", "[]", "{}", "[[1]]", R"({"States":{"B":null}})"}) {
        for_each_replacement(*whole, *json::parse(other), [](const json::Value& replaced) {
            const auto valid = validate_definition(json::print(replaced), WorkflowType::kExpress);
            if (!valid) {
                EXPECT_EQ(valid.error().code, ErrorCode::kInvalidArgument);
            }
        });
    }
}

TEST(Validate, LabelsOfDistributedMaps) {
    const auto map = [](const std::string& label, const std::string& config) {
        return R"({"Type":"Map","End":true,"Label":)" + label +
               R"(,"ItemProcessor":{"StartAt":"B)" + std::to_string(label.size()) +
               R"(","ProcessorConfig":)" + config + R"(,"States":{"B)" +
               std::to_string(label.size()) + R"(":{"Type":"Pass","End":true}}}})";
    };
    const std::string mode = R"({"Mode":"DISTRIBUTED"})";
    EXPECT_EQ(why(states(R"("A":)" + map("\"good-label\"", mode))), "");
    for (const char* bad :
         {"7", "\"\"", "\"a/b\"", "\"a b\"", "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\""}) {
        EXPECT_NE(why(states(R"("A":)" + map(bad, mode))).find("/States/A/Label"),
                  std::string::npos)
            << bad;
    }
    EXPECT_NE(why(states(R"("A":)" + map("\"l\"", R"({"Mode":"BOTH"})"))).find("/Mode"),
              std::string::npos);
    EXPECT_NE(
        why(states(R"("A":)" + map("\"l\"", R"({"Mode":"DISTRIBUTED","ExecutionType":"FAST"})")))
            .find("/ExecutionType"),
        std::string::npos);
}

TEST(Validate, QuotesLongNamesInPart) {
    const std::string message = why(R"({"StartAt":"A","States":{"A":{"Type":"Pass","End":true,")" +
                                    std::string(100'000, 'x') + R"(":1}}})");
    EXPECT_LT(message.size(), 2'200u);
}

}  // namespace
}  // namespace tandem::asl
