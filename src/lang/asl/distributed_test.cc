// Maps in distributed mode, as the execution sees them that begins a map run and hears of its end.
#include <gtest/gtest.h>

#include "lang/asl/map_run/start.h"
#include "lang/asl/testing/simulation.h"

namespace tandem::asl::testing {
namespace {

std::string machine(const std::string& more, const std::string& label = "L") {
    return R"({"StartAt":"M","States":{"M":{"Type":"Map","Label":")" + label + R"(",)" + more +
           R"("ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"STANDARD"},
           "StartAt":"P","States":{"P":{"Type":"Pass","End":true}}},"End":true}}})";
}

class Distributed : public ::testing::Test {
protected:
    void start(const std::string& definition, const std::string& input) {
        language_ = make_language();
        auto program = language_->compile(definition);
        ASSERT_TRUE(program) << program.error().message;
        simulation_.emplace(*language_, *program);
        simulation_->start(input,
                           R"({"Execution":{"Id":"e"},"StateMachine":{"Id":"arn:m","Name":"m"}})");
        EXPECT_EQ(simulation_->broken_law(), "");
    }
    const Action& asked() const { return simulation_->open().begin()->second; }
    json::Value facts() const { return *parse_facts(asked().start->input.view()); }
    std::string fact(std::string_view name) const {
        const json::Value all = facts();
        return all.find(name) ? json::print(*all.find(name)) : "";
    }
    void end_run(ExecutionStatus status, std::string output, std::string error = {}) {
        auto run = std::make_shared<ExecutionSummary>();
        run->status = status;
        run->output = Payload(std::move(output));
        if (!error.empty()) run->error = error, run->cause = "why";
        Input input;
        input.type = InputType::kChildEnded;
        input.task = asked().task;
        input.child = std::move(run);
        simulation_->feed(std::move(input));
        EXPECT_EQ(simulation_->broken_law(), "");
    }
    void send(InputType type) {
        Input input;
        input.type = type;
        simulation_->feed(std::move(input));
        EXPECT_EQ(simulation_->broken_law(), "");
    }
    /// The visible events with what they follow, from the third on.
    std::string story(size_t from = 2) const {
        std::string out;
        for (const Event& event : simulation_->events()) {
            if (event.id <= from) continue;
            out += (out.empty() ? "" : " ") + std::to_string(event.previous_id) + ">" +
                   std::string(to_string(event.type));
        }
        return out;
    }
    const Event& last() const { return simulation_->events().back(); }

    std::unique_ptr<Language> language_;
    std::optional<Simulation> simulation_;
};

TEST_F(Distributed, AMapRunIsBegunAndItsEndIsTheMaps) {
    start(machine(R"("MaxConcurrency":2,"ItemsPath":"$.v",)"), R"({"v":[1,2]})");
    EXPECT_EQ(story(), "2>StateStarted 3>MapRunStarted");
    const Event& begun = last();
    const std::string run = facts().find("run")->as_string();
    EXPECT_EQ(begun.resource, "arn:aws:states:us-east-1:123456789012:mapRun:m/L:" + run);
    EXPECT_EQ(asked().type, ActionType::kStartChild);
    EXPECT_EQ(asked().child.str(), "mapRun:m/L:" + run);
    EXPECT_EQ(asked().start->language, "asl.map_run");
    EXPECT_EQ(asked().start->callable, "m:-");
    EXPECT_EQ(fact("items") + fact("maxConcurrency") + fact("reader") + fact("outer"), "[1,2]2");
    end_run(ExecutionStatus::kSucceeded, "[3]");
    EXPECT_EQ(story(),
              "2>StateStarted 3>MapRunStarted 4>MapRunSucceeded 5>StateSucceeded "
              "4>StateExited 7>ExecutionSucceeded");
    EXPECT_EQ(last().output.view(), "[3]");
}

TEST_F(Distributed, ItsFailureIsTheMaps) {
    start(machine(""), "[1]");
    end_run(ExecutionStatus::kFailed, "", "States.ItemReaderFailed");
    EXPECT_EQ(story(),
              "2>StateStarted 3>MapRunStarted 4>MapRunFailed 5>StateFailed "
              "6>ExecutionFailed");
    EXPECT_EQ(last().error, "States.ItemReaderFailed");
    EXPECT_EQ(last().cause, "why");
}

TEST_F(Distributed, ARetryBeginsAnotherRun) {
    start(machine(R"("Retry":[{"ErrorEquals":["States.ALL"],"MaxAttempts":1}],)"), "[1]");
    const ExecutionId first = asked().child;
    end_run(ExecutionStatus::kFailed, "", "E");
    simulation_->set_now(simulation_->execution().next_due());
    send(InputType::kTimer);
    ASSERT_EQ(simulation_->open().size(), 1u);
    EXPECT_NE(asked().child, first);
    EXPECT_EQ(asked().type, ActionType::kStartChild);
}

TEST_F(Distributed, ARedriveGoesOnWithTheRun) {
    start(machine(""), "[1]");
    const ExecutionId run = asked().child;
    end_run(ExecutionStatus::kFailed, "", "E");
    send(InputType::kRedrive);
    EXPECT_EQ(story(7), "7>ExecutionRedriven 6>MapRunRedriven");
    EXPECT_EQ(asked().type, ActionType::kRedriveChild);
    EXPECT_EQ(asked().child, run);
    end_run(ExecutionStatus::kSucceeded, "[1]");
    EXPECT_EQ(last().type, EventType::kExecutionSucceeded);
}

TEST_F(Distributed, AStopStopsTheRunAndARedriveGoesOnWithIt) {
    start(machine(""), "[1]");
    const ExecutionId run = asked().child;
    send(InputType::kStop);
    EXPECT_TRUE(simulation_->open().empty());
    EXPECT_EQ(last().type, EventType::kExecutionAborted);
    send(InputType::kRedrive);
    EXPECT_EQ(asked().child, run);
    EXPECT_EQ(asked().type, ActionType::kRedriveChild);
}

TEST_F(Distributed, ABranchThatFailsAbortsTheRun) {
    const std::string inner = machine("");
    start(R"({"StartAt":"X","States":{"X":{"Type":"Parallel","End":true,"Branches":[)" + inner +
              R"(,{"StartAt":"W","States":{"W":{"Type":"Wait","Seconds":1,"Next":"F"},)"
              R"("F":{"Type":"Fail","Error":"E"}}}]}}})",
          "[1]");
    ASSERT_EQ(simulation_->open().size(), 1u);
    simulation_->set_now(simulation_->execution().next_due());
    send(InputType::kTimer);
    EXPECT_TRUE(simulation_->open().empty());
    EXPECT_NE(story().find("MapRunAborted"), std::string::npos);
    EXPECT_EQ(last().type, EventType::kExecutionFailed);
}

TEST_F(Distributed, LimitsThatAreNoneFailTheExecution) {
    start(machine(R"("ItemsPath":"$.i","ToleratedFailureCountPath":"$.t",)"),
          R"({"i":[1],"t":"x"})");
    EXPECT_EQ(story(), "2>StateStarted 3>ExecutionFailed");
    EXPECT_NE(
        last().cause->find(R"(The ToleratedFailureCountPath field refers to value "x" which)"),
        std::string::npos);
    start(machine(R"("ItemsPath":"$.i","ToleratedFailurePercentagePath":"$.t",)"),
          R"({"i":[1],"t":101})");
    EXPECT_EQ(last().error, "States.Runtime");
    start(machine(R"("ItemsPath":"$.i","ToleratedFailurePercentagePath":"$.t",)"),
          R"({"i":[1],"t":"12.5"})");
    EXPECT_EQ(fact("toleratedFailurePercentage"), "12.5");
}

TEST_F(Distributed, ReaderBatcherAndWriterAreEvaluated) {
    start(machine(R"("ItemReader":{"Resource":"arn:aws:states:::s3:getObject","Parameters":
        {"Bucket.$":"$.b","Key":"k"},"ReaderConfig":{"InputType":"JSON","MaxItemsPath":"$.n"}},
        "ItemBatcher":{"MaxItemsPerBatchPath":"$.n","BatchInput":{"x.$":"$.b"}},
        "ItemSelector":{"v.$":"$$.Map.Item.Value"},
        "ResultWriter":{"Resource":"arn:aws:states:::s3:putObject","Parameters":{"Bucket.$":"$.b"}},)"),
          R"({"b":"B","n":3})");
    EXPECT_EQ(fact("reader"),
              R"({"resource":"arn:aws:states:::s3:getObject","arguments":{"Key":"k","Bucket":"B"},)"
              R"("config":{"InputType":"JSON","MaxItemsPath":"$.n","MaxItems":3}})");
    EXPECT_EQ(fact("batch"), R"({"items":3,"input":{"x":"B"}})");
    EXPECT_EQ(fact("writer"), R"({"resource":"arn:aws:states:::s3:putObject",)"
                              R"("arguments":{"Bucket":"B"},"config":{}})");
    EXPECT_NE(fact("outer"), "");
    EXPECT_EQ(simulation_->events()[2].length, 0u);  // nobody knows yet
}

TEST_F(Distributed, JsonataFieldsAreEvaluated) {
    start(machine(R"("QueryLanguage":"JSONata","MaxConcurrency":"{% 1+1 %}",
        "ItemReader":{"Resource":"r","Arguments":{"Bucket":"{% $states.input.b %}"},
          "ReaderConfig":{"InputType":"CSV","MaxItems":"{% 7 %}"}},
        "ItemBatcher":{"MaxItemsPerBatch":"{% 4 %}","BatchInput":{"x":"{% $states.input.b %}"}},
        "ToleratedFailurePercentage":"{% 5 %}",)"),
          R"({"b":"B"})");
    EXPECT_EQ(fact("reader"), R"({"resource":"r","arguments":{"Bucket":"B"},)"
                              R"("config":{"InputType":"CSV","MaxItems":7}})");
    EXPECT_EQ(fact("batch") + fact("maxConcurrency") + fact("toleratedFailurePercentage"),
              R"({"items":4,"input":{"x":"B"}}25.0)");
}

TEST_F(Distributed, ChildrenRunThePartOfTheMapAlone) {
    const auto language = make_language();
    auto part = language->compile_part(machine(""), "L");
    ASSERT_TRUE(part);
    Simulation child(*language, *part);
    child.start("7", "{}");
    EXPECT_EQ(child.events().back().type, EventType::kExecutionSucceeded);
    EXPECT_EQ(child.events()[1].name, "P");
    EXPECT_FALSE(language->compile_part(machine(""), "other"));
    // Without a label there is one that is always the same.
    start(machine("", ""), "[1]");
    const std::string label = facts().find("label")->as_string();
    EXPECT_EQ(label.size(), 36u);
    EXPECT_TRUE(language->compile_part(machine("", ""), label));
}

}  // namespace
}  // namespace tandem::asl::testing
