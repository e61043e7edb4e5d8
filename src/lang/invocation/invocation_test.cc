#include <gtest/gtest.h>

#include "base/rng.h"
#include "lang/invocation/language.h"

namespace tandem::invocation {
namespace {

class InvocationTest : public testing::Test {
protected:
    Decision start(
        const char* attributes =
            R"({"function":"f","qualifier":"","max_attempts":3,"retry_delays_s":[60,120],"max_age_s":21600})") {
        Input input;
        input.type = InputType::kStart;
        input.now = now_;
        input.data = Payload("{\"x\":1}");
        input.attributes = Payload(attributes);
        return apply(input);
    }
    Decision complete(TaskOutcome outcome) {
        Input input;
        input.type = InputType::kTaskCompleted;
        input.now = now_;
        input.task = task_;
        input.result.outcome = outcome;
        input.result.payload = Payload("\"r\"");
        return apply(input);
    }
    Decision timer() {
        Input input;
        input.type = InputType::kTimer;
        input.now = now_;
        return apply(input);
    }
    /// Decides and checks the laws: the fold of all events is the state, and what is pending is
    /// what was issued and not answered.
    Decision apply(const Input& input) {
        const TaskId answered = input.type == InputType::kTaskCompleted ? input.task : 0;
        Decision d = language_->decide(*program_, *state_, input);
        if (answered == task_) task_ = 0;
        for (const Event& e : d.events) log_.push_back(e);
        for (const Action& a : d.actions) {
            if (a.type == ActionType::kRunTask) task_ = a.task;
        }
        auto folded = language_->initial(*program_);
        for (const Event& e : log_) language_->evolve(*program_, *folded, e);
        EXPECT_EQ(folded->is_open(), state_->is_open());
        EXPECT_EQ(folded->next_due(), state_->next_due());
        EXPECT_EQ(folded->last_seq(), state_->last_seq());
        const auto owed = language_->pending(*program_, *folded);
        EXPECT_EQ(owed.size(), task_ != 0 ? 1u : 0u);
        if (!owed.empty()) {
            EXPECT_EQ(owed[0].task, task_);
            EXPECT_EQ(owed[0].payload.view(), "{\"x\":1}");
        }
        return d;
    }

    std::unique_ptr<Language> language_ = make_language();
    std::shared_ptr<const Program> program_ = *language_->compile("");
    std::unique_ptr<State> state_ = language_->initial(*program_);
    std::vector<Event> log_;
    TaskId task_ = 0;
    Timestamp now_ = from_millis(1'700'000'000'000);
};

TEST_F(InvocationTest, RunsOnceWhenItSucceeds) {
    const Decision d = start();
    ASSERT_EQ(d.actions.size(), 1u);
    EXPECT_EQ(d.actions[0].target.name, "f");
    complete(TaskOutcome::kSucceeded);
    EXPECT_FALSE(state_->is_open());
    EXPECT_EQ(log_.back().type, EventType::kExecutionSucceeded);
}

TEST_F(InvocationTest, RetriesTwiceThenFails) {
    start();
    complete(TaskOutcome::kFailed);
    EXPECT_EQ(state_->next_due(), now_ + std::chrono::seconds(60));
    EXPECT_TRUE(timer().events.empty()) << "not due yet";
    now_ = state_->next_due();
    timer();
    complete(TaskOutcome::kTimedOut);
    EXPECT_EQ(state_->next_due(), now_ + std::chrono::seconds(120));
    now_ = state_->next_due();
    timer();
    complete(TaskOutcome::kLost);
    EXPECT_FALSE(state_->is_open());
    EXPECT_EQ(log_.back().type, EventType::kExecutionFailed);
}

TEST_F(InvocationTest, ThrottlingDoesNotCountButEndsWithAge) {
    start();
    int rounds = 0;
    while (state_->is_open() && rounds < 1000) {
        complete(TaskOutcome::kThrottled);
        if (!state_->is_open()) break;
        EXPECT_LE(state_->next_due() - now_, std::chrono::seconds(300));
        now_ = state_->next_due();
        timer();
        ++rounds;
    }
    EXPECT_GT(rounds, 60);
    EXPECT_EQ(log_.back().type, EventType::kExecutionFailed);
    EXPECT_LE(now_ - log_.front().time, std::chrono::seconds(21'600));
}

TEST_F(InvocationTest, LateAnswersAreIgnored) {
    start();
    const TaskId first = task_;
    complete(TaskOutcome::kFailed);
    now_ = state_->next_due();
    timer();
    Input late;
    late.type = InputType::kTaskCompleted;
    late.now = now_;
    late.task = first;
    EXPECT_TRUE(language_->decide(*program_, *state_, late).events.empty());
}

TEST_F(InvocationTest, LawsHoldForRandomInputs) {
    for (uint64_t seed = 0; seed < 200; ++seed) {
        SplitMix64 rng(seed);
        state_ = language_->initial(*program_);
        log_.clear();
        task_ = 0;
        start(seed % 2 ? "{}" : "not json");
        for (int i = 0; i < 30 && state_->is_open(); ++i) {
            now_ += std::chrono::seconds(rng.next() % 200);
            if (rng.next() % 2) timer();
            else if (task_ != 0) complete(TaskOutcome(1 + rng.next() % 7));
        }
    }
}

TEST_F(InvocationTest, StopsOnRequest) {
    start();
    Input stop;
    stop.type = InputType::kStop;
    stop.now = now_;
    task_ = 0;
    const Decision d = apply(stop);
    EXPECT_EQ(d.actions.at(0).type, ActionType::kCancelTask);
    EXPECT_FALSE(state_->is_open());
}

}  // namespace
}  // namespace tandem::invocation
