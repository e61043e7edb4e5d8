#include <gtest/gtest.h>

#include "base/rng.h"
#include "json/value.h"
#include "lang/job/language.h"
#include "lang/job/terms.h"

namespace tandem::job {
namespace {

class JobTest : public testing::Test {
protected:
    Decision start(const char* parameters) {
        Input input;
        input.type = InputType::kStart;
        input.data = Payload(parameters);
        return apply(input);
    }
    Decision answer(TaskOutcome outcome, const std::string& payload) {
        Input input;
        input.type = InputType::kTaskCompleted;
        input.task = task_;
        input.result.outcome = outcome;
        input.result.payload = Payload(payload);
        input.result.error = outcome == TaskOutcome::kSucceeded ? "" : "Slurm.Unavailable";
        return apply(input);
    }
    Decision submitted() { return answer(TaskOutcome::kSucceeded, R"({"JobId":7})"); }
    Decision report(const std::string& payload) { return answer(TaskOutcome::kSucceeded, payload); }
    Decision timer() {
        Input input;
        return apply(input);
    }
    /// Decides and checks the laws: the fold of all events is the state, and what is pending is
    /// what was issued and not answered, word by word.
    Decision apply(Input input) {
        input.now = now_;
        Decision d = language_->decide(*program_, *state_, input);
        if (input.type == InputType::kTaskCompleted && input.task == task_) task_ = 0;
        for (const Event& e : d.events) log_.push_back(e);
        for (const Action& a : d.actions) {
            if (a.type != ActionType::kRunTask) continue;
            task_ = a.task;
            issued_ = a;
        }
        if (!state_->is_open()) task_ = 0;
        auto folded = language_->initial(*program_);
        for (const Event& e : log_) language_->evolve(*program_, *folded, e);
        EXPECT_EQ(folded->is_open(), state_->is_open());
        EXPECT_EQ(folded->next_due(), state_->next_due());
        EXPECT_EQ(folded->last_seq(), state_->last_seq());
        const auto owed = language_->pending(*program_, *folded);
        EXPECT_EQ(owed.size(), task_ != 0 ? 1u : 0u);
        if (owed.size() == 1) {
            EXPECT_EQ(owed[0], issued_);
        }
        return d;
    }
    json::Value context() { return *json::parse(issued_.client_context.view()); }
    json::Value output() { return *json::parse(log_.back().output.view()); }

    std::unique_ptr<Language> language_ = make_language();
    std::shared_ptr<const Program> program_ = *language_->compile("");
    std::unique_ptr<State> state_ = language_->initial(*program_);
    std::vector<Event> log_;
    TaskId task_ = 0;
    Action issued_;
    Timestamp now_ = from_millis(1'700'000'000'000);
};

TEST_F(JobTest, IsSubmittedAndAwaitedOnce) {
    start(R"({"Name":"n","Command":["true"]})");
    EXPECT_EQ(issued_.target.name, "slurm:submit");
    EXPECT_EQ(issued_.payload.view(), R"({"Name":"n","Command":["true"]})");
    EXPECT_EQ(context(), *json::parse(R"({"Attempt":1,"Indices":"0"})"));
    submitted();
    EXPECT_EQ(issued_.target.name, "slurm:await");
    EXPECT_EQ(context(), *json::parse(R"({"Attempt":1,"Indices":"0","Submitted":{"JobId":7}})"));
    report(R"({"Status":"SUCCEEDED","Started":true,"ExitCode":0,"Result":{"x":1}})");
    ASSERT_EQ(log_.back().type, EventType::kExecutionSucceeded);
    EXPECT_EQ(output().string_or("Status", ""), "SUCCEEDED");
    EXPECT_EQ(output().find("Result")->int_or("x", 0), 1);
    EXPECT_EQ(output().find("Attempts")->as_array().size(), 1u);
}

TEST_F(JobTest, RunsAgainAsOftenAsTheStrategySays) {
    start(R"({"Name":"n","RetryStrategy":{"Attempts":2}})");
    submitted();
    report(R"({"Status":"FAILED","Started":true,"ExitCode":3,"Error":"Slurm.JobFailed"})");
    EXPECT_EQ(issued_.target.name, "slurm:submit");
    EXPECT_EQ(context().int_or("Attempt", 0), 2);
    submitted();
    report(R"({"Status":"FAILED","Started":true,"ExitCode":4,"Error":"Slurm.JobFailed"})");
    ASSERT_EQ(log_.back().type, EventType::kExecutionFailed);
    EXPECT_EQ(log_.back().error, "Slurm.JobFailed");
    const auto detail = *json::parse(*log_.back().cause);
    EXPECT_EQ(detail.int_or("ExitCode", 0), 4);
    EXPECT_EQ(detail.find("Attempts")->as_array().size(), 2u);
}

TEST_F(JobTest, RulesDecideByExitCodeAndReason) {
    const char* parameters = R"({"Name":"n","RetryStrategy":{"Attempts":5,"EvaluateOnExit":[
        {"OnExitCode":"7*","Action":"RETRY"},{"OnStatusReason":"Node*","Action":"retry"},
        {"OnExitCode":"*","Action":"EXIT"}]}})";
    start(parameters);
    submitted();
    report(R"({"Status":"FAILED","ExitCode":75,"Error":"E"})");
    EXPECT_TRUE(state_->is_open());
    submitted();
    report(R"({"Status":"LOST","Started":true,"StatusReason":"node gone","Error":"E"})");
    EXPECT_TRUE(state_->is_open());
    submitted();
    report(R"({"Status":"FAILED","ExitCode":1,"Error":"E"})");
    EXPECT_FALSE(state_->is_open());
}

TEST_F(JobTest, WhatWasCancelledIsNotTriedAgain) {
    start(R"({"Name":"n","RetryStrategy":{"Attempts":5}})");
    submitted();
    report(R"({"Status":"CANCELLED","Started":true,"Error":"Slurm.JobCancelled"})");
    EXPECT_EQ(log_.back().error, "Slurm.JobCancelled");
}

TEST_F(JobTest, WhatWasLostBeforeItBeganDoesNotCountButHasAnEnd) {
    start(R"({"Name":"n"})");
    for (int64_t lost = 1; lost <= kLostInARow; ++lost) {
        submitted();
        report(R"({"Status":"LOST","Started":false,"Error":"Slurm.JobLost"})");
        ASSERT_TRUE(state_->is_open()) << lost;
        EXPECT_EQ(context().int_or("Attempt", 0), lost + 1);
    }
    submitted();
    report(R"({"Status":"LOST","Started":false,"Error":"Slurm.JobLost"})");
    EXPECT_EQ(log_.back().error, "Slurm.JobLost");
}

TEST_F(JobTest, OnlyTheIndicesThatFailedRunAgain) {
    start(R"({"Name":"n","Array":{"Size":6},"RetryStrategy":{"Attempts":2}})");
    EXPECT_EQ(context().string_or("Indices", ""), "0-5");
    submitted();
    report(R"({"Status":"FAILED","Started":true,"Error":"E","Indices":[
        {"Index":0,"Status":"SUCCEEDED","ExitCode":0},{"Index":1,"Status":"FAILED","Error":"E"},
        {"Index":2,"Status":"LOST","Started":false,"Error":"E"},{"Index":3,"Status":"FAILED"},
        {"Index":4,"Status":"SUCCEEDED"},{"Index":5,"Status":"SUCCEEDED"}]})");
    EXPECT_EQ(context().string_or("Indices", ""), "1-3");
    submitted();
    report(R"({"Status":"FAILED","Started":true,"Error":"E","Indices":[
        {"Index":1,"Status":"SUCCEEDED"},{"Index":2,"Status":"FAILED","Error":"E"},
        {"Index":3,"Status":"FAILED","Error":"Third","StatusReason":"r"}]})");
    EXPECT_EQ(context().string_or("Indices", ""), "2") << "the lost one has a try left";
    submitted();
    report(R"({"Status":"SUCCEEDED","Indices":[{"Index":2,"Status":"SUCCEEDED"}]})");
    ASSERT_EQ(log_.back().type, EventType::kExecutionFailed);
    EXPECT_EQ(log_.back().error, "Third");
    const auto detail = *json::parse(*log_.back().cause);
    const auto* array = detail.find("ArrayProperties");
    EXPECT_EQ(array->find("StatusSummary")->int_or("SUCCEEDED", 0), 5);
    EXPECT_EQ(array->find("StatusSummary")->int_or("FAILED", 0), 1);
    EXPECT_EQ(array->find("Indices")->as_array().size(), 6u);
}

TEST_F(JobTest, IndicesThatEndedAlikeAreToldInGroups) {
    start(R"({"Name":"n","Array":{"Size":3000},"RetryStrategy":{"Attempts":2}})");
    submitted();
    report(R"({"Status":"FAILED","Started":true,"Error":"E","Indices":[
        {"Index":7,"Status":"FAILED","Started":true,"Error":"E","ExitCode":3}],"Groups":[
        {"Indices":"0-6,8-2000","Status":"SUCCEEDED","Started":true,"ExitCode":0},
        {"Indices":"2001-9999","Status":"FAILED","Started":true,"Error":"E","ExitCode":4}]})");
    EXPECT_EQ(context().string_or("Indices", ""), "7,2001-2999");
    submitted();
    report(R"({"Status":"FAILED","Started":true,"Error":"E","Indices":[
        {"Index":7,"Status":"SUCCEEDED","Started":true,"Result":5}],"Groups":[
        {"Indices":"2001-2998","Status":"SUCCEEDED","Started":true,"ExitCode":0},
        {"Indices":"2999","Status":"FAILED","Started":true,"Error":"Last"}]})");
    ASSERT_EQ(log_.back().type, EventType::kExecutionFailed);
    EXPECT_EQ(log_.back().error, "Last");
    const auto detail = *json::parse(*log_.back().cause);
    const auto* array = detail.find("ArrayProperties");
    EXPECT_EQ(array->find("StatusSummary")->int_or("SUCCEEDED", 0), 2999);
    ASSERT_EQ(array->find("Indices")->as_array().size(), 1u);
    EXPECT_EQ(array->find("Indices")->as_array()[0].int_or("Result", 0), 5);
    std::map<std::string, std::string> groups;
    for (const json::Value& group : array->find("Groups")->as_array())
        groups[std::string(group.string_or("Status", ""))] = group.string_or("Indices", "");
    EXPECT_EQ(groups["SUCCEEDED"], "0-6,8-2998");
    EXPECT_EQ(groups["FAILED"], "2999");
}

TEST_F(JobTest, OfAwsBatchItTellsInItsWords) {
    const char* parameters = R"({"Name":"n","RetryStrategy":{"Attempts":2},"Batch":{"JobArn":"arn",
        "JobQueue":"main","Container":{"Command":["x"]},"Tags":{"a":"b"}}})";
    start(parameters);
    submitted();
    report(R"({"Status":"FAILED","Started":true,"ExitCode":3,"StatusReason":"r","Error":"E"})");
    submitted();
    report(R"({"Status":"SUCCEEDED","Started":true,"ExitCode":0,"Slurm":{"JobId":7}})");
    const json::Value told = output();
    EXPECT_EQ(told.string_or("JobArn", ""), "arn");
    EXPECT_EQ(told.string_or("Status", ""), "SUCCEEDED");
    EXPECT_EQ(told.find("Tags")->string_or("a", ""), "b");
    EXPECT_EQ(*told.find("Container"), *json::parse(R"({"Command":["x"],"ExitCode":0})"));
    EXPECT_EQ(
        *told.find("Attempts"),
        *json::parse(
            R"([{"Container":{"ExitCode":3},"StatusReason":"r"},{"Container":{"ExitCode":0}}])"));
}

TEST_F(JobTest, OfAwsBatchARefusalIsADescription) {
    start(R"({"Name":"n","Batch":{"JobArn":"arn"}})");
    answer(TaskOutcome::kFailed, "");
    const auto detail = *json::parse(*log_.back().cause);
    EXPECT_EQ(detail.string_or("Status", ""), "FAILED");
    EXPECT_EQ(detail.string_or("JobArn", ""), "arn");
}

TEST_F(JobTest, TheSameAttemptIsOfferedUntilSomebodyTakesIt) {
    start(R"({"Name":"n"})");
    for (int refused = 0; refused < 12; ++refused) {
        answer(TaskOutcome::kThrottled, "");
        ASSERT_NE(state_->next_due(), kNever);
        EXPECT_LE(state_->next_due() - now_, std::chrono::seconds(kSubmitAgainMost_s));
        EXPECT_TRUE(timer().events.empty()) << "not due yet";
        now_ = state_->next_due();
        timer();
        EXPECT_EQ(context().int_or("Attempt", 0), 1);
    }
    submitted();
    report(R"({"Status":"FAILED","Error":"E"})");
    EXPECT_FALSE(state_->is_open());
}

TEST_F(JobTest, ARefusalIsTheEnd) {
    start(R"({"Name":"n","RetryStrategy":{"Attempts":3}})");
    answer(TaskOutcome::kFailed, "");
    EXPECT_EQ(log_.back().type, EventType::kExecutionFailed);
}

TEST_F(JobTest, StopsOnRequest) {
    start(R"({"Name":"n"})");
    submitted();
    Input stop;
    stop.type = InputType::kStop;
    stop.error = "Why";
    const Decision d = apply(stop);
    ASSERT_EQ(d.actions.size(), 1u);
    EXPECT_EQ(d.actions[0].type, ActionType::kCancelTask);
    EXPECT_EQ(log_.back().type, EventType::kExecutionAborted);
    Input late;
    late.type = InputType::kTaskCompleted;
    late.task = d.actions[0].task;
    EXPECT_TRUE(apply(late).events.empty());
}

TEST_F(JobTest, LawsHoldForRandomAnswers) {
    const char* reports[] = {R"({"Status":"SUCCEEDED"})",
                             R"({"Status":"FAILED","ExitCode":1})",
                             R"({"Status":"LOST","Started":false})",
                             "nonsense",
                             "[]",
                             R"({"Indices":[{"Index":1,"Status":"SUCCEEDED"},{"Index":"x"},7]})"};
    for (uint64_t seed = 0; seed < 300; ++seed) {
        SplitMix64 rng(seed);
        state_ = language_->initial(*program_);
        log_.clear();
        task_ = 0;
        start(seed % 3 == 0   ? "{}"
              : seed % 3 == 1 ? R"({"Name":"n","Array":{"Size":3},"RetryStrategy":{"Attempts":3}})"
                              : "not json");
        for (int i = 0; i < 60 && state_->is_open(); ++i) {
            now_ += std::chrono::seconds(rng.next() % 100);
            if (task_ == 0 || rng.next() % 4 == 0) timer();
            else
                answer(rng.next() % 5 == 0 ? TaskOutcome::kThrottled : TaskOutcome::kSucceeded,
                       reports[rng.next() % std::size(reports)]);
        }
    }
}

TEST(Terms, IndicesAreWrittenAsRanges) {
    EXPECT_EQ(print_indices({}), "");
    EXPECT_EQ(print_indices({0}), "0");
    EXPECT_EQ(print_indices({0, 1, 2, 5, 7, 8}), "0-2,5,7-8");
}

}  // namespace
}  // namespace tandem::job
