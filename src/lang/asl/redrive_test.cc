// What a redrive goes on from, and when there is none. Histories are in tests/golden/asl/redrive_*;
// that the laws hold over redrives of random machines is in law_test.cc.
#include <gtest/gtest.h>

#include "lang/asl/testing/simulation.h"

namespace tandem::asl::testing {
namespace {

using std::chrono::seconds;

constexpr const char* kWaitsForever =
    R"({"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:123456789012:function:f","End":true}}})";

constexpr const char* kLoop =
    R"({"StartAt":"A","States":{"A":{"Type":"Pass","Next":"B"},"B":{"Type":"Pass","Next":"A"}}})";

class Redrive : public ::testing::Test {
protected:
    Simulation& begin(const std::string& definition, LanguageOptions options = {}) {
        language_ = make_language(options);
        auto program = language_->compile(definition);
        EXPECT_TRUE(program) << program.error().message;
        simulation_.emplace(*language_, *program);
        simulation_->start("{}", R"({"Execution":{"RedriveCount":0}})");
        return *simulation_;
    }
    void feed(InputType type, std::string token = {}) {
        Input input;
        input.type = type;
        input.attributes = Payload(std::move(token));
        simulation_->feed(std::move(input));
        EXPECT_EQ(simulation_->broken_law(), "");
    }
    EventType last() const { return simulation_->events().back().type; }

    std::unique_ptr<Language> language_;
    std::optional<Simulation> simulation_;
};

std::optional<TaskResult> succeed(const Action&) { return succeed_with("1"); }

TEST_F(Redrive, AnAbortedExecutionGoesOn) {
    Simulation& s = begin(kWaitsForever);
    feed(InputType::kStop);
    EXPECT_TRUE(s.open().empty());
    feed(InputType::kRedrive, "token");
    const Event& redriven = s.events()[s.events().size() - 2];
    EXPECT_EQ(redriven.type, EventType::kExecutionRedriven);
    EXPECT_EQ(redriven.name, "token");
    EXPECT_EQ(redriven.index, 1u);
    EXPECT_EQ(redriven.previous_id, redriven.id - 1);
    EXPECT_EQ(s.open().size(), 1u);
    s.run(succeed);
    EXPECT_EQ(last(), EventType::kExecutionSucceeded);
}

TEST_F(Redrive, TheTimeOfTheWholeExecutionStartsAgain) {
    Simulation& s = begin(
        R"({"StartAt":"A","TimeoutSeconds":10,"States":{"A":{"Type":"Wait","Seconds":8,"Next":"B"},)"
        R"("B":{"Type":"Wait","Seconds":8,"End":true}}})");
    s.run(succeed);
    EXPECT_EQ(last(), EventType::kExecutionTimedOut);
    feed(InputType::kRedrive);
    EXPECT_EQ(s.execution().deadline(), s.now() + seconds(10));
    s.run(succeed);
    EXPECT_EQ(last(), EventType::kExecutionSucceeded);
}

TEST_F(Redrive, NothingOfARunningSucceededOrFullExecution) {
    Simulation& s = begin(kWaitsForever);
    const size_t before = s.events().size();
    feed(InputType::kRedrive);
    EXPECT_EQ(s.events().size(), before);
    s.run(succeed);
    EXPECT_EQ(last(), EventType::kExecutionSucceeded);
    feed(InputType::kRedrive);
    EXPECT_EQ(last(), EventType::kExecutionSucceeded);

    LanguageOptions options;
    options.history_events = 20;
    begin(kLoop, options);
    feed(InputType::kRedrive);
    EXPECT_EQ(last(), EventType::kExecutionFailed);
}

TEST_F(Redrive, AFullHistoryGetsRoomLater) {
    const auto can_go_on = [&](size_t room, Phase stopped_in) {
        LanguageOptions options;
        options.history_events = room;
        Simulation& s = begin(kLoop, options);
        EXPECT_EQ(s.execution().last_id(), room);
        EXPECT_EQ(s.execution().find(0)->phase, stopped_in);
        language_ = make_language();
        const auto program = language_->compile(kLoop);
        const auto state = language_->initial(**program);
        for (const Event& event : s.events()) language_->evolve(**program, *state, event);
        Input input;
        input.type = InputType::kRedrive;
        return !language_->decide(**program, *state, input).events.empty();
    };
    EXPECT_TRUE(can_go_on(21, Phase::kEntered));
    // Between two states it is not recorded which one was to come.
    EXPECT_FALSE(can_go_on(20, Phase::kBetween));
}

TEST_F(Redrive, AWaitUntilATimeThatHasPassedEndsAtOnce) {
    Simulation& s = begin(
        R"({"StartAt":"A","States":{"A":{"Type":"Wait","Timestamp":"2033-01-01T00:00:00Z","End":true}}})");
    feed(InputType::kStop);
    s.set_now(from_millis(2'000'000'000'000));
    feed(InputType::kRedrive);
    s.run(succeed);
    EXPECT_EQ(last(), EventType::kExecutionSucceeded);
    EXPECT_EQ(s.now(), from_millis(2'000'000'000'000));
}

TEST_F(Redrive, TheContextObjectSaysSo) {
    Simulation& s = begin(
        R"({"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:123456789012:function:f",)"
        R"("Parameters":{"e.$":"$$.Execution"},"End":true}}})");
    EXPECT_EQ(s.open().begin()->second.payload.str(), R"({"e":{"Input":{},"RedriveCount":0}})");
    for (int i = 0; i < 2; ++i) {
        feed(InputType::kStop);
        feed(InputType::kRedrive);
    }
    EXPECT_EQ(s.open().begin()->second.payload.str(),
              R"({"e":{"Input":{},"RedriveCount":2,"RedriveTime":"2023-11-14T22:13:20.000Z"}})");
}

TEST_F(Redrive, AMapGoesOnWithTheItemThatCouldNotBegin) {
    Simulation& s = begin(
        R"({"StartAt":"M","States":{"M":{"Type":"Map","End":true,"MaxConcurrency":1,)"
        R"("ItemsPath":"$$.Execution.RedriveCount","ItemProcessor":{"StartAt":"I","States":{"I":{"Type":"Pass","End":true}}}}}})");
    EXPECT_EQ(s.events().back().error, "States.Runtime");
    feed(InputType::kRedrive);
    EXPECT_EQ(s.events().back().error, "States.Runtime");
}

}  // namespace
}  // namespace tandem::asl::testing
