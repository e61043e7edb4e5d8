// Sub-orchestrations: how they begin, what their parents hear, and who ends with whom.
#include "lang/durable/testing/world.h"

namespace tandem::durable {
namespace {

const char* const kCall = R"(actions { id: 1 createSubOrchestration { instanceId: "c" name: "Child"
    version { value: "2" } input { value: "5" } tags { key: "k" value: "v" }
    parentTraceContext { traceParent: "t" } } })";

std::string completed(const std::string& status, const std::string& more = {}) {
    return "actions { id: 9 completeOrchestration { orchestrationStatus: ORCHESTRATION_STATUS_" +
           status + " " + more + " } }";
}

class ChildrenTest : public testing::Test, protected World {};

TEST_F(ChildrenTest, AChildKnowsItsParent) {
    start("p", R"(request { name: "Parent" version { value: "1" } })");
    const Decision d = answer("p", kCall);
    EXPECT_EQ(brief(d.actions), "start durable:h:c");
    EXPECT_EQ(waiting("p").at(0).detail, "orchestration c (1)");
    deliver();
    const ExecutionStartedEvent started = request("c").newevents(1).executionstarted();
    EXPECT_EQ(
        text_of(started),
        R"(name: "Child" version { value: "2" } input { value: "5" } orchestrationInstance { )"
        R"(instanceId: "c" executionId { value: ")" +
            of("c").execution_id +
            R"(" } } parentInstance { taskScheduledId: 1 name { value: "Parent" } )"
            R"(version { value: "1" } orchestrationInstance { instanceId: "p" )"
            R"(executionId { value: ")" +
            of("p").execution_id +
            R"(" } } } parentTraceContext { traceParent: "t" } tags { key: "k" value: "v" })");
    EXPECT_EQ(facts("c").parentinstanceid().value(), "p");
    EXPECT_EQ(facts("c").tags().at("k"), "v");
    EXPECT_FALSE(facts("p").has_parentinstanceid());
}

TEST_F(ChildrenTest, AParentHearsOfTheEndOnce) {
    start("p");
    answer("p", kCall);
    deliver();
    EXPECT_EQ(brief(answer("c", completed("COMPLETED", R"(result { value: "x" })")).actions),
              "send durable:h:p");
    deliver();
    ASSERT_EQ(brief(request("p").newevents()), "OS SubOrchestrationInstanceCompleted");
    EXPECT_EQ(text_of(request("p").newevents(1).suborchestrationinstancecompleted()),
              R"(taskScheduledId: 1 result { value: "x" })");
    EXPECT_TRUE(send("p", "event { subOrchestrationInstanceCompleted { taskScheduledId: 1 } }")
                    .events.empty());
}

TEST_F(ChildrenTest, AParentHearsOfAFailure) {
    start("p");
    answer("p", kCall);
    deliver();
    answer("c", completed("FAILED", R"(failureDetails { errorType: "E" errorMessage: "bad" })"));
    deliver();
    EXPECT_EQ(text_of(request("p").newevents(1).suborchestrationinstancefailed()),
              R"(taskScheduledId: 1 failureDetails { errorType: "E" errorMessage: "bad" })");
}

TEST_F(ChildrenTest, AParentHearsThatItsChildWasTerminated) {
    start("p");
    answer("p", kCall);
    deliver();
    signal("c", R"(event { executionTerminated { input { value: "why" } } })");
    deliver();
    EXPECT_EQ(
        text_of(request("p").newevents(1).suborchestrationinstancefailed().failuredetails()),
        R"(errorType: "OrchestrationTerminated" errorMessage: "the orchestration \'c\' was terminated: why")");
}

TEST_F(ChildrenTest, AnIdThatIsTakenIsAFailure) {
    start("c");
    start("p");
    answer("p", kCall);
    deliver();
    EXPECT_EQ(facts("c").name(), "Main");
    EXPECT_EQ(
        text_of(request("p").newevents(1).suborchestrationinstancefailed()),
        R"(taskScheduledId: 1 failureDetails { errorType: "OrchestrationAlreadyExists" errorMessage: )"
        R"("an orchestration with the instance id \'c\' is already running" })");
    // One that calls itself is there, too.
    start("self");
    answer("self", R"(actions { id: 1 createSubOrchestration { instanceId: "self" name: "S" } })");
    deliver();
    EXPECT_EQ(brief(request("self").newevents()), "OS SubOrchestrationInstanceFailed");
}

TEST_F(ChildrenTest, AnIdWhoseExecutionHasEndedIsFree) {
    start("c");
    answer("c", completed("FAILED"));
    start("p");
    answer("p", kCall);
    deliver();
    EXPECT_EQ(facts("c").name(), "Child");
    EXPECT_TRUE(of("c").is_open());
}

TEST_F(ChildrenTest, AChildThatIsReplacedFailsItsParentsCall) {
    start("p");
    answer("p", kCall);
    deliver();
    start("c",
          "request { orchestrationIdReusePolicy { replaceableStatus: ORCHESTRATION_STATUS_PENDING "
          "} }");
    deliver();
    EXPECT_EQ(
        request("p").newevents(1).suborchestrationinstancefailed().failuredetails().errortype(),
        "OrchestrationReplaced");
}

TEST_F(ChildrenTest, TerminationIsRecursiveIfWanted) {
    start("p");
    answer("p", kCall);
    deliver();
    answer("c", R"(actions { id: 1 createSubOrchestration { instanceId: "g" name: "G" } })");
    deliver();
    const Decision d =
        signal("p", R"(event { executionTerminated { input { value: "why" } recurse: true } })");
    EXPECT_EQ(brief(d.actions), "send durable:h:c");
    deliver();
    for (const char* i : {"p", "c", "g"})
        EXPECT_EQ(facts(i).orchestrationstatus(), ORCHESTRATION_STATUS_TERMINATED) << i;
    EXPECT_EQ(instances().at("g").log.back().output, Payload("why"));
    start("p2");
    answer("p2", R"(actions { id: 1 createSubOrchestration { instanceId: "c2" name: "C" } })");
    deliver();
    signal("p2", "event { executionTerminated { } }");
    deliver();
    EXPECT_TRUE(of("c2").is_open());
    answer("c2", completed("COMPLETED"));
    deliver();
}

TEST_F(ChildrenTest, OneOrchestrationTerminatesAnother) {
    start("a");
    start("b");
    answer("a",
           R"(actions { id: 1 terminateOrchestration { instanceId: "b" reason { value: "r" } } })");
    deliver();
    EXPECT_EQ(facts("b").orchestrationstatus(), ORCHESTRATION_STATUS_TERMINATED);
    EXPECT_EQ(instances().at("b").log.back().output, Payload("r"));
}

}  // namespace
}  // namespace tandem::durable
