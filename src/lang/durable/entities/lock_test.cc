// Critical sections: locks are taken in one order, kept for their owner, and never leaked.
#include "lang/durable/testing/world.h"

namespace tandem::durable {
namespace {

class LockTest : public testing::Test, public World {
protected:
    std::string lock(int id, const std::string& section, const std::vector<std::string>& entities) {
        std::string set;
        for (const std::string& e : entities) set += "lockSet: \"" + e + "\" ";
        return "actions { id: " + std::to_string(id) +
               " sendEntityMessage { entityLockRequested { criticalSectionId: \"" + section +
               "\" " + set + "} } } ";
    }
    std::string unlock(int id, const std::string& section, const std::string& entity) {
        return "actions { id: " + std::to_string(id) +
               " sendEntityMessage { entityUnlockSent { criticalSectionId: \"" + section +
               "\" targetInstanceId { value: \"" + entity + "\" } } } } ";
    }
    std::string call(int id, const std::string& request, const std::string& entity) {
        return "actions { id: " + std::to_string(id) +
               " sendEntityMessage { entityOperationCalled { requestId: \"" + request +
               "\" operation: \"" + request + "\" targetInstanceId { value: \"" + entity +
               "\" } } } } ";
    }
    bool is_granted(const std::string& instance) {
        const auto& sections = of(instance).sections;
        return !sections.empty() && sections.begin()->second.is_granted;
    }
    std::string owner(const std::string& e) { return has(e) ? entity(e).lock.owner() : ""; }
    void tell(const std::string& e, const std::string& operation) {
        tell_entity(e, "event { entityOperationSignaled { requestId: \"s\" operation: \"" +
                           operation + "\" } }");
    }
    void hold(const std::string& i, const std::vector<std::string>& entities) {
        start(i);
        answer(i, lock(1, "cs-" + i, entities));
        deliver();
    }
};

TEST_F(LockTest, ASetIsTakenInOrderAndGivenBack) {
    start("i");
    const Decision d = answer("i", lock(1, "s", {"@b@1", "@A@1", "@b@1"}));
    EXPECT_EQ(brief(d.actions), "start durable:h:@a@1");
    deliver();
    EXPECT_EQ(owner("@a@1"), "i");
    EXPECT_EQ(owner("@b@1"), "i");
    ASSERT_TRUE(is_granted("i"));
    EXPECT_EQ(request("i").newevents(1).entitylockgranted().criticalsectionid(), "s");
    EntityFacts facts;
    ASSERT_TRUE(facts.ParseFromString(entity("@a@1").facts().str()));
    EXPECT_EQ(facts.metadata().lockedby().value(), "i");
    answer("i", unlock(2, "s", "@a@1") + unlock(3, "s", "@b@1"));
    deliver();
    EXPECT_EQ(owner("@a@1"), "");
    EXPECT_EQ(owner("@b@1"), "");
    EXPECT_TRUE(of("i").sections.empty());
    ASSERT_TRUE(facts.ParseFromString(entity("@a@1").facts().str()));
    EXPECT_FALSE(facts.metadata().has_lockedby());
}

TEST_F(LockTest, OnlyTheOwnersCallsAreCarriedOut) {
    hold("i", {"@a@1"});
    tell("@a@1", "signal");
    start("other");
    answer("other", call(1, "theirs", "@a@1"));
    deliver();
    EXPECT_EQ(entity("@a@1").task, 0u);
    answer("i", call(2, "mine", "@a@1"));
    deliver();
    ASSERT_EQ(batch("@a@1").operationrequests_size(), 1);
    EXPECT_EQ(batch("@a@1").operationrequests(0).entityoperationcalled().operation(), "mine");
    answer_entity("@a@1", "results { success { } }");
    deliver();
    answer("i", unlock(3, "s", "@a@1"));
    deliver();
    EXPECT_EQ(entity("@a@1").task, 0u) << "the section is another one";
    // The section's own unlock lets the others in, in their order.
    signal("i", R"(event { eventRaised { name: "e" } })");
    answer("i", unlock(4, "cs-i", "@a@1"));
    deliver();
    ASSERT_EQ(batch("@a@1").operationrequests_size(), 2);
    EXPECT_EQ(batch("@a@1").operationrequests(0).entityoperationsignaled().operation(), "signal");
}

TEST_F(LockTest, LocksAreGivenInTheOrderOfTheirRequests) {
    hold("i", {"@a@1"});
    tell("@a@1", "before");
    hold("j", {"@a@1"});
    tell("@a@1", "after");
    hold("k", {"@a@1"});
    EXPECT_EQ(owner("@a@1"), "i");
    EXPECT_FALSE(is_granted("j"));
    answer("i", unlock(2, "cs-i", "@a@1"));
    deliver();
    // What came before j's request is done before j has the lock.
    EXPECT_EQ(owner("@a@1"), "");
    ASSERT_EQ(batch("@a@1").operationrequests_size(), 1);
    answer_entity("@a@1", "results { success { } }");
    deliver();
    EXPECT_EQ(owner("@a@1"), "j");
    EXPECT_TRUE(is_granted("j"));
    answer("j", unlock(2, "cs-j", "@a@1"));
    deliver();
    answer_entity("@a@1", "results { success { } }");
    deliver();
    EXPECT_EQ(owner("@a@1"), "k");
}

TEST_F(LockTest, WhoeverEndsGivesBackWhatIsGranted) {
    hold("i", {"@a@1", "@b@1"});
    answer("i", unlock(2, "cs-i", "@a@1") +
                    "actions { id: 3 completeOrchestration { orchestrationStatus: "
                    "ORCHESTRATION_STATUS_COMPLETED } }");
    deliver();
    EXPECT_EQ(owner("@a@1"), "");
    EXPECT_EQ(owner("@b@1"), "");
}

TEST_F(LockTest, WhoeverEndsBeforeTheGrantGivesBackWhatItHas) {
    hold("i", {"@b@1"});
    start("j");
    answer("j", lock(1, "s", {"@a@1", "@b@1", "@c@1"}));
    deliver();
    EXPECT_EQ(owner("@a@1"), "j");
    signal("j", "event { executionTerminated { } }");
    deliver();
    EXPECT_EQ(owner("@a@1"), "");
    EXPECT_TRUE(entity("@b@1").queue.empty()) << "its request waits no more";
    answer("i", unlock(2, "cs-i", "@b@1"));
    deliver();
    EXPECT_EQ(owner("@b@1"), "");
    EXPECT_FALSE(has("@c@1"));
}

TEST_F(LockTest, AnUnlockDoesNotOvertakeItsRequest) {
    // After every number of messages that were delivered before the end.
    for (int delivered = 0; delivered < 6; ++delivered) {
        const std::string i = "i" + std::to_string(delivered);
        start(i);
        answer(i, lock(1, "s" + i, {"@a@1", "@b@1", "@c@1"}));
        for (int n = 0; n < delivered; ++n) deliver_one();
        signal(i, "event { executionTerminated { } }");
        deliver();
        for (const char* e : {"@a@1", "@b@1", "@c@1"}) EXPECT_EQ(owner(e), "") << delivered << e;
    }
}

TEST_F(LockTest, ContinueAsNewAndReplacementGiveBackToo) {
    hold("i", {"@a@1"});
    answer("i",
           "actions { id: 2 completeOrchestration { orchestrationStatus: "
           "ORCHESTRATION_STATUS_CONTINUED_AS_NEW } }");
    deliver();
    EXPECT_EQ(owner("@a@1"), "");
    answer("i", lock(1, "s2", {"@a@1"}));
    deliver();
    EXPECT_EQ(owner("@a@1"), "i");
    start("i", R"(request { orchestrationIdReusePolicy {
        replaceableStatus: ORCHESTRATION_STATUS_RUNNING } })");
    deliver();
    EXPECT_EQ(owner("@a@1"), "");
}

TEST_F(LockTest, ALaterGenerationIsNotTheOwner) {
    hold("i", {"@a@1"});
    // The same instance under another execution id: it waits like everybody.
    tell_entity("@a@1", R"(event { entityOperationCalled { requestId: "q" operation: "q"
        parentInstanceId { value: "i" } parentExecutionId { value: "another" } } })");
    EXPECT_EQ(entity("@a@1").task, 0u);
    EXPECT_EQ(entity("@a@1").queue.size(), 1u);
}

TEST_F(LockTest, ARewindAsksAgainForWhatHasNoAnswer) {
    hold("other", {"@a@1"});
    start("i");
    answer("i", lock(1, "s", {"@a@1"}) + call(2, "q", "@b@1"));
    deliver();
    signal("i", R"(event { eventRaised { name: "e" } })");
    answer("i", R"(actions { id: 3 completeOrchestration {
        orchestrationStatus: ORCHESTRATION_STATUS_FAILED } })");
    deliver();
    EXPECT_TRUE(entity("@a@1").queue.empty());
    redrive("i", "again");
    OrchestratorResponse response;
    response.set_instanceid("i");
    auto* rewind = response.add_actions()->mutable_rewindorchestration();
    const OrchestratorRequest asked = request("i");
    for (HistoryEvent event : asked.pastevents()) {
        if (event.has_executioncompleted()) continue;
        if (event.has_executionstarted())
            event.mutable_executionstarted()
                ->mutable_orchestrationinstance()
                ->mutable_executionid()
                ->set_value("second");
        *rewind->add_newhistory() = event;
    }
    TaskResult result;
    result.payload = Payload(response.SerializeAsString());
    answer_with("i", std::move(result));
    deliver();
    ASSERT_EQ(entity("@a@1").queue.size(), 1u);
    EXPECT_EQ(entity("@a@1").queue.front().owner_generation, "second");
    EXPECT_EQ(entity("@b@1").backlog(), 2u);
    EXPECT_EQ(of("i").calls.size(), 1u);
}

TEST_F(LockTest, WhatIsNotHeldIsNotGivenBack) {
    start("i");
    answer("i", lock(1, "s", {"@a@1", "@b@1"}) + unlock(2, "s", "@a@1"));
    deliver();
    EXPECT_EQ(owner("@a@1"), "i");
    signal("i", "event { executionTerminated { } }");
    deliver();
    EXPECT_EQ(owner("@a@1"), "");
    EXPECT_EQ(owner("@b@1"), "");
    // Nor is what somebody else holds under the same name.
    hold("j", {"@a@1"});
    send("@a@1", R"(event { entityUnlockSent { criticalSectionId: "cs-j"
        parentInstanceId { value: "other" } } })");
    EXPECT_EQ(owner("@a@1"), "j");
    EXPECT_TRUE(entity("@a@1").is_held());
}

TEST_F(LockTest, ARewoundHistoryIsCheckedLikeAnAnswer) {
    for (const char* event :
         {R"(entityLockRequested { criticalSectionId: "s" })",
          R"(entityLockRequested { criticalSectionId: "s" lockSet: "nobody" })",
          R"(entityOperationCalled { requestId: "q" targetInstanceId { value: "i" } })",
          R"(subOrchestrationInstanceCreated { instanceId: "@a@1" name: "n" })"}) {
        const std::string i = "i" + std::to_string(instances().size());
        start(i);
        answer(i, R"(actions { id: 3 completeOrchestration {
            orchestrationStatus: ORCHESTRATION_STATUS_FAILED } })");
        redrive(i, "again");
        answer(i, std::string(R"(actions { id: 1 rewindOrchestration {
            newHistory { eventId: -1 executionStarted { name: "Main" } }
            newHistory { eventId: 1 )") +
                      event + " } } }");
        EXPECT_EQ(facts(i).failuredetails().errortype(), "InvalidWorkerResponse") << event;
    }
}

TEST_F(LockTest, AnOrchestrationHasNoEntitysId) {
    start("i");
    answer("i", R"(actions { id: 1 createSubOrchestration { instanceId: "@a@1" name: "n" } })");
    EXPECT_EQ(facts("i").failuredetails().errortype(), "InvalidWorkerResponse");
    tell("@a@1", "go");
    EXPECT_TRUE(answer_entity("@a@1", R"(results { success { } }
        actions { id: 1 startNewOrchestration { instanceId: "@b@1" name: "n" } })")
                    .actions.empty());
}

}  // namespace
}  // namespace tandem::durable
