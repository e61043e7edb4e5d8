// Every run of regressions.toml as a test of its name, and the form of that file.
#include <gtest/gtest.h>

#include <cstdlib>
#include <ostream>

#include "base/log.h"
#include "engine/planted.h"
#include "sim/simulator.h"

namespace tandem::sim {

void PrintTo(const Regression& known, std::ostream* out) {
    *out << known.scenario << " " << known.seed;
}

namespace {

std::filesystem::path source(const std::string& path) {
    const char* root = std::getenv("TANDEM_SOURCE_DIR");
    return std::filesystem::path(root != nullptr ? root : ".") / "src/sim" / path;
}

std::vector<Regression> regressions() {
    const auto all = read_regressions(source("regressions.toml"));
    return all ? *all : std::vector<Regression>();  // the test FileIsWellFormed says why
}

/// Sets the named bug of the engine, or that of the disk.
bool plant(const std::string& name, RunOptions& options) {
    options.accepts_torn_records = name == "torn record";
    if (options.accepts_torn_records) return true;
    const std::pair<const char*, PlantedBug> bugs[] = {
        {"", PlantedBug::kNone},
        {"act before record", PlantedBug::kActBeforeRecord},
        {"lost wakeup", PlantedBug::kLostWakeup},
        {"double apply", PlantedBug::kDoubleApply},
        {"early timer", PlantedBug::kEarlyTimer},
        {"forgotten token", PlantedBug::kForgottenToken},
        {"handed twice", PlantedBug::kHandedTwice},
        {"lost stop", PlantedBug::kLostStop}};
    for (const auto& [known, bug] : bugs) {
        if (name != known) continue;
        planted_bug = bug;
        return true;
    }
    return false;
}

class RegressionTest : public testing::TestWithParam<Regression> {
protected:
    void SetUp() override { configure_log(LogLevel::kOff, LogFormat::kText); }
    void TearDown() override {
        planted_bug = PlantedBug::kNone;
        configure_log(LogLevel::kInfo, LogFormat::kText);
    }
};

TEST_P(RegressionTest, DoesNotComeBack) {
    const Regression& known = GetParam();
    const auto scenario = read_scenario(source("scenarios/" + known.scenario + ".toml"));
    ASSERT_TRUE(scenario.has_value()) << scenario.error().message;
    EXPECT_EQ(run(*scenario, known.seed).violation, "")
        << "again: " << known.was << "\nrepeat: ./dev sim --scenario " << known.scenario
        << " --seed " << known.seed;
    if (known.planted.empty()) return;
    RunOptions options;
    ASSERT_TRUE(plant(known.planted, options)) << "there is no bug named " << known.planted;
    EXPECT_NE(run(*scenario, known.seed, options).violation, "")
        << "the seed does not find it any more: take another one";
}

INSTANTIATE_TEST_SUITE_P(Seeds, RegressionTest, testing::ValuesIn(regressions()),
                         [](const auto& of) { return of.param.name; });

TEST(Regressions, FileIsWellFormed) {
    const auto all = read_regressions(source("regressions.toml"));
    ASSERT_TRUE(all.has_value()) << all.error().message;
    EXPECT_FALSE(all->empty());
}

TEST(Regressions, FormIsChecked) {
    const auto two = parse_regressions(R"(
        [[run]]
        name = "a_1"
        scenario = "calm"
        seed = 7
        was = "lost"
        [[run]]
        name = "b"
        scenario = "clock"
        seed = 18446744073
        was = "late"
        planted = "early timer")");
    ASSERT_TRUE(two.has_value()) << two.error().message;
    ASSERT_EQ(two->size(), 2u);
    EXPECT_EQ(two->at(0).name, "a_1");
    EXPECT_EQ(two->at(0).seed, 7u);
    EXPECT_EQ(two->at(1).scenario, "clock");
    EXPECT_EQ(two->at(1).planted, "early timer");
    const std::string good = "[[run]]\nname='a'\nscenario='calm'\nseed=1\nwas='x'\n";
    ASSERT_TRUE(parse_regressions(good).has_value());
    for (const std::string& bad :
         {good + good, std::string("[run]\nname='a'\n"), good + "extra=1\n",
          std::string("[[run]]\nname='a b'\nscenario='calm'\nseed=1\nwas='x'\n"),
          std::string("[[run]]\nname='a'\nscenario='calm'\nwas='x'\n"),
          std::string("[[run]]\nname='a'\nscenario='calm'\nseed='1'\nwas='x'\n"),
          std::string("[[run]]\nname='a'\nseed=1\nwas='x'\n"),
          std::string("[[run]]\nname='a'\nscenario='calm'\nseed=1\n"), std::string("[[run\n")}) {
        EXPECT_FALSE(parse_regressions(bad).has_value()) << bad;
    }
}

}  // namespace
}  // namespace tandem::sim
