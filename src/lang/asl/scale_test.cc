// Work grows with the number of items, not with its square: four times the items may cost at most
// eight times as much (the ratio keeps the test independent of the machine's speed).
#include <gtest/gtest.h>

#include <ctime>

#include "lang/asl/testing/simulation.h"

namespace tandem::asl::testing {
namespace {

constexpr const char* kTask =
    R"("Type":"Task","Resource":"arn:aws:lambda:us-east-1:123456789012:function:f","End":true)";

double processor_seconds() { return double(std::clock()) / CLOCKS_PER_SEC; }

struct Measured {
    double seconds = 0;
    size_t answered = 0;
    EventType last{};
};

Measured run(const std::string& definition, const std::string& input) {
    LanguageOptions options;
    options.history_events = 1'000'000;
    const auto language = make_language(options);
    const auto program = language->compile(definition);
    EXPECT_TRUE(program);
    Simulation simulation(*language, *program);
    simulation.set_checks_each_input(false);
    Measured measured;
    const double before = processor_seconds();
    simulation.start(input, "{}");
    simulation.run([&](const Action&) { return ++measured.answered, succeed_with("1"); });
    measured.seconds = processor_seconds() - before;
    measured.last = simulation.events().back().type;
    simulation.check_laws();
    EXPECT_EQ(simulation.broken_law(), "");
    return measured;
}

Measured run_map(size_t items) {
    std::string input = "[";
    for (size_t i = 0; i < items; ++i) input += (i ? "," : "") + std::to_string(i);
    const std::string definition =
        std::string(R"({"StartAt":"M","States":{"M":{"Type":"Map","End":true,)") +
        R"("ItemSelector":{"v.$":"$$.Map.Item.Value","i.$":"$$.Map.Item.Index"},)" +
        R"("ItemProcessor":{"StartAt":"T","States":{"T":{)" + kTask + "}}}}}}";
    return run(definition, input + "]");
}

TEST(Scale, MapOfTenThousandItems) {
    const Measured small = run_map(2'500);
    const Measured large = run_map(10'000);
    EXPECT_EQ(large.answered, 10'000u);
    EXPECT_EQ(large.last, EventType::kExecutionSucceeded);
    EXPECT_LT(large.seconds, 8 * small.seconds + 0.2);
    printf("map: 2,500 items %.3f s, 10,000 items %.3f s\n", small.seconds, large.seconds);
}

TEST(Scale, ParallelOfEightyBranches) {
    std::string branches;
    for (int i = 0; i < 80; ++i) {
        branches += std::string(i ? "," : "") + R"({"StartAt":"t)" + std::to_string(i) +
                    R"(","States":{"t)" + std::to_string(i) + "\":{" + kTask + "}}}";
    }
    const Measured measured =
        run(R"({"StartAt":"P","States":{"P":{"Type":"Parallel","End":true,"Branches":[)" +
                branches + "]}}}",
            "{}");
    EXPECT_EQ(measured.answered, 80u);
    EXPECT_EQ(measured.last, EventType::kExecutionSucceeded);
}

TEST(Scale, AWaitingExecutionIsSmall) { EXPECT_LE(sizeof(Execution) + sizeof(Scope), 1024u); }

}  // namespace
}  // namespace tandem::asl::testing
