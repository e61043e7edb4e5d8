#include "lang/asl/data/template.h"

#include <gtest/gtest.h>

#include "json/member_order.h"

namespace tandem::asl {
namespace {

class NoEnvironment final : public Environment {
public:
    json::Value context(bool) override { return json::Value::object(); }
    const json::Value* variable(std::string_view) override { return nullptr; }
    Timestamp now() const override { return {}; }
    SplitMix64& random() override { return random_; }
    json::Budget& budget() override { return budget_; }

private:
    SplitMix64 random_{1};
    json::Budget budget_;
};

std::string rendered(std::string_view text, std::string_view data) {
    const auto compiled = Template::compile(*json::parse(text));
    if (!compiled) return compiled.error().message;
    NoEnvironment environment;
    const auto value = compiled->render(*json::parse(data), environment);
    return value ? json::print(*value) : *value.error().cause;
}

// The orders below are AWS's, from recordings.
TEST(Template, WritesComputedMembersAfterGivenOnesInTheOrderOfAHashMap) {
    EXPECT_EQ(rendered(R"({"Question.$":"$.q","Answer.$":"$.a"})", R"({"q":1,"a":2})"),
              R"({"Answer":2,"Question":1})");
    EXPECT_EQ(rendered(R"({"original_input.$":"$.v","iteration_input_value.$":"$.v",
                           "iteration_index.$":"$.v","from_input_constant.$":"$.v",
                           "constant_value":0})",
                       R"({"v":1})"),
              R"({"constant_value":0,"iteration_input_value":1,"from_input_constant":1,)"
              R"("iteration_index":1,"original_input":1})");
    EXPECT_EQ(rendered(R"({"Id.$":"$.v","Payload":{"b":1,"a.$":"$.v"}})", R"({"v":1})"),
              R"({"Payload":{"b":1,"a":1},"Id":1})");
    EXPECT_EQ(rendered(R"({"b":1,"a":[{"d":2,"c":3}]})", "{}"), R"({"b":1,"a":[{"d":2,"c":3}]})");
}

TEST(Template, KeepsTheOrderOfAHashMapThatGrew) {
    const std::vector<std::string> names = {
        "context_object",    "execution",         "execution_id",        "execution_input",
        "execution_name",    "execution_rolearn", "execution_starttime", "state",
        "state_enteredtime", "state_name",        "statemachine",        "statemachine_id",
        "statemachine_name"};
    std::string order;
    for (const size_t i : json::hash_map_order(names)) order += names[i] + " ";
    EXPECT_EQ(order,
              "execution execution_rolearn execution_name statemachine_id execution_id "
              "execution_input execution_starttime state_name state_enteredtime statemachine "
              "state context_object statemachine_name ");
}

}  // namespace
}  // namespace tandem::asl
