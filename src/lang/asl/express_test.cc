// What differs in an Express workflow: it ends after kExpressSeconds at the latest, and no number
// of events ends it.
#include <gtest/gtest.h>

#include "base/limits.h"
#include "lang/asl/testing/simulation.h"

namespace tandem::asl::testing {
namespace {

constexpr const char* kHour =
    R"("StartAt":"W","States":{"W":{"Type":"Wait","Seconds":3600,"End":true}}})";

struct Ended {
    EventType how;
    std::string error;
    Duration after;
};

Ended run(const std::string& definition, WorkflowType type, LanguageOptions options = {}) {
    const auto language = make_language(options, type);
    const auto program = language->compile(definition);
    EXPECT_TRUE(program) << program.error().message;
    Simulation simulation(*language, *program);
    simulation.set_checks_each_input(false);
    simulation.start("{}", "{}");
    simulation.run([](const Action&) { return std::nullopt; });
    EXPECT_EQ(simulation.broken_law(), "");
    const Event& last = simulation.events().back();
    return {last.type, last.error.value_or(""), last.time - simulation.events().front().time};
}

TEST(Express, EndsAfterFiveMinutesAtTheLatest) {
    const Ended plain = run(std::string("{") + kHour, WorkflowType::kExpress);
    EXPECT_EQ(plain.how, EventType::kExecutionTimedOut);
    EXPECT_EQ(plain.error, "States.Timeout");
    EXPECT_EQ(plain.after, std::chrono::seconds(kExpressSeconds));
    const Ended sooner =
        run(std::string(R"({"TimeoutSeconds":7,)") + kHour, WorkflowType::kExpress);
    EXPECT_EQ(sooner.how, EventType::kExecutionTimedOut);
    EXPECT_EQ(sooner.after, std::chrono::seconds(7));
    const Ended later =
        run(std::string(R"({"TimeoutSeconds":9000,)") + kHour, WorkflowType::kExpress);
    EXPECT_EQ(later.after, std::chrono::seconds(kExpressSeconds));
    const Ended standard = run(std::string("{") + kHour, WorkflowType::kStandard);
    EXPECT_EQ(standard.how, EventType::kExecutionSucceeded);
}

TEST(Express, EventsAreNotCounted) {
    std::string items = "[";
    for (int i = 0; i < 100; ++i) items += (i ? ",1" : "1");
    const std::string definition =
        R"({"StartAt":"I","States":{"I":{"Type":"Pass","Result":)" + items +
        R"(],"Next":"M"},"M":{"Type":"Map","End":true,"ItemProcessor":{"StartAt":"P",)" +
        R"("States":{"P":{"Type":"Pass","End":true}}}}}})";
    LanguageOptions options;
    options.history_events = 200;
    EXPECT_EQ(run(definition, WorkflowType::kStandard, options).how, EventType::kExecutionFailed);
    EXPECT_EQ(run(definition, WorkflowType::kExpress, options).how, EventType::kExecutionSucceeded);
}

}  // namespace
}  // namespace tandem::asl::testing
