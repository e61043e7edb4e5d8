// Retention as a client sees it: what ended long enough ago is not there any more, with the map
// runs that it began and their children. A real engine under a clock that the test moves.
#include "api/services/services.h"
#include "api/states/door.h"
#include "engine/engine_fixture.h"
#include "lang/asl/language.h"
#include "lang/asl/map_run/language.h"

namespace tandem {
namespace {

using json::Value;

class MovedClock final : public Clock {
public:
    Timestamp now() const override { return system_clock().now() + ahead.load(); }
    std::atomic<Duration> ahead{Duration(0)};
};

constexpr const char* kMachine = "arn:aws:states:us-east-1:123456789012:stateMachine:maps";
constexpr const char* kRole = "arn:aws:iam::123456789012:role/r";
constexpr const char* kDefinition = R"({"StartAt":"M","States":{"M":{"Type":"Map","Label":"L",
    "End":true,"ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED",
    "ExecutionType":"STANDARD"},"StartAt":"P","States":{"P":{"Type":"Pass","End":true}}}}}})";

class RetentionTest : public EngineTest {
protected:
    void SetUp() override {
        options_.clock = &clock_;
        options_.services = &services_;
        options_.retention_every = 5ms;
        options_.limits.history_retention_days = 2;
        EngineTest::SetUp();
        engine_.reset();
        auto engine = Engine::open(options_, gated_, *blobs_, executor_,
                                   {&language_, standard_.get(), map_runs_.get()});
        ASSERT_TRUE(engine.has_value()) << engine.error().message;
        engine_ = std::move(*engine);
        context_.emplace(aws::Context{*engine_, {}, options_.limits, work_, clock_});
        door_ = std::make_unique<states::StatesDoor>(*context_);
        services_.bind({&*context_, door_.get(), nullptr, nullptr, {}});
    }
    void TearDown() override {
        services_.close();
        EngineTest::TearDown();
    }
    /// The answer, or {"__type"}.
    Value call(std::string_view action, const Value& input) {
        std::promise<Value> answered;
        door_->call(action, input, {}, [&](aws::Answer<Value> answer) {
            answered.set_value(answer ? *std::move(answer)
                                      : Value::object({{"__type", answer.error().code}}));
        });
        return answered.get_future().get();
    }
    std::string error(std::string_view action, std::string_view member, const std::string& arn) {
        return std::string(
            call(action, Value::object({{std::string(member), arn}})).string_or("__type", ""));
    }
    /// ARNs in a list.
    std::vector<std::string> listed(std::string_view action, std::string_view by,
                                    const std::string& arn, std::string_view list,
                                    std::string_view member) {
        std::vector<std::string> out;
        const Value answer = call(action, Value::object({{std::string(by), arn}}));
        const Value* entries = answer.find(list);
        for (size_t i = 0; entries != nullptr && i < entries->as_array().size(); ++i)
            out.emplace_back(entries->as_array()[i].string_or(member, ""));
        return out;
    }
    std::vector<std::string> executions() {
        return listed("ListExecutions", "stateMachineArn", kMachine, "executions", "executionArn");
    }
    std::string start(const std::string& name) {
        const Value answer = call(
            "StartExecution",
            Value::object({{"stateMachineArn", kMachine}, {"name", name}, {"input", "[1,2]"}}));
        const std::string arn(answer.string_or("executionArn", ""));
        EXPECT_TRUE(eventually([&] {
            return call("DescribeExecution", Value::object({{"executionArn", arn}}))
                       .string_or("status", "") == "SUCCEEDED";
        }));
        return arn;
    }

    MovedClock clock_;
    services::InstalledServices services_;
    aws::WorkQueue work_{2, 100};
    std::unique_ptr<Language> standard_ = asl::make_language();
    std::unique_ptr<Language> map_runs_ = asl::make_map_run_language();
    std::optional<aws::Context> context_;
    std::unique_ptr<states::StatesDoor> door_;
};

TEST_F(RetentionTest, WhatEndedLongAgoIsNotThereAnyMore) {
    call("CreateStateMachine",
         Value::object({{"name", "maps"}, {"roleArn", kRole}, {"definition", kDefinition}}));
    const std::string old = start("old");
    const auto runs = listed("ListMapRuns", "executionArn", old, "mapRuns", "mapRunArn");
    ASSERT_EQ(runs.size(), 1u);
    const auto children =
        listed("ListExecutions", "mapRunArn", runs[0], "executions", "executionArn");
    ASSERT_EQ(children.size(), 2u);
    // A day later another one ends.
    clock_.ahead = 24h;
    const std::string younger = start("younger");
    EXPECT_EQ(executions(), (std::vector<std::string>{younger, old}));
    // Two days after its end only the first one goes.
    clock_.ahead = 48h + 1min;
    ASSERT_TRUE(eventually([&] { return executions() == std::vector<std::string>{younger}; }));
    for (const char* action :
         {"DescribeExecution", "GetExecutionHistory", "DescribeStateMachineForExecution",
          "ListMapRuns", "RedriveExecution", "StopExecution"})
        EXPECT_EQ(error(action, "executionArn", old), "ExecutionDoesNotExist") << action;
    ASSERT_TRUE(eventually([&] {
        return error("DescribeExecution", "executionArn", children[0]) == "ExecutionDoesNotExist" &&
               error("DescribeExecution", "executionArn", children[1]) == "ExecutionDoesNotExist" &&
               error("DescribeMapRun", "mapRunArn", runs[0]) == "ResourceNotFound";
    }));
    EXPECT_EQ(error("ListExecutions", "mapRunArn", runs[0]), "ResourceNotFound");
    EXPECT_EQ(error("GetExecutionHistory", "executionArn", children[0]), "ExecutionDoesNotExist");
    // The other one is whole.
    EXPECT_EQ(error("GetExecutionHistory", "executionArn", younger), "");
    EXPECT_EQ(listed("ListMapRuns", "executionArn", younger, "mapRuns", "mapRunArn").size(), 1u);
    // A name that was used is free again.
    EXPECT_EQ(start("old"), old);
}

}  // namespace
}  // namespace tandem
