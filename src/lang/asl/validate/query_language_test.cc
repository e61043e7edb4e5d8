#include <gtest/gtest.h>

#include "lang/asl/validate/validate.h"

namespace tandem::asl {
namespace {

/// What is said against a machine of one state, as "message at location" lines; with the code where
/// it is another than SCHEMA_VALIDATION_FAILED.
std::string why_state(const std::string& state, const std::string& language = "JSONata") {
    std::string out;
    for (const Diagnostic& d :
         diagnose_definition(R"({"StartAt":"A","QueryLanguage":")" + language +
                                 R"(","States":{"A":)" + state + "}}",
                             WorkflowType::kStandard)) {
        if (d.code != "SCHEMA_VALIDATION_FAILED") out += d.code + ": ";
        out += d.message + " at " + d.location + "\n";
    }
    return out;
}

std::string only_in(const std::string& field, const std::string& language,
                    const std::string& at = "/States/A") {
    const std::string other = language == "JSONata" ? "JSONPath" : "JSONata";
    return "The QueryLanguage is set to '" + other + "', but field '" + field +
           "' is only supported for the '" + language + "' QueryLanguage at " + at + "\n";
}

TEST(QueryLanguage, FieldsOfTheOther) {
    EXPECT_EQ(why_state(R"({"Type":"Pass","End":true,"InputPath":"$","Output":1,"Result":1})"),
              only_in("InputPath", "JSONPath") + only_in("Result", "JSONPath"));
    EXPECT_EQ(why_state(R"({"Type":"Pass","End":true,"Output":1,"InputPath":"$"})", "JSONPath"),
              only_in("Output", "JSONata"));
    EXPECT_EQ(why_state(R"({"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","End":true,
                      "TimeoutSecondsPath":"$.t","Arguments":{"FunctionName":"f"},
                      "Catch":[{"ErrorEquals":["E"],"Next":"A","ResultPath":"$"}]})"),
              only_in("TimeoutSecondsPath", "JSONPath") +
                  only_in("ResultPath", "JSONPath", "/States/A/Catch[0]"));
    EXPECT_EQ(
        why_state(R"({"Type":"Map","End":true,"Items":[],"ItemBatcher":{"MaxItemsPerBatchPath":"$"},
                      "ItemReader":{"Arguments":{},"ReaderConfig":{"MaxItemsPath":"$"}},
                      "ItemProcessor":{"StartAt":"B","States":{"B":{"Type":"Succeed"}}}})"),
        only_in("MaxItemsPath", "JSONPath", "/States/A/ItemReader/ReaderConfig") +
            only_in("MaxItemsPerBatchPath", "JSONPath", "/States/A/ItemBatcher"));
}

TEST(QueryLanguage, IsNotInherited) {
    const auto machine = [](const std::string& field) {
        return R"({"Type":"Map","QueryLanguage":"JSONata","End":true,"ItemProcessor":{"StartAt":"B",
                   "States":{"B":{"Type":"Pass","End":true,")" +
               field + R"(":"$"}}}})";
    };
    const std::string inside = "/States/A/ItemProcessor/States/B";
    EXPECT_EQ(why_state(machine("Output"), "JSONPath"), only_in("Output", "JSONata", inside));
    EXPECT_EQ(why_state(machine("InputPath"), "JSONPath"), "");
    EXPECT_EQ(why_state(machine("InputPath"), "JSONata"), only_in("InputPath", "JSONPath", inside));
    EXPECT_EQ(why_state(R"({"Type":"Parallel","End":true,"Branches":[{"QueryLanguage":"JSONata",
                      "StartAt":"B","States":{"B":{"Type":"Succeed"}}}]})"),
              "Field 'QueryLanguage' is not supported at /States/A/Branches[0]\n");
}

TEST(QueryLanguage, IsOneOfTwo) {
    const std::string wrong =
        "The field 'QueryLanguage' should have one of these values: [JSONPath, JSONata] at ";
    const std::string state = R"({"Type":"Succeed"})";
    EXPECT_EQ(why_state(state, "XPath"), wrong + "/QueryLanguage\n");
    EXPECT_EQ(why_state(R"({"Type":"Succeed","QueryLanguage":"jsonata"})", "JSONPath"),
              wrong + "/States/A/QueryLanguage\n");
    EXPECT_EQ(why_state(R"({"Type":"Succeed","QueryLanguage":1})", "JSONPath"),
              "Expected value of type String at /States/A/QueryLanguage\n");
}

TEST(QueryLanguage, Conditions) {
    const auto choice = [](const std::string& rule) {
        return R"({"Type":"Choice","Choices":[{"Next":"A",)" + rule + R"(}],"Default":"A"})";
    };
    const std::string at = "/States/A/Choices[0]";
    EXPECT_EQ(why_state(choice(R"("Variable":"$.a","IsNull":true)")),
              "These fields are required: [Condition] at " + at + "\n" +
                  only_in("Variable", "JSONPath", at) + only_in("IsNull", "JSONPath", at));
    EXPECT_EQ(why_state(choice(R"("Condition":"yes")")),
              "Expected value of type Boolean at " + at + "/Condition\n");
    EXPECT_EQ(why_state(choice(R"("Condition":true,"Reason":1)")),
              "Field 'Reason' is not supported at " + at + "\n");
    EXPECT_EQ(why_state(choice(R"("Condition":true)"), "JSONPath"),
              only_in("Condition", "JSONata", at) + "These fields are required: [Variable] at " +
                  at + "\n");
}

TEST(QueryLanguage, Expressions) {
    EXPECT_EQ(
        why_state(
            R"({"Type":"Pass","End":true,"Output":{"a":["{% 1 + %}","{% $x %}"],"b":"{% c.d %}"},
                      "Comment":"{% ( %}"})"),
        "INVALID_JSONATA_EXPRESSION: Unexpected end of expression at /States/A/Output/a[0]\n"
        "UNSUPPORTED_JSONATA_EXPRESSION: Reference to 'c' at the top level is not supported. "
        "at /States/A/Output/b\n");
    EXPECT_EQ(
        why_state(R"({"Type":"Choice","Choices":[{"Condition":"{% $$.a %}","Next":"A"}]})"),
        "UNSUPPORTED_JSONATA_EXPRESSION: Reference to '$$' at the top level is not supported. "
        "at /States/A/Choices[0]/Condition\n");
    // An item is what it is applied to; in the other language it is text.
    EXPECT_EQ(why_state(R"({"Type":"Succeed","Output":"{% $states.input[a].(b; $) %}"})"), "");
    EXPECT_EQ(why_state(R"({"Type":"Pass","End":true,"Result":"{% 1 + %}"})", "JSONPath"), "");
}

TEST(QueryLanguage, NamesOfVariables) {
    const auto assign = [](const std::string& members, const char* language = "JSONata") {
        return why_state(R"({"Type":"Pass","End":true,"Assign":{)" + members + "}}", language);
    };
    const std::string end = " at /States/A/Assign\n";
    EXPECT_EQ(assign(R"("a1_b":1,"été":2)"), "");
    EXPECT_EQ(assign(R"("x.$":"$","y":1)", "JSONPath"), "");
    EXPECT_EQ(assign(R"("states":1)"), "The variable name 'states' is reserved" + end);
    EXPECT_EQ(assign(R"("states.$":"$")", "JSONPath"),
              "The variable name 'states' is reserved" + end);
    EXPECT_EQ(assign(R"("1a":1)"), "The variable name '1a' is not a valid identifier" + end);
    EXPECT_EQ(assign(R"("":1)"), "The variable name '' is not a valid identifier" + end);
    EXPECT_EQ(assign(R"("x.$":1)"), "The variable name 'x.$' is not a valid identifier" + end);
    EXPECT_EQ(assign('"' + std::string(80, 'v') + "\":1"), "");
    EXPECT_EQ(assign('"' + std::string(81, 'v') + "\":1"),
              "The variable name '" + std::string(81, 'v') +
                  "' exceeds the 80-character limit allowed by the service" + end);
    EXPECT_EQ(why_state(R"({"Type":"Pass","End":true,"Assign":[]})"),
              "Expected value of type Object" + end);
    EXPECT_EQ(why_state(R"({"Type":"Pass","End":true,"Assign":"{% {'a': 1} %}"})"), "");
}

TEST(QueryLanguage, NamesOfStates) {
    const std::string name(81, 's');
    const auto found = diagnose_definition(
        R"({"StartAt":")" + name + R"(","States":{")" + name + R"(":{"Type":"Succeed"}}})",
        WorkflowType::kStandard);
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0].code, "INVALID_STATE_NAME");
    EXPECT_EQ(found[0].message, "Invalid State name: State '" + name +
                                    "' exceeds the 80-character limit allowed by the service");
}

}  // namespace
}  // namespace tandem::asl
