// Map runs as a pure fold: facts and answers in, children and calls out. After every input the fold
// of all events must be the state, and what it owes must be what was issued and not answered.
#include <gtest/gtest.h>

#include <set>

#include "lang/asl/map_run/language.h"
#include "lang/asl/map_run/map_run.h"

namespace tandem::asl {
namespace {

constexpr const char* kDefinition = R"({"StartAt":"M","States":{
  "M":{"Type":"Map","End":true,"Label":"L","ItemProcessor":{
    "ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"STANDARD"},
    "StartAt":"P","States":{"P":{"Type":"Pass","End":true}}}},
  "S":{"Type":"Map","End":true,"ItemSelector":{"i.$":"$$.Map.Item.Index","v.$":"$$.Map.Item.Value",
    "d.$":"$.d","x.$":"$x","m.$":"$$.Execution.Name"},"ItemProcessor":{
    "ProcessorConfig":{"Mode":"DISTRIBUTED"},
    "StartAt":"Q","States":{"Q":{"Type":"Pass","End":true}}}},
  "J":{"Type":"Map","End":true,"QueryLanguage":"JSONata",
    "ItemSelector":"{% $states.context.Map.Item.Value + $states.input.d %}","ItemProcessor":{
    "ProcessorConfig":{"Mode":"DISTRIBUTED"},
    "StartAt":"R","States":{"R":{"Type":"Pass","End":true}}}}}})";

class MapRuns : public ::testing::Test {
protected:
    void start(const std::string& more, LanguageOptions options = {}) {
        language_ = make_map_run_language(options);
        auto program = language_->compile(kDefinition);
        ASSERT_TRUE(program) << program.error().message;
        program_ = *program;
        state_ = language_->initial(*program_);
        Input input;
        input.type = InputType::kStart;
        input.data = Payload(
            R"({"state":"M","machine":"m","label":"L","run":"r","parent":"states:m:e","place":"arn:",)"
            R"("express":false,"attributes":{"Execution":{"Id":"e","RoleArn":"role"}},)" +
            more + "}");
        feed(std::move(input));
        if (!waits_) enter();
    }
    /// There is a place for the run.
    void enter() {
        ASSERT_NE(call(), nullptr);
        ASSERT_EQ(call()->target.name, "map-run:enter");
        answer("{}");
    }
    void redrive(const std::string& token = {}) {
        send(InputType::kRedrive, token);
        if (run().waits_to_enter()) enter();
    }
    MapRun& run() { return static_cast<MapRun&>(*state_); }
    void feed(Input input) {
        input.now = now_ += std::chrono::milliseconds(1);
        input.entropy = ++entropy_;
        Decision decision = language_->decide(*program_, *state_, input);
        for (Event& event : decision.events) events_.push_back(std::move(event));
        for (Action& action : decision.actions) {
            if (action.type == ActionType::kStop) {
                stopped_.push_back(action.child);
                owed_.erase(action.task);
            } else if (action.type == ActionType::kCancelTask) {
                owed_.erase(action.task);
                cancelled_.push_back(action.task);
            } else {
                owed_.emplace(action.task, std::move(action));
            }
        }
        if (!run().is_open()) owed_.clear();
        const auto folded = language_->initial(*program_);
        for (const Event& event : events_) language_->evolve(*program_, *folded, event);
        EXPECT_EQ(static_cast<MapRun&>(*folded).dump(), run().dump());
        std::map<TaskId, Action> pending;
        for (Action& action : language_->pending(*program_, *folded))
            pending.emplace(action.task, std::move(action));
        EXPECT_EQ(pending, owed_);
        EXPECT_EQ(run().open_tasks(), run().is_open() ? owed_.size() : run().open_tasks());
        if (run().next_due() != kNever && ++timers_ < 10'000) {
            Input timer;
            timer.type = InputType::kTimer;
            feed(std::move(timer));
        }
    }
    std::vector<TaskId> children() const {
        std::vector<TaskId> out;
        for (const auto& [task, action] : owed_)
            if (action.start) out.push_back(task);
        return out;
    }
    const Action* call() const {
        for (const auto& [task, action] : owed_)
            if (!action.start && action.target.name != "map-run:stay") return &action;
        return nullptr;
    }
    void end_child(TaskId task, ExecutionStatus status = ExecutionStatus::kSucceeded,
                   std::optional<std::string> output = {}) {
        auto child = std::make_shared<ExecutionSummary>();
        const Action action = owed_.at(task);
        owed_.erase(task);
        child->id = action.child;
        child->status = status;
        child->output = output ? Payload(*output) : action.start->input;
        Input input;
        input.type = InputType::kChildEnded;
        input.task = task;
        input.child = std::move(child);
        feed(std::move(input));
    }
    void answer(const std::string& payload) {
        TaskResult result;
        result.payload = Payload(payload);
        answer(std::move(result));
    }
    void answer(TaskResult result) {
        ASSERT_NE(call(), nullptr);
        Input input;
        input.type = InputType::kTaskCompleted;
        input.task = call()->task;
        input.result = std::move(result);
        owed_.erase(input.task);
        feed(std::move(input));
    }
    std::string asked(std::string_view key) {
        const auto parameters = json::parse(call()->payload.view());
        const json::Value* value = parameters->find(key);
        return value ? json::print(*value) : "";
    }
    std::string end() const {
        const Event& last = events_.back();
        return std::string(to_string(last.type)) + " " + last.output.str() +
               last.error.value_or("") + ": " + last.cause.value_or("");
    }
    std::string counts(std::string_view which = "itemCounts") {
        const auto shown = json::parse(is_closing(events_.back().type)
                                           ? events_.back().detail.view()
                                           : language_->inspect(*program_, *state_).view());
        std::string out;
        for (const auto& [name, count] : shown->find(which)->as_object()) {
            if (count.as_int() != 0)
                out += (out.empty() ? "" : " ") + name + "=" + std::to_string(count.as_int());
        }
        return out;
    }
    void send(InputType type, std::string data = {}) {
        Input input;
        input.type = type;
        if (type == InputType::kRedrive) input.attributes = Payload(data);
        else input.data = Payload(data);
        feed(std::move(input));
    }

    std::unique_ptr<Language> language_;
    std::shared_ptr<const Program> program_;
    std::unique_ptr<State> state_;
    std::vector<Event> events_;
    std::map<TaskId, Action> owed_;
    std::vector<ExecutionId> stopped_;
    std::vector<TaskId> cancelled_;
    Timestamp now_ = from_millis(1'700'000'000'000);
    uint64_t entropy_ = 0;
    bool waits_ = false;  // for a place
    int timers_ = 0;
};

TEST_F(MapRuns, AsManyRunAsMayAndResultsAreInTheOrderOfTheItems) {
    start(R"("maxConcurrency":2,"items":["a","b","c"])");
    ASSERT_EQ(children().size(), 2u);
    EXPECT_EQ(counts(), "pending=1 running=2 total=3");
    const Action first = owed_.at(children()[0]);
    EXPECT_EQ(first.type, ActionType::kStartChild);
    EXPECT_EQ(first.start->callable, "m/L:r");
    EXPECT_EQ(first.start->language, "asl");
    EXPECT_EQ(first.child.str(), "states:m/L:" + first.start->name);
    EXPECT_EQ(first.start->attributes.view(),
              R"({"Execution":{"Id":"arn:execution:m/L:)" + first.start->name +
                  R"(","RoleArn":"role","Name":")" + first.start->name +
                  R"(","StartTime":"2023-11-14T22:13:20.002Z","RedriveCount":0},)"
                  R"("StateMachine":{"Id":"arn:stateMachine:m/L","Name":"m/L"},"Items":1})");
    end_child(children()[1], ExecutionStatus::kSucceeded, "2");
    EXPECT_EQ(children().size(), 2u);
    end_child(children()[1], ExecutionStatus::kSucceeded, "3");
    end_child(children()[0], ExecutionStatus::kSucceeded, "1");
    EXPECT_EQ(end(), "ExecutionSucceeded [1,2,3]: ");
    EXPECT_EQ(counts(), "succeeded=3 total=3 resultsWritten=3");
    EXPECT_EQ(counts("executionCounts"), "succeeded=3 total=3 resultsWritten=3");
}

TEST_F(MapRuns, ARunBeginsWhenThereIsAPlaceAndHoldsIt) {
    waits_ = true;
    start(R"("maxConcurrency":2,"items":["a"])");
    EXPECT_TRUE(children().empty());
    EXPECT_EQ(counts(), "pending=1 total=1");
    send(InputType::kSignal, R"({"maxConcurrency":3})");
    EXPECT_TRUE(children().empty());
    enter();
    EXPECT_EQ(children().size(), 1u);
    ASSERT_TRUE(run().stay);
    const TaskId held = run().stay->task;
    end_child(children()[0]);
    EXPECT_EQ(end(), "ExecutionSucceeded [\"a\"]: ");
    EXPECT_EQ(cancelled_, std::vector<TaskId>{held});
}

TEST_F(MapRuns, ARunThatWaitsForAPlaceCanBeStopped) {
    waits_ = true;
    start(R"("maxConcurrency":2,"items":["a"])");
    const TaskId task = call()->task;
    send(InputType::kStop);
    EXPECT_EQ(events_.back().type, EventType::kExecutionAborted);
    EXPECT_EQ(cancelled_, std::vector<TaskId>{task});
    EXPECT_EQ(counts(), "pending=1 total=1");
    redrive();
    EXPECT_EQ(children().size(), 1u);
}

TEST_F(MapRuns, NoItemsNoChildren) {
    start(R"("maxConcurrency":2,"items":[])");
    EXPECT_EQ(end(), "ExecutionSucceeded []: ");
}

TEST_F(MapRuns, ManyItemsAreGivenOutInSeveralDecisions) {
    std::string items = "0";
    for (int i = 1; i < 3'000; ++i) items += "," + std::to_string(i);
    start(R"("maxConcurrency":0,"items":[)" + items + "]");
    EXPECT_EQ(children().size(), 3'000u);
    EXPECT_GT(timers_, 1);
}

TEST_F(MapRuns, PagesAreReadAsPlacesBecomeFree) {
    start(R"("maxConcurrency":2,"reader":{"resource":"r","arguments":{"Bucket":"b"},"config":{}})");
    ASSERT_NE(call(), nullptr);
    EXPECT_EQ(call()->target.name, "map-run:read");
    EXPECT_EQ(asked("cursor") + asked("items") + asked("run") + asked("arguments"),
              R"(""2"mapRun:m/L:r"{"Bucket":"b"})");
    answer(R"({"items":[1,2],"cursor":"c1","last":false})");
    EXPECT_EQ(children().size(), 2u);
    EXPECT_EQ(call(), nullptr);
    end_child(children()[0]);
    EXPECT_EQ(asked("cursor") + asked("items"), R"("c1"1)");
    end_child(children()[0]);
    EXPECT_EQ(run().outputs.size(), 2u);
    answer(R"({"items":[3],"cursor":"c2","last":true})");
    end_child(children()[0]);
    EXPECT_EQ(end(), "ExecutionSucceeded [1,2,3]: ");
}

TEST_F(MapRuns, AnEmptyLastPageEndsTheRun) {
    start(R"("maxConcurrency":2,"reader":{"resource":"r"})");
    answer(R"({"items":[],"cursor":"c","last":true})");
    EXPECT_EQ(end(), "ExecutionSucceeded []: ");
}

TEST_F(MapRuns, WhatCannotBeReadFailsTheRun) {
    start(R"("maxConcurrency":2,"reader":{"resource":"r"})");
    answer(R"({"items":[1],"cursor":"c","last":false})");
    TaskResult result;
    result.outcome = TaskOutcome::kFailed;
    result.error = "Other";
    result.cause = "why";
    const ExecutionId child = owed_.at(children()[0]).child;
    answer(result);
    EXPECT_EQ(end(), "ExecutionFailed States.ItemReaderFailed: why");
    EXPECT_EQ(stopped_, std::vector<ExecutionId>{child});
    EXPECT_EQ(counts(), "aborted=1 total=1");
}

TEST_F(MapRuns, BatchesAreFilledOverPages) {
    start(R"("maxConcurrency":2,"reader":{"resource":"r"},"batch":{"items":3,"input":{"k":1}})");
    EXPECT_EQ(asked("items"), "6");
    answer(R"({"items":[1,2,3,4],"cursor":"c1","last":false})");
    ASSERT_EQ(children().size(), 1u);
    EXPECT_EQ(owed_.at(children()[0]).start->input.view(),
              R"({"BatchInput":{"k":1},"Items":[1,2,3]})");
    EXPECT_EQ(run().waiting_items(), 1u);
    ASSERT_NE(call(), nullptr);
    answer(R"({"items":[5],"cursor":"c2","last":true})");
    ASSERT_EQ(children().size(), 2u);
    EXPECT_EQ(owed_.at(children()[1]).start->input.view(),
              R"({"BatchInput":{"k":1},"Items":[4,5]})");
    EXPECT_EQ(counts() + ", " + counts("executionCounts"), "running=5 total=5, running=2 total=2");
}

TEST_F(MapRuns, BatchesAreBoundedInBytes) {
    start(R"("maxConcurrency":0,"items":["aaaa","bbbb","cc","d","eeeeeeeeeeeeeeeeeeeeeeeee"],)"
          R"("batch":{"bytes":26})");
    std::string all;
    for (const TaskId task : children()) all += owed_.at(task).start->input.str() + "\n";
    EXPECT_EQ(all,
              "{\"Items\":[\"aaaa\",\"bbbb\"]}\n{\"Items\":[\"cc\",\"d\"]}\n"
              "{\"Items\":[\"eeeeeeeeeeeeeeeeeeeeeeeee\"]}\n");
}

TEST_F(MapRuns, SelectorsSeeTheItemAndTheMapsData) {
    const std::string outer =
        R"(,"outer":{"input":{"d":7},"context":{"Execution":{"Name":"e"}},"variables":{"x":true}})";
    start(R"("maxConcurrency":0,"state":"S","items":["a","b"])" + outer);
    EXPECT_EQ(owed_.at(children()[1]).start->input.view(),
              R"({"d":7,"v":"b","x":true,"i":1,"m":"e"})");
    events_.clear(), owed_.clear();
    start(R"("maxConcurrency":0,"state":"J","items":[1,2])" + outer);
    EXPECT_EQ(owed_.at(children()[1]).start->input.view(), "9");
    events_.clear(), owed_.clear();
    start(R"("maxConcurrency":0,"state":"J","items":["a"])" + outer);
    EXPECT_EQ(end().substr(0, 45), "ExecutionFailed States.QueryEvaluationError: ");
}

TEST_F(MapRuns, NoFailureIsToleratedUnlessItIsSaid) {
    start(R"("maxConcurrency":2,"items":[1,2,3])");
    end_child(children()[0], ExecutionStatus::kTimedOut);
    EXPECT_EQ(end(),
              "ExecutionFailed States.ExceedToleratedFailureThreshold: "
              "The specified tolerated failure threshold was exceeded");
    EXPECT_EQ(stopped_.size(), 1u);
    EXPECT_EQ(counts(), "pending=1 timedOut=1 aborted=1 total=3");
}

TEST_F(MapRuns, FailuresAreToleratedByCountAndByShare) {
    start(R"("maxConcurrency":1,"items":[1,2,3,4],"toleratedFailureCount":1)");
    end_child(children()[0], ExecutionStatus::kFailed);
    EXPECT_TRUE(run().is_open());
    end_child(children()[0], ExecutionStatus::kFailed);
    EXPECT_FALSE(run().is_open());
    events_.clear(), owed_.clear();
    start(R"("maxConcurrency":1,"items":[1,2,3,4],"toleratedFailurePercentage":50.0)");
    end_child(children()[0], ExecutionStatus::kFailed);
    end_child(children()[0], ExecutionStatus::kFailed);
    EXPECT_TRUE(run().is_open());
    end_child(children()[0], ExecutionStatus::kSucceeded);
    end_child(children()[0], ExecutionStatus::kSucceeded);
    // Results of children that failed are put together elsewhere.
    ASSERT_NE(call(), nullptr);
    EXPECT_EQ(call()->target.name, "map-run:write");
    answer(R"([1])");
    EXPECT_EQ(end(), "ExecutionSucceeded [1]: ");
}

TEST_F(MapRuns, ResultsAreWritten) {
    start(R"("maxConcurrency":1,"items":[1],"writer":{"arguments":{"Bucket":"b"},"config":{}})");
    end_child(children()[0]);
    EXPECT_TRUE(events_.back().input.view().find(R"("Bucket":"b")") != std::string::npos);
    TaskResult result;
    result.outcome = TaskOutcome::kFailed;
    result.error = "States.ResultWriterFailed";
    result.cause = "why";
    answer(result);
    EXPECT_EQ(end(), "ExecutionFailed States.ResultWriterFailed: why");
}

constexpr const char* kWriter = R"(,"writer":{"arguments":{"Bucket":"b"},"config":{}})";

TEST_F(MapRuns, ResultsOfARunThatFailsAreWritten) {
    start(R"("maxConcurrency":2,"items":["a","b","c","d"])" + std::string(kWriter));
    end_child(children()[0], ExecutionStatus::kFailed);
    EXPECT_TRUE(run().is_open());
    EXPECT_EQ(stopped_.size(), 1u);
    EXPECT_TRUE(children().empty());
    EXPECT_EQ(call()->target.name, "map-run:write");
    EXPECT_EQ(counts(), "pending=2 failed=1 aborted=1 total=4");
    std::string pending;
    for (const Event& event : events_) {
        if (event.type == EventType::kIterationAborted)
            pending += std::to_string(event.index) + event.input.str();
    }
    EXPECT_EQ(pending, R"(2"c"3"d")");
    // What comes meanwhile changes neither the end nor what is written.
    const size_t before = events_.size();
    send(InputType::kStop);
    EXPECT_EQ(events_.size(), before);
    send(InputType::kSignal, R"({"toleratedFailureCount":9})");
    EXPECT_TRUE(children().empty());
    answer(R"({"MapRunArn":"x"})");
    EXPECT_EQ(end(),
              "ExecutionFailed States.ExceedToleratedFailureThreshold: "
              "The specified tolerated failure threshold was exceeded");
    EXPECT_EQ(counts(), "pending=2 failed=1 aborted=1 total=4 resultsWritten=2");
    redrive("token");
    EXPECT_EQ(children().size(), 2u);
    EXPECT_EQ(counts(), "pending=2 running=2 total=4");
    while (!children().empty()) end_child(children()[0]);
    answer("1");
    EXPECT_EQ(end(), "ExecutionSucceeded 1: ");
    EXPECT_EQ(counts(), "succeeded=4 total=4 resultsWritten=4");
}

TEST_F(MapRuns, ResultsOfARunThatIsStoppedAreWritten) {
    start(R"("maxConcurrency":1,"reader":{"resource":"r"},"batch":{"items":2})" +
          std::string(kWriter));
    answer(R"({"items":[1,2],"cursor":"c","last":false})");
    end_child(children()[0]);
    EXPECT_EQ(call()->target.name, "map-run:read");
    send(InputType::kStop);
    EXPECT_EQ(call()->target.name, "map-run:write");
    // That nobody can write does not hide why it ended.
    TaskResult result;
    result.outcome = TaskOutcome::kFailed;
    result.error = "States.ResultWriterFailed";
    answer(result);
    EXPECT_EQ(events_.back().type, EventType::kExecutionAborted);
    EXPECT_EQ(counts(), "succeeded=2 total=2");
}

TEST_F(MapRuns, AStopWhileResultsAreWrittenEndsTheRun) {
    start(R"("maxConcurrency":1,"items":[1])" + std::string(kWriter));
    end_child(children()[0]);
    send(InputType::kStop);
    EXPECT_EQ(events_.back().type, EventType::kExecutionAborted);
}

TEST_F(MapRuns, WhatDidNotBeginIsToldInSeveralDecisions) {
    std::string items = "0";
    for (int i = 1; i < 3'000; ++i) items += "," + std::to_string(i);
    start(R"("maxConcurrency":1,"items":[)" + items + "]" + kWriter);
    send(InputType::kStop);
    EXPECT_GT(timers_, 1);
    EXPECT_EQ(run().pending_children, 2'999u);
    answer("1");
    EXPECT_EQ(events_.back().type, EventType::kExecutionAborted);
    EXPECT_EQ(counts(), "pending=2999 aborted=1 total=3000 resultsWritten=1");
}

TEST_F(MapRuns, AnItemThatMakesNoChildFailsTheRunAndResultsAreWritten) {
    start(R"("maxConcurrency":1,"state":"J","items":[1,"a",2],)"
          R"("outer":{"input":{"d":7},"context":{},"variables":{}})" +
          std::string(kWriter));
    end_child(children()[0]);
    ASSERT_NE(call(), nullptr);
    EXPECT_EQ(call()->target.name, "map-run:write");
    EXPECT_EQ(run().pending_children, 0u);
    answer("1");
    EXPECT_EQ(end().substr(0, 45), "ExecutionFailed States.QueryEvaluationError: ");
}

TEST_F(MapRuns, AWriterWithoutABucketWritesNothing) {
    start(
        R"("maxConcurrency":1,"items":[1,2],"writer":{"arguments":null,"config":{"OutputType":"JSON"}})");
    send(InputType::kStop);
    EXPECT_EQ(events_.back().type, EventType::kExecutionAborted);
}

TEST_F(MapRuns, AResultThatIsTooLargeFailsTheRun) {
    LanguageOptions options;
    options.payload_bytes = 20;
    start(R"("maxConcurrency":2,"items":["aaaaaaa","bbbbbbbb"])", options);
    end_child(children()[0]);
    end_child(children()[0]);
    EXPECT_EQ(end(),
              "ExecutionFailed States.DataLimitExceeded: The state/task 'M' returned a result "
              "with a size exceeding the maximum number of bytes service limit.");
}

TEST_F(MapRuns, LimitsAreChangedWhileItRuns) {
    start(R"("maxConcurrency":1,"items":[1,2,3])");
    send(InputType::kSignal, R"({"maxConcurrency":3,"toleratedFailureCount":3})");
    EXPECT_EQ(children().size(), 3u);
    end_child(children()[0], ExecutionStatus::kFailed);
    EXPECT_TRUE(run().is_open());
    send(InputType::kSignal, R"({"toleratedFailureCount":0})");
    EXPECT_FALSE(run().is_open());
}

TEST_F(MapRuns, AStopStopsTheChildren) {
    start(R"("maxConcurrency":2,"items":[1,2,3])");
    send(InputType::kStop);
    EXPECT_EQ(events_.back().type, EventType::kExecutionAborted);
    EXPECT_EQ(stopped_.size(), 2u);
}

TEST_F(MapRuns, ARedriveRunsAgainWhatDidNotSucceed) {
    start(R"("maxConcurrency":3,"items":["a","b","c","d"])");
    const std::vector<TaskId> tasks = children();
    end_child(tasks[1]);
    const ExecutionId failed = owed_.at(tasks[0]).child;
    end_child(tasks[0], ExecutionStatus::kFailed);
    EXPECT_FALSE(run().is_open());
    EXPECT_EQ(counts(), "succeeded=1 failed=1 aborted=2 total=4");
    redrive("token");
    EXPECT_TRUE(run().is_open());
    ASSERT_EQ(children().size(), 3u);
    EXPECT_EQ(owed_.at(children()[0]).child, failed);
    EXPECT_EQ(owed_.at(children()[0]).type, ActionType::kRedriveChild);
    for (const TaskId task : children())
        end_child(task, ExecutionStatus::kSucceeded,
                  std::to_string(owed_.at(task).start->name.size()));
    EXPECT_EQ(end(), "ExecutionSucceeded [36,\"b\",36,36]: ");
    EXPECT_EQ(counts(), "succeeded=4 total=4 resultsWritten=4");
    redrive();
    EXPECT_FALSE(run().is_open());
}

TEST_F(MapRuns, ARedriveThatComesWhileResultsAreWrittenGoesOn) {
    start(std::string(R"("maxConcurrency":1,"items":["a","b"])") + kWriter);
    const ExecutionId stopped = owed_.at(children()[0]).child;
    send(InputType::kStop);
    ASSERT_NE(call(), nullptr);
    EXPECT_TRUE(run().is_open());
    const TaskId writing = call()->task;
    redrive("token");
    EXPECT_TRUE(run().is_open());
    EXPECT_EQ(run().redrives, 1u);
    EXPECT_EQ(owed_.count(writing), 0u);
    ASSERT_EQ(children().size(), 1u);
    EXPECT_EQ(owed_.at(children()[0]).child, stopped);
    EXPECT_EQ(owed_.at(children()[0]).type, ActionType::kRedriveChild);
    const size_t before = events_.size();
    send(InputType::kRedrive, "other");  // it runs
    EXPECT_EQ(events_.size(), before);
    end_child(children()[0]);
    end_child(children()[0]);
    ASSERT_NE(call(), nullptr);
    answer(R"({"r":1})");
    EXPECT_EQ(end(), R"(ExecutionSucceeded {"r":1}: )");
}

TEST_F(MapRuns, ExpressChildrenAreStartedAnew) {
    start(R"("maxConcurrency":1,"items":["a"],"express":true)");
    EXPECT_EQ(owed_.at(children()[0]).child.str().substr(0, 9), "~states:m");
    EXPECT_EQ(owed_.at(children()[0]).start->language, "asl.express");
    std::set<ExecutionId> all = {owed_.at(children()[0]).child};
    for (size_t redrives = 1; redrives <= 2; ++redrives) {
        end_child(children()[0], ExecutionStatus::kFailed);
        redrive();
        const Action& begun = owed_.at(children()[0]);
        EXPECT_EQ(begun.type, ActionType::kStartChild);
        EXPECT_EQ(begun.start->input.view(), "\"a\"");
        // Another execution: an answer for the one before is none for this one.
        EXPECT_TRUE(all.insert(begun.child).second);
        EXPECT_TRUE(begun.child.str().ends_with(begun.start->name));
    }
}

TEST_F(MapRuns, WhatComesTwiceOrTooLateChangesNothing) {
    start(R"("maxConcurrency":1,"items":["a"])");
    const TaskId task = children()[0];
    const Action action = owed_.at(task);
    end_child(task);
    owed_.emplace(task, action);
    const size_t before = events_.size();
    end_child(task);
    send(InputType::kStop);
    send(InputType::kSignal, "{}");
    send(InputType::kStart, "{}");
    EXPECT_EQ(events_.size(), before);
}

}  // namespace
}  // namespace tandem::asl
