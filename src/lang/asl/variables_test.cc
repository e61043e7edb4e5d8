// Limits of variables, of inline Maps and of an execution's life; which variables states refer to.
#include "lang/asl/variable_references.h"

#include <gtest/gtest.h>

#include "base/limits.h"
#include "lang/asl/testing/simulation.h"

namespace tandem::asl::testing {
namespace {

std::string references(const std::string& definition) {
    std::string out;
    for (const VariableReferences& of : variable_references(definition)) {
        out += out.empty() ? "" : " ";
        out += of.state + ":";
        for (const std::string& name : of.variables) out += " " + name;
        out += ";";
    }
    return out;
}

TEST(VariableReferences, OfPathsTemplatesAndIntrinsics) {
    const std::string definition =
        R"j({"StartAt":"A","States":{)j"
        R"j("A":{"Type":"Pass","Parameters":{"b.$":"$b.x[0]",)j"
        R"j("n":[{"d.$":"States.Format('{}', $c, $$.State.Name)"}],"plain":"$no","in.$":"$.no"},)j"
        R"j("Assign":{"e.$":"$b","f":"$no"},"Next":"B"},)j"
        R"j("B":{"Type":"Wait","SecondsPath":"$w","Next":"C"},)j"
        R"j("C":{"Type":"Choice","Choices":[{"And":[{"Variable":"$z.k","IsPresent":true},)j"
        R"j({"Variable":"$.q","StringEqualsPath":"$y"}],"Next":"D"}],"Default":"D"},)j"
        R"j("D":{"Type":"Succeed"}}})j";
    EXPECT_EQ(references(definition), "A: b c; B: w; C: z y;");
}

TEST(VariableReferences, OfExpressions) {
    const std::string definition = R"({"QueryLanguage":"JSONata","StartAt":"A","States":{
        "A":{"Type":"Task","Resource":"arn","Arguments":{"x":"{% $sum($b) + $states.input.c %}","y":"$no",
             "z":["{% ($t := $a; $map($l, function($i) { $i + $t })) %}"]},
             "Catch":[{"ErrorEquals":["States.ALL"],"Output":"{% $o %}","Next":"C"}],"Next":"C"},
        "C":{"Type":"Choice","Choices":[{"Condition":"{% $p = $q %}","Next":"D"}],"Default":"D"},
        "D":{"Type":"Fail","Error":"{% $e %}","Comment":"{% $no %}"}}})";
    EXPECT_EQ(references(definition), "A: b a l o; C: p q; D: e;");
}

TEST(VariableReferences, OfNestedStatesUnderTheirOwnNames) {
    const std::string definition = R"({"StartAt":"M","States":{
        "M":{"Type":"Map","ItemsPath":"$list","Next":"P","ItemProcessor":{"StartAt":"I","States":{
             "I":{"Type":"Pass","QueryLanguage":"JSONata","Output":"{% $inner %}","End":true}}}},
        "P":{"Type":"Parallel","End":true,"Branches":[{"StartAt":"X","States":{
             "X":{"Type":"Pass","InputPath":"$x","End":true}}}]}}})";
    EXPECT_EQ(references(definition), "M: list; I: inner; X: x;");
}

TEST(VariableReferences, OfWhatIsNoDefinition) {
    for (const char* text :
         {"", "[", "[]", "{}", R"({"States":[]})", R"({"States":{"A":3}})",
          R"({"States":{"A":{"Type":"Map","ItemProcessor":[],"Branches":{}}}})",
          R"({"States":{"A":{"OutputPath":"$.(","x.$":"States.No(", "y.$":3}}})"})
        EXPECT_EQ(references(text), "") << text;
}

struct EndedWith {
    EventType how;
    std::string error;
    std::string output;
    Duration after;
};

EndedWith run(const std::string& definition, const std::string& input, LanguageOptions options) {
    const auto language = make_language(std::move(options));
    const auto program = language->compile(definition);
    EXPECT_TRUE(program) << program.error().message;
    Simulation simulation(*language, *program);
    simulation.start(input, "{}");
    simulation.run([](const Action&) { return std::nullopt; });
    EXPECT_EQ(simulation.broken_law(), "");
    const Event& last = simulation.events().back();
    return {last.type, last.error.value_or(""), last.output.str(),
            last.time - simulation.events().front().time};
}

TEST(Variables, OfOneStateAreLimited) {
    LanguageOptions options;
    options.variable_bytes = 20;
    const std::string paths =
        R"({"StartAt":"A","States":{"A":{"Type":"Pass","Assign":{"v.$":"$.v"},"End":true}}})";
    const std::string formulas =
        R"({"QueryLanguage":"JSONata","StartAt":"A","States":{"A":{"Type":"Pass",)"
        R"("Assign":{"v":"{% $states.input.v %}"},"End":true}}})";
    for (const std::string& definition : {paths, formulas}) {
        // {"v":"12345678901234"} has 20 bytes with twelve characters.
        const EndedWith fits = run(definition, R"({"v":"123456789012"})", options);
        EXPECT_EQ(fits.how, EventType::kExecutionSucceeded) << fits.error;
        const EndedWith large = run(definition, R"({"v":"1234567890123"})", options);
        EXPECT_EQ(large.how, EventType::kExecutionFailed);
        EXPECT_EQ(large.error, "States.DataLimitExceeded");
    }
}

// Each branch assigns ten bytes at a time; what is assigned again, and what belonged to a branch
// that has ended, does not count.
TEST(Variables, OfAnExecutionAreLimitedTogether) {
    const std::string again =
        R"({"StartAt":"A","States":{"A":{"Type":"Pass","Assign":{"ab":"123456"},"Next":"B"},)"
        R"("B":{"Type":"Pass","Assign":{"ab":"654321"},"Next":"C"},)"
        R"("C":{"Type":"Pass","Assign":{"cd":"123456"},"End":true}}})";
    const std::string map =
        R"({"StartAt":"M","States":{"M":{"Type":"Map","MaxConcurrency":1,"End":true,"ItemProcessor":)"
        R"({"StartAt":"A","States":{"A":{"Type":"Pass","Assign":{"ab":"123456"},"End":true}}}}}})";
    LanguageOptions options;
    options.variables_bytes = 20;
    EXPECT_EQ(run(again, "{}", options).how, EventType::kExecutionSucceeded);
    EXPECT_EQ(run(map, "[1,2,3,4,5]", options).how, EventType::kExecutionSucceeded);
    options.variables_bytes = 19;
    const EndedWith large = run(again, "{}", options);
    EXPECT_EQ(large.how, EventType::kExecutionFailed);
    EXPECT_EQ(large.error, "States.DataLimitExceeded");
}

TEST(Limits, AnExecutionEndsInTheEnd) {
    LanguageOptions options;
    const std::string waits =
        R"({"StartAt":"W","States":{"W":{"Type":"Wait","Seconds":50000000,"End":true}}})";
    const EndedWith year = run(waits, "{}", options);
    EXPECT_EQ(year.how, EventType::kExecutionTimedOut);
    EXPECT_EQ(year.error, "States.Timeout");
    EXPECT_EQ(year.after, std::chrono::hours(24 * 365));
    options.execution_s = 60'000'000;
    EXPECT_EQ(run(waits, "{}", options).how, EventType::kExecutionSucceeded);
    options.execution_s = 30;
    EXPECT_EQ(run(waits, "{}", options).after, std::chrono::seconds(30));
}

TEST(Limits, IterationsOfAnInlineMapAtATime) {
    const std::string map =
        R"({"StartAt":"M","States":{"M":{"Type":"Map","End":true,"ItemProcessor":{"StartAt":"W",)"
        R"("States":{"W":{"Type":"Wait","Seconds":1,"End":true}}}}}})";
    std::string items = "[0";
    for (int i = 1; i < 100; ++i) items += ",0";
    items += "]";
    LanguageOptions options;
    EXPECT_EQ(run(map, items, options).after, std::chrono::seconds(3));  // 40, 40 and 20
    options.map_iterations = 100;
    EXPECT_EQ(run(map, items, options).after, std::chrono::seconds(1));
    options.map_iterations = 10;
    EXPECT_EQ(run(map, items, options).after, std::chrono::seconds(10));
}

}  // namespace
}  // namespace tandem::asl::testing
