// Generations: continue-as-new, and starts of an id that is in use.
#include "lang/durable/testing/world.h"

namespace tandem::durable {
namespace {

class GenerationsTest : public testing::Test, protected World {
protected:
    static std::string completed(const std::string& status, const std::string& more = {}) {
        return "actions { id: 9 completeOrchestration { orchestrationStatus: "
               "ORCHESTRATION_STATUS_" +
               status + " " + more + " } }";
    }
    static std::string reuse(const std::string& policy) {
        return "request { orchestrationIdReusePolicy { " + policy + " } }";
    }
};

TEST_F(GenerationsTest, ContinueAsNewBeginsAGeneration) {
    start("i", R"(request { name: "Loop" version { value: "1" } tags { key: "k" value: "v" }
                            scheduledStartTimestamp { } parentTraceContext { traceParent: "t" } })",
          "1");
    answer("i", R"(customStatus { value: "s" } actions { id: 1 scheduleTask { name: "a" } }
                   actions { id: 2 createTimer { fireAt { seconds: 1700000100 } } })");
    answer_activity("i", 1, "");
    advance(1'000);
    signal("i", R"(event { eventRaised { name: "late" } })");
    const std::string before = of("i").execution_id;
    const TaskId old_turn = of("i").turn.task;
    const Decision d = answer("i", R"(customStatus { value: "t" }
        actions { id: 3 scheduleTask { name: "never" } }
        actions { id: 4 sendEvent { instance { instanceId: "i" } name: "to myself" } }
        actions { id: 5 completeOrchestration {
            orchestrationStatus: ORCHESTRATION_STATUS_CONTINUED_AS_NEW result { value: "2" }
            newVersion { value: "2" }
            carryoverEvents { eventId: -1 eventRaised { name: "early" } } } })");
    EXPECT_EQ(brief(d.events), "ExecutionStarted");
    EXPECT_EQ(d.events[0].seq, 1u);
    EXPECT_EQ(d.events[0].index, 1u);
    EXPECT_EQ(brief(d.actions), "send durable:h:i, run orchestrator");
    const OrchestratorRequest r = request("i");
    EXPECT_EQ(r.pastevents_size(), 0);
    ASSERT_EQ(brief(r.newevents()), "OS ES EventRaised EventRaised");
    EXPECT_EQ(r.newevents(2).eventraised().name(), "early");
    EXPECT_EQ(r.newevents(3).eventraised().name(), "late");
    EXPECT_NE(r.executionid().value(), before);
    const ExecutionStartedEvent& started = r.newevents(1).executionstarted();
    EXPECT_EQ(started.name(), "Loop");
    EXPECT_EQ(started.version().value(), "2");
    EXPECT_EQ(started.input().value(), "2");
    EXPECT_EQ(started.tags().at("k"), "v");
    EXPECT_EQ(started.parenttracecontext().traceparent(), "t");
    EXPECT_EQ(started.orchestrationinstance().executionid().value(), r.executionid().value());
    EXPECT_EQ(of("i").next_due(), kNever) << "no old timers";
    EXPECT_EQ(facts("i").orchestrationstatus(), ORCHESTRATION_STATUS_RUNNING);
    EXPECT_EQ(facts("i").createdtimestamp().seconds(), 1'700'000'000);
    EXPECT_EQ(facts("i").lastupdatedtimestamp().seconds(), 1'700'000'001);
    EXPECT_EQ(facts("i").customstatus().value(), "t");
    EXPECT_TRUE(complete("i", old_turn, {}).events.empty());
    deliver();
    answer("i", "");
    EXPECT_EQ(request("i").newevents(1).eventraised().name(), "to myself");
}

TEST_F(GenerationsTest, WhatTheOldGenerationAskedForIsForgotten) {
    start("i");
    answer("i", R"(actions { id: 1 scheduleTask { name: "a" } }
                   actions { id: 2 scheduleTask { name: "b" } }
                   actions { id: 3 createSubOrchestration { instanceId: "c" name: "C" } })");
    deliver();
    const TaskId old = of("i").activities.rbegin()->first;
    answer_activity("i", 1, "");
    const Decision d = answer("i", completed("CONTINUED_AS_NEW"));
    EXPECT_EQ(brief(d.actions), "cancel, run orchestrator");
    EXPECT_EQ(brief(request("i").newevents()), "OS ES");
    EXPECT_FALSE(request("i").newevents(1).executionstarted().has_input());
    TaskResult late;
    late.payload =
        Payload(parsed<ActivityResponse>(R"(instanceId: "i" taskId: 2)").SerializeAsString());
    EXPECT_TRUE(complete("i", old, late).events.empty());
    // The same id, of this generation: not for the old child to answer.
    answer("i", R"(actions { id: 3 createSubOrchestration { instanceId: "d" name: "D" } })");
    answer("c", completed("COMPLETED"));
    deliver();
    EXPECT_EQ(of("i").children.size(), 1u);
    EXPECT_EQ(of("i").turn.task, 0u);
}

TEST_F(GenerationsTest, EventsThatAnswerDieWithTheirGeneration) {
    start("i");
    answer("i", R"(actions { id: 1 scheduleTask { name: "a" } }
                   actions { id: 2 scheduleTask { name: "b" } })");
    answer_activity("i", 1, "");
    answer_activity("i", 2, "");
    signal("i", "event { executionSuspended { } }");
    answer("i", completed("CONTINUED_AS_NEW"));
    EXPECT_EQ(brief(request("i").newevents()), "OS ES ExecutionSuspended");
}

TEST_F(GenerationsTest, NumbersOfTasksDoNotRepeat) {
    start("i");
    std::set<TaskId> seen;
    for (int n = 0; n < 100; ++n) {
        EXPECT_TRUE(seen.insert(of("i").turn.task).second);
        answer("i", completed("CONTINUED_AS_NEW"));
    }
}

TEST_F(GenerationsTest, AnIdInUseIsNotStartedAgain) {
    start("i");
    EXPECT_TRUE(start("i").events.empty());
    answer("i", "");
    EXPECT_TRUE(start("i").events.empty());
    EXPECT_TRUE(start("i", reuse("replaceableStatus: ORCHESTRATION_STATUS_FAILED")).events.empty());
    // One that has ended makes place, unless the policy says otherwise.
    signal("i", "event { executionTerminated { } }");
    EXPECT_TRUE(start("i", reuse("replaceableStatus: ORCHESTRATION_STATUS_FAILED")).events.empty());
    EXPECT_TRUE(start("i", reuse("")).events.empty());
    const Decision d = start("i", R"(request { name: "Other" })", "2");
    EXPECT_EQ(brief(d.events), "ExecutionStarted");
    EXPECT_EQ(d.events[0].index, 0u);
    EXPECT_EQ(brief(d.actions), "run orchestrator");
    EXPECT_EQ(facts("i").name(), "Other");
    EXPECT_EQ(facts("i").orchestrationstatus(), ORCHESTRATION_STATUS_PENDING);
    EXPECT_EQ(history("i"), "");
}

TEST_F(GenerationsTest, ATaskThatAsksAgainFindsWhatItBegan) {
    start("i", R"(started_by: "states:m:e#5")");
    EXPECT_TRUE(start("i", R"(started_by: "states:m:e#5")").events.empty());
    answer("i", completed("CONTINUED_AS_NEW"));
    answer("i", completed("COMPLETED"));
    EXPECT_FALSE(of("i").is_open());
    EXPECT_TRUE(start("i", R"(started_by: "states:m:e#5")").events.empty());
    EXPECT_FALSE(start("i", R"(started_by: "states:m:e#6")").events.empty());
}

TEST_F(GenerationsTest, OneThatRunsIsReplacedIfThePolicySaysSo) {
    start("i");
    answer("i", R"(actions { id: 1 scheduleTask { name: "a" } })");
    signal("i", R"(event { eventRaised { name: "e" } })");
    const Decision d = start("i", reuse("replaceableStatus: ORCHESTRATION_STATUS_RUNNING "
                                        "replaceableStatus: ORCHESTRATION_STATUS_TERMINATED"));
    EXPECT_EQ(brief(d.events), "ExecutionStarted");
    EXPECT_EQ(brief(d.actions), "cancel, cancel, run orchestrator");
    EXPECT_EQ(brief(request("i").newevents()), "OS ES");
}

TEST_F(GenerationsTest, OldClientsPoliciesAreUnderstood) {
    start("i");
    signal("i", "event { executionTerminated { } }");
    const std::string listed = "replaceableStatus: ORCHESTRATION_STATUS_TERMINATED action: ";
    EXPECT_TRUE(start("i", reuse(listed + "1")).events.empty());
    EXPECT_TRUE(start("i", reuse("action: 2")).events.empty());
    EXPECT_FALSE(start("i", reuse(listed + "2")).events.empty());
}

TEST_F(GenerationsTest, TheClientMayNameTheExecution) {
    start("i", R"(request { executionId { value: "e1" } })");
    EXPECT_EQ(facts("i").executionid().value(), "e1");
}

}  // namespace
}  // namespace tandem::durable
