// Rewind: what failed goes on from before its failures, its children too.
#include "lang/durable/testing/world.h"

namespace tandem::durable {
namespace {

const char* const kFailed = R"(actions { id: 9 completeOrchestration {
    orchestrationStatus: ORCHESTRATION_STATUS_FAILED
    failureDetails { errorType: "E" errorMessage: "bad" } } })";
const char* const kRewound = R"(actions { id: 9 completeOrchestration {
    orchestrationStatus: ORCHESTRATION_STATUS_COMPLETED result { value: "x" } } })";

class RewindTest : public testing::Test, protected World {
protected:
    /// What a worker makes of a history: without what failed, and under another execution id.
    OrchestratorResponse rewritten(const std::string& instance, const std::string& execution) {
        const OrchestratorRequest r = request(instance);
        std::set<int32_t> failed;
        for (const HistoryEvent& e : r.pastevents()) {
            if (e.has_taskfailed()) failed.insert(e.taskfailed().taskscheduledid());
        }
        OrchestratorResponse response;
        response.set_instanceid(instance);
        auto* action = response.add_actions();
        action->set_id(1);
        auto* rewind = action->mutable_rewindorchestration();
        for (HistoryEvent e : r.pastevents()) {
            const bool is_failed_task = e.has_taskscheduled() && failed.contains(e.eventid());
            if (is_failed_task || e.has_taskfailed() || e.has_executioncompleted() ||
                e.has_suborchestrationinstancefailed())
                continue;
            if (e.has_executionstarted())
                e.mutable_executionstarted()
                    ->mutable_orchestrationinstance()
                    ->mutable_executionid()
                    ->set_value(execution);
            *rewind->add_newhistory() = e;
        }
        return response;
    }
    Decision rewrite(const std::string& instance, const std::string& execution) {
        TaskResult result;
        result.payload = Payload(rewritten(instance, execution).SerializeAsString());
        return answer_with(instance, std::move(result));
    }
};

TEST_F(RewindTest, TheWorkerRewritesTheHistory) {
    start("i");
    answer("i", R"(actions { id: 1 scheduleTask { name: "a" } }
                   actions { id: 2 scheduleTask { name: "b" } }
                   actions { id: 3 scheduleTask { name: "c" input { value: "3" } } }
                   actions { id: 4 createTimer { fireAt { seconds: 1700000100 } } })");
    answer_activity("i", 1, R"(result { value: "1" })");
    answer("i", "");
    answer_activity("i", 2, R"(failureDetails { errorType: "E" })");
    answer("i", kFailed);
    const Decision d = redrive("i", "again");
    EXPECT_EQ(brief(d.events), "ExecutionRedriven MessageReceived");
    EXPECT_EQ(brief(d.actions), "run orchestrator");
    EXPECT_EQ(facts("i").orchestrationstatus(), ORCHESTRATION_STATUS_RUNNING);
    EXPECT_FALSE(facts("i").has_failuredetails());
    EXPECT_FALSE(facts("i").has_completedtimestamp());
    ASSERT_EQ(brief(request("i").newevents()), "OS ExecutionRewound");
    EXPECT_EQ(request("i").newevents(1).executionrewound().reason().value(), "again");
    signal("i", R"(event { eventRaised { name: "e" } })");
    EXPECT_EQ(brief(request("i").newevents()), "OS ExecutionRewound");
    const Decision installed = rewrite("i", "e2");
    EXPECT_EQ(brief(installed.events), "TurnCompleted Note TurnScheduled");
    EXPECT_EQ(brief(installed.actions), "run activity, run orchestrator");
    EXPECT_EQ(activity("i", 3).input().value(), "3") << "it was under way when the others failed";
    EXPECT_EQ(activity("i", 3).orchestrationinstance().executionid().value(), "e2");
    EXPECT_EQ(request("i").executionid().value(), "e2");
    EXPECT_EQ(brief(request("i").pastevents()),
              "OS ES TaskScheduled(1) TaskScheduled(3) TimerCreated(4) OS TaskCompleted[1] OS");
    EXPECT_EQ(brief(request("i").newevents()), "OS EventRaised");
    EXPECT_EQ(to_micros(of("i").next_due()), 1'700'000'100'000'000);
    answer("i", R"(actions { id: 2 scheduleTask { name: "b" } })");
    answer_activity("i", 2, "");
    answer("i", kRewound);
    EXPECT_EQ(facts("i").orchestrationstatus(), ORCHESTRATION_STATUS_COMPLETED);
}

TEST_F(RewindTest, WithNothingNewTheTurnIsALoneStart) {
    start("i");
    answer("i", kFailed);
    redrive("i", "again");
    rewrite("i", "e2");
    EXPECT_EQ(brief(request("i").pastevents()), "OS ES");
    EXPECT_EQ(brief(request("i").newevents()), "OS");
    answer("i", kFailed);
    redrive("i", "and again");
    EXPECT_EQ(instances().at("i").log.at(instances().at("i").log.size() - 2).index, 2u);
}

TEST_F(RewindTest, OnlyWhatFailedIsRewound) {
    start("i");
    EXPECT_TRUE(redrive("i", "r").events.empty());
    answer("i", kRewound);
    EXPECT_TRUE(redrive("i", "r").events.empty());
    start("t");
    signal("t", "event { executionTerminated { } }");
    EXPECT_TRUE(redrive("t", "r").events.empty());
}

TEST_F(RewindTest, AHistoryThatBeginsNothingIsRefused) {
    start("i");
    answer("i", kFailed);
    redrive("i", "again");
    const Decision d = answer("i", "actions { id: 1 rewindOrchestration { } }");
    EXPECT_EQ(d.events.back().cause, "the history of the rewind begins no execution");
    start("j");
    answer("j", kFailed);
    redrive("j", "again");
    EXPECT_EQ(answer("j", R"(actions { id: 1 rewindOrchestration { } }
                             actions { id: 2 scheduleTask { name: "a" } })")
                  .events.back()
                  .error,
              "InvalidWorkerResponse");
}

TEST_F(RewindTest, AWorkerThatDoesNotKnowItGoesOnAsItDoes) {
    start("i");
    answer("i", kFailed);
    redrive("i", "again");
    answer("i", kFailed);
    EXPECT_EQ(history("i"), "OS ES EC(9) OS ExecutionRewound EC(9)");
}

TEST_F(RewindTest, ChildrenThatFailedAreRewound) {
    start("p");
    answer("p", R"(actions { id: 1 createSubOrchestration { instanceId: "c" name: "C" } })");
    deliver();
    answer("c", kFailed);
    deliver();
    answer("p", kFailed);
    redrive("p", "again");
    EXPECT_EQ(brief(rewrite("p", "e2").actions), "start durable:h:c, run orchestrator");
    deliver();
    ASSERT_EQ(brief(request("c").newevents()), "OS ExecutionRewound");
    const ExecutionRewoundEvent rewound = request("c").newevents(1).executionrewound();
    EXPECT_EQ(
        text_of(rewound),
        R"(reason { value: "again" } parentExecutionId { value: "e2" } instanceId { value: "c" })");
    rewrite("c", "c2");
    answer("c", kRewound);
    answer("p", "");
    deliver();
    ASSERT_EQ(brief(request("p").newevents()), "OS SubOrchestrationInstanceCompleted");
    answer("p", kRewound);
}

TEST_F(RewindTest, ChildrenThatWentOnAnswerTheRewoundParent) {
    start("p");
    answer("p", R"(actions { id: 1 createSubOrchestration { instanceId: "runs" name: "C" } }
                   actions { id: 2 createSubOrchestration { instanceId: "ends" name: "C" } }
                   actions { id: 3 scheduleTask { name: "a" } })");
    deliver();
    answer_activity("p", 3, R"(failureDetails { errorType: "E" })");
    answer("p", kFailed);
    answer("ends", kRewound);
    deliver();
    redrive("p", "again");
    rewrite("p", "e2");
    deliver();
    answer("p", "");
    EXPECT_EQ(brief(request("p").newevents()), "OS SubOrchestrationInstanceCompleted");
    answer("p", "");
    answer("runs", kRewound);
    deliver();
    EXPECT_EQ(brief(request("p").newevents()), "OS SubOrchestrationInstanceCompleted");
}

TEST_F(RewindTest, AChildThatWasPurgedBeginsAnew) {
    // As the engine does when nobody is there.
    start("c2", R"(parent { taskScheduledId: 1 orchestrationInstance { instanceId: "p" } }
                   rewound { executionRewound { } })");
    EXPECT_EQ(brief(request("c2").newevents()), "OS ES");
}

}  // namespace
}  // namespace tandem::durable
