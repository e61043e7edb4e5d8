// Activities that are functions and state machines of the installation.
#include "lang/durable/callee.h"

#include "lang/durable/events.h"
#include "lang/durable/testing/world.h"

namespace tandem::durable {
namespace {

/// It has a function and two state machines; one name is of both.
class SomeCallables final : public Callables {
public:
    bool has(const CallableRef& ref) const override {
        if (ref.kind == CallableKind::kFunction) return ref.name == "both";
        return ref.kind == CallableKind::kWorkflow && (ref.name == "both" || ref.name == "m");
    }
};

constexpr const char* kMachine = "arn:aws:states:us-east-1:123456789012:stateMachine:m";

TEST(Callees, AFunctionComesBeforeAStateMachine) {
    const SomeCallables some;
    const auto resource = [&](const std::string& name) { return resource_of(name, &some, {}); };
    EXPECT_EQ(resource("both"), kFunction);
    EXPECT_EQ(resource("m"), kMachine);
    EXPECT_EQ(resource("neither"), "");
    EXPECT_EQ(resource_of("both", nullptr, {}), "");
    // An ARN says which it is.
    const std::string both = "arn:aws:states:us-east-1:123456789012:stateMachine:both";
    EXPECT_EQ(resource(both), both);
    EXPECT_EQ(resource(both + ":PROD"), both + ":PROD");
    EXPECT_EQ(resource("arn:aws:lambda:us-east-1:123456789012:function:gone"), kFunction);
    for (const char* other :
         {"arn:aws:states:us-east-1:123456789012:activity:m", "arn:aws:lambda:x:y:function",
          "arn:aws:lambda:x:y:function:", "arn:aws:states:x:y:stateMachine:m:1:2", "arn:"})
        EXPECT_EQ(resource(other), "") << other;
}

TEST(Callees, AFunctionsArnMayHaveAQualifier) {
    const std::string arn = "arn:aws:lambda:us-east-1:123456789012:function:f";
    EXPECT_EQ(function_of("f"), (CallableRef{CallableKind::kFunction, "f", ""}));
    EXPECT_EQ(function_of(arn), (CallableRef{CallableKind::kFunction, "f", ""}));
    EXPECT_EQ(function_of(arn + ":live"), (CallableRef{CallableKind::kFunction, "f", "live"}));
}

class MachineActivities : public World, public ::testing::Test {
protected:
    MachineActivities() { callables = &some_; }

    /// Schedules activity 1, which is the state machine; the number of its task.
    TaskId begin(const std::string& more = "") {
        start("i");
        const Decision d = answer("i", R"(actions { id: 1 scheduleTask { name: "m" )"
                                       R"(input { value: "[1]" } } } )" +
                                           more);
        EXPECT_EQ(d.actions.size(), 1u);
        return d.actions.empty() ? 0 : d.actions[0].task;
    }
    static ExecutionSummary ended(ExecutionStatus status) {
        ExecutionSummary summary;
        summary.id = ExecutionId("states:m:e");
        summary.name = "e";
        summary.status = status;
        return summary;
    }
    HistoryEvent last_event() {
        const OrchestratorRequest r = request("i");
        return r.newevents(r.newevents_size() - 1);
    }

    const SomeCallables some_;
};

TEST_F(MachineActivities, TheEndOfTheExecutionIsTheirs) {
    const TaskId task = begin();
    const Action call = instances().at("i").owed.at(task);
    EXPECT_EQ(call.target, (CallableRef{CallableKind::kService, "states:run", ""}));
    EXPECT_EQ(call.payload.view(),
              R"({"StateMachineArn":")" + std::string(kMachine) + R"(","Input":"[1]"})");
    EXPECT_TRUE(call.owns_child);
    EXPECT_EQ(waiting("i")[0].detail, "state machine m (1)");
    EXPECT_EQ(brief(answer_start("i", task, "states:m:e").actions), "watch states:m:e");
    // The call is made again after a crash, and finds the same execution.
    EXPECT_TRUE(answer_start("i", task, "states:m:e").events.empty());
    ExecutionSummary summary = ended(ExecutionStatus::kSucceeded);
    summary.output = Payload("[2]");
    end_execution("i", task, summary);
    EXPECT_EQ(last_event().taskcompleted().taskscheduledid(), 1);
    EXPECT_EQ(last_event().taskcompleted().result().value(), "[2]");
    EXPECT_TRUE(end_execution("i", task, summary).events.empty());
}

TEST_F(MachineActivities, FailuresAreTheExecutions) {
    const TaskId task = begin();
    answer_start("i", task, "states:m:e");
    ExecutionSummary summary = ended(ExecutionStatus::kFailed);
    summary.error = "Broken";
    summary.cause = "by design";
    end_execution("i", task, summary);
    EXPECT_EQ(text_of(last_event().taskfailed().failuredetails()),
              R"(errorType: "Broken" errorMessage: "by design")");
}

TEST_F(MachineActivities, AnEndWithoutAnErrorHasAName) {
    const TaskId task = begin();
    answer_start("i", task, "states:m:e");
    end_execution("i", task, ended(ExecutionStatus::kAborted));
    EXPECT_EQ(text_of(last_event().taskfailed().failuredetails()),
              R"(errorType: "ExecutionAborted" errorMessage: "the execution \'e\' ended ABORTED")");
}

TEST_F(MachineActivities, ACallThatIsRefusedIsAFailure) {
    const TaskId task = begin();
    TaskResult refused;
    refused.outcome = TaskOutcome::kFailed;
    refused.error = "StepFunctions.StateMachineDoesNotExistException";
    refused.cause = "gone";
    complete("i", task, refused);
    EXPECT_EQ(last_event().taskfailed().failuredetails().errortype(), refused.error);
}

/// An Express one has ended when its call is answered.
TEST_F(MachineActivities, AnAnswerWithoutAnExecutionIsTheResult) {
    const TaskId task = begin();
    TaskResult result;
    result.payload = Payload("[3]");
    complete("i", task, result);
    EXPECT_EQ(last_event().taskcompleted().result().value(), "[3]");
}

TEST_F(MachineActivities, TerminateStopsTheExecution) {
    answer_start("i", begin(), "states:m:e");
    EXPECT_EQ(brief(signal("i", "event { executionTerminated { } }").actions), "stop states:m:e");
    EXPECT_TRUE(executions.empty());
}

TEST_F(MachineActivities, AnEndThatDoesNotWaitForTheExecutionStopsIt) {
    answer_start("i", begin(), "states:m:e");
    signal("i", R"(event { eventRaised { name: "e" } })");
    const Decision d = answer("i", R"(actions { id: 2 completeOrchestration {
        orchestrationStatus: ORCHESTRATION_STATUS_COMPLETED } })");
    EXPECT_EQ(brief(d.actions), "stop states:m:e");
}

TEST_F(MachineActivities, WhatTheLastGenerationBeganIsStopped) {
    const TaskId task = begin();
    signal("i", R"(event { eventRaised { name: "e" } })");
    EXPECT_EQ(brief(answer("i", R"(actions { id: 2 completeOrchestration {
        orchestrationStatus: ORCHESTRATION_STATUS_CONTINUED_AS_NEW } })")
                        .actions),
              "cancel, run orchestrator");
    EXPECT_EQ(brief(answer_start("i", task, "states:m:late").actions), "stop states:m:late");
}

}  // namespace
}  // namespace tandem::durable
