#include <gtest/gtest.h>

#include <cstdlib>

#include "base/log.h"
#include "engine/planted.h"
#include "sim/checks.h"
#include "sim/disk.h"
#include "sim/simulator.h"

namespace tandem::sim {
namespace {

constexpr uint64_t kSeedsToFind = 40;  // a planted bug must show within so many

std::filesystem::path scenarios() {
    const char* root = std::getenv("TANDEM_SOURCE_DIR");
    return std::filesystem::path(root != nullptr ? root : ".") / "src/sim/scenarios";
}

Scenario scenario(const std::string& name) {
    auto read = read_scenario(scenarios() / (name + ".toml"));
    EXPECT_TRUE(read.has_value()) << name << ": " << (read ? "" : read.error().message);
    return read ? *read : Scenario{};
}

class SimTest : public testing::Test {
protected:
    void SetUp() override { configure_log(LogLevel::kOff, LogFormat::kText); }
    void TearDown() override {
        planted_bug = PlantedBug::kNone;
        configure_log(LogLevel::kInfo, LogFormat::kText);
    }

    /// What the simulator says of the planted bug, in the first seed that shows it.
    std::string find(const std::string& name, const RunOptions& options = {}) {
        const Scenario plan = scenario(name);
        for (uint64_t seed = 1; seed <= kSeedsToFind; ++seed) {
            const RunResult result = run(plan, seed, options);
            if (!result.violation.empty()) return result.violation;
        }
        return "nothing";
    }
};

TEST_F(SimTest, NothingBreaksUnderAnyScenario) {
    const uint64_t seeds = std::getenv("TANDEM_SANITIZED") != nullptr ? 1 : 3;
    for (const auto& file : std::filesystem::directory_iterator(scenarios())) {
        const std::string name = file.path().stem();
        for (uint64_t seed = 1; seed <= seeds; ++seed) {
            const RunResult result = run(scenario(name), seed);
            EXPECT_EQ(result.violation, "")
                << "repeat: ./dev sim --scenario " << name << " --seed " << seed;
            EXPECT_GE(result.executions, 6u);
        }
    }
}

TEST_F(SimTest, ExpressExecutionsEndByThemselvesToo) {
    const RunResult result = run(scenario("express"), 5);
    EXPECT_EQ(result.violation, "");
    EXPECT_GT(result.express, result.executions / 4);
}

TEST_F(SimTest, ExecutionsAreRedriven) {
    const RunResult result = run(scenario("redrives"), 5);
    EXPECT_EQ(result.violation, "");
    EXPECT_GT(result.redrives, result.executions / 4);
}

TEST_F(SimTest, TasksAreAnsweredLater) {
    const RunResult result = run(scenario("later"), 5);
    EXPECT_EQ(result.violation, "");
    EXPECT_GT(result.tokens, 20u);
    EXPECT_GT(result.children, 10u);
}

TEST_F(SimTest, MapRunsBeginChildren) {
    const RunResult result = run(scenario("map_runs"), 5);
    EXPECT_EQ(result.violation, "");
    EXPECT_GT(result.children, 50u);
}

TEST_F(SimTest, EqualSeedsGiveEqualRuns) {
    for (const char* name : {"crashes", "workers", "express", "later", "map_runs"}) {
        const RunResult first = run(scenario(name), 77), second = run(scenario(name), 77),
                        other = run(scenario(name), 78);
        EXPECT_EQ(first.fingerprint, second.fingerprint);
        EXPECT_EQ(first.steps, second.steps);
        EXPECT_NE(first.fingerprint, other.fingerprint);
    }
}

TEST_F(SimTest, FindsActingBeforeTheRecord) {
    planted_bug = PlantedBug::kActBeforeRecord;
    EXPECT_NE(find("calm").find("before its record was durable"), std::string::npos);
}

TEST_F(SimTest, FindsALostWakeup) {
    planted_bug = PlantedBug::kLostWakeup;
    const std::string found = find("calm");
    EXPECT_TRUE(found.find("never ended") != std::string::npos ||
                found.find("come to rest") != std::string::npos)
        << found;
}

TEST_F(SimTest, FindsADoubleApply) {
    planted_bug = PlantedBug::kDoubleApply;
    const std::string found = find("calm");
    EXPECT_TRUE(found.find("twice") != std::string::npos ||
                found.find("history changed") != std::string::npos)
        << found;
}

TEST_F(SimTest, FindsAnEarlyTimer) {
    planted_bug = PlantedBug::kEarlyTimer;
    EXPECT_NE(find("calm").find("from the future"), std::string::npos);
}

TEST_F(SimTest, FindsARedriveThatIsDoneTwice) {
    planted_bug = PlantedBug::kForgottenToken;
    EXPECT_NE(find("redrives").find("done twice"), std::string::npos);
}

TEST_F(SimTest, FindsATaskThatTwoWorkersGot) {
    planted_bug = PlantedBug::kHandedTwice;
    EXPECT_NE(find("later").find("handed to two workers"), std::string::npos);
}

TEST_F(SimTest, FindsAChildThatIsNotStopped) {
    planted_bug = PlantedBug::kLostStop;
    EXPECT_NE(find("later").find("without its parent"), std::string::npos);
}

TEST_F(SimTest, FindsAMapRunThatDoesNotHearOfItsChildren) {
    planted_bug = PlantedBug::kLostWatch;
    const std::string found = find("map_runs");
    EXPECT_TRUE(found.find("did not hear of its child's end") != std::string::npos ||
                found.find("never ended") != std::string::npos ||
                found.find("States.Timeout instead of") != std::string::npos)
        << found;
}

TEST_F(SimTest, FindsATornRecordThatIsAccepted) {
    RunOptions options;
    options.accepts_torn_records = true;
    EXPECT_NE(find("crashes", options), "nothing");
}

TEST(Scenario, RefusesWhatItDoesNotKnow) {
    EXPECT_TRUE(
        parse_scenario("x", "[workload]\nexecutions = 3\n[faults]\ncrash = 0.5\n").has_value());
    for (const char* bad : {"[faults]\ncrush = 1.0\n", "[workload]\nexecutions = \"many\"\n",
                            "[workload\n", "[workload]\nitems = 2\n", "[server]\nshards = 0\n",
                            "[servers]\nshards = 1\n", "[faults]\nmailbox = 16\n"}) {
        EXPECT_FALSE(parse_scenario("x", bad).has_value()) << bad;
    }
}

TEST(Disk, KeepsWhatWasSyncedAndDropsTornTails) {
    Disk disk(1);
    {
        auto rows = disk.open().value();
        ASSERT_TRUE(rows->commit({{"a", "1"}, {"b", "2"}}).has_value());
        disk.next_fault = AppendFault::kCrashUnsynced;
        EXPECT_THROW((void)rows->commit({{"a", std::nullopt}, {"c", std::string(1000, 'c')}}),
                     Crash);
    }
    disk.lose_power();
    auto rows = disk.open().value();
    const bool survived = rows->get("c").value().has_value();
    EXPECT_EQ(rows->get("a").value().has_value(), !survived);  // whole or not at all
    EXPECT_EQ(rows->get("b").value(), "2");
}

TEST(Checks, SeeWhatIsWrong) {
    const auto event = [](uint64_t seq, EventType type, int64_t at_s) {
        Event e;
        e.seq = e.id = seq;
        e.previous_id = seq - 1;
        e.type = type;
        e.time = from_millis(at_s * 1000);
        return e;
    };
    std::vector<Event> events = {event(1, EventType::kExecutionStarted, 1),
                                 event(2, EventType::kTaskScheduled, 2)};
    EXPECT_EQ(check_history(events, from_millis(5000)), "");
    EXPECT_NE(check_history(events, from_millis(1500)).find("future"), std::string::npos);
    events.push_back(event(3, EventType::kTaskSucceeded, 3));
    events.back().ref = 2;
    EXPECT_EQ(check_history(events, from_millis(5000)), "");
    events.push_back(event(4, EventType::kTaskSucceeded, 3));
    events.back().ref = 2;
    EXPECT_NE(check_history(events, from_millis(5000)).find("answered twice"), std::string::npos);
    events.back() = event(5, EventType::kStateExited, 3);
    EXPECT_NE(check_history(events, from_millis(5000)).find("gap"), std::string::npos);
    events.back() = event(4, EventType::kExecutionSucceeded, 3);
    events.push_back(event(5, EventType::kExecutionFailed, 3));
    EXPECT_NE(check_history(events, from_millis(5000)).find("after the end"), std::string::npos);
    Event wait = event(2, EventType::kWaitSet, 2);
    wait.id = 0;
    wait.due = from_millis(10'000);
    Event exited = event(3, EventType::kStateExited, 9);
    exited.id = 2;
    exited.previous_id = 1;
    EXPECT_NE(check_history({events[0], wait, exited}, from_millis(50'000)).find("early"),
              std::string::npos);
}

TEST(Checks, SeeWhatIsWrongWithARedrive) {
    std::vector<Event> events;
    const auto add = [&](EventType type, uint64_t previous, uint32_t scope = 0) -> Event& {
        Event& e = events.emplace_back();
        e.seq = e.id = events.size();
        e.previous_id = previous;
        e.type = type;
        e.scope = scope;
        e.time = from_millis(1000);
        return e;
    };
    const auto wrong = [&] { return check_history(events, from_millis(5000)); };
    add(EventType::kExecutionStarted, 0);
    add(EventType::kStateStarted, 0);
    add(EventType::kStateEntered, 2, 1);
    add(EventType::kTaskScheduled, 3, 1);
    add(EventType::kStateEntered, 2, 2);
    add(EventType::kExecutionAborted, 0);
    Event& redriven = add(EventType::kExecutionRedriven, 6);
    redriven.index = 2;
    EXPECT_NE(wrong().find("counted"), std::string::npos);
    redriven.index = 1;
    redriven.name = "t";
    EXPECT_EQ(wrong(), "");
    add(EventType::kTaskScheduled, 4, 1);
    EXPECT_EQ(wrong(), "");
    events.back().previous_id = 7;
    EXPECT_NE(wrong().find("a redrive"), std::string::npos);
    events.back().previous_id = 5;
    EXPECT_NE(wrong().find("another branch's"), std::string::npos);
    events.pop_back();
    Event& exited = add(EventType::kStateExited, 4, 1);
    exited.index = 1;
    add(EventType::kStateEntered, 8, 1);
    EXPECT_NE(wrong().find("done"), std::string::npos);
    events.pop_back();
    add(EventType::kExecutionFailed, 8);
    add(EventType::kExecutionRedriven, 9).index = 2;
    EXPECT_EQ(wrong(), "");
    events.back().name = "t";
    EXPECT_NE(wrong().find("done twice"), std::string::npos);
    events.back().time = from_millis(1000 + 901'000);
    EXPECT_EQ(check_history(events, from_millis(2'000'000)), "");
    add(EventType::kExecutionSucceeded, 8).time = events[9].time;
    add(EventType::kExecutionRedriven, 11).index = 3;
    events.back().time = events[9].time;
    EXPECT_NE(check_history(events, from_millis(2'000'000)).find("succeeded"), std::string::npos);
}

}  // namespace
}  // namespace tandem::sim
