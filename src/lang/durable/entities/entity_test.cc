// Operations: what entities are told, how batches are answered, what a long log becomes.
#include "lang/durable/testing/world.h"

namespace tandem::durable {
namespace {

constexpr const char* kCounter = "@counter@a";

std::string op(const std::string& operation, const std::string& more = {}) {
    return R"(event { entityOperationSignaled { requestId: "r" operation: ")" + operation + "\" " +
           more + "} }";
}

std::string call(const std::string& request, const std::string& target = kCounter) {
    return R"(sendEntityMessage { entityOperationCalled { requestId: ")" + request +
           R"(" operation: "get" input { value: "1" } targetInstanceId { value: ")" + target +
           "\" } } }";
}

class EntityTest : public testing::Test, public World {
protected:
    std::string operations() {
        std::string out;
        const EntityRequest request = batch(kCounter);
        for (const HistoryEvent& event : request.operationrequests()) {
            if (!out.empty()) out += ' ';
            out += event.has_entityoperationcalled() ? event.entityoperationcalled().operation()
                                                     : event.entityoperationsignaled().operation();
        }
        return out;
    }
    EntityMetadata shown() {
        Inspection inspection;
        EXPECT_TRUE(inspection.ParseFromString(inspection_of(entity(kCounter)).str()));
        return inspection.entity().metadata();
    }
};

TEST_F(EntityTest, ASignalBeginsItAndIsOneBatch) {
    const Decision d = tell_entity(kCounter, op("add", R"(input { value: "5" })"));
    EXPECT_EQ(brief(d.events), "ExecutionStarted MessageReceived TurnScheduled");
    EXPECT_EQ(brief(d.actions), "run entity");
    const EntityRequest request = batch(kCounter);
    EXPECT_EQ(request.instanceid(), kCounter);
    EXPECT_EQ(request.executionid().size(), 32u);
    EXPECT_FALSE(request.has_entitystate());
    ASSERT_EQ(request.operationrequests_size(), 1);
    EXPECT_EQ(request.operationrequests(0).entityoperationsignaled().input().value(), "5");
    const Decision answered =
        answer_entity(kCounter, R"(results { success { } } entityState { value: "5" })");
    EXPECT_EQ(brief(answered.events), "TurnCompleted");
    EXPECT_TRUE(answered.actions.empty());
    EXPECT_EQ(shown().serializedstate().value(), "5");
    EXPECT_EQ(shown().backlogqueuesize(), 0);
}

TEST_F(EntityTest, WhatComesWhileAWorkerHasABatchIsTheNextOne) {
    tell_entity(kCounter, op("a"));
    EXPECT_TRUE(tell_entity(kCounter, op("b")).actions.empty());
    tell_entity(kCounter, op("c"));
    EXPECT_EQ(operations(), "a");
    EXPECT_EQ(shown().backlogqueuesize(), 3);
    answer_entity(kCounter, R"(results { success { } } entityState { value: "1" })");
    EXPECT_EQ(operations(), "b c");
    EXPECT_EQ(batch(kCounter).entitystate().value(), "1");
}

TEST_F(EntityTest, FewerResultsThanOperationsLeaveTheRest) {
    tell_entity(kCounter, op("a"));
    for (const char* operation : {"b", "c", "d"}) tell_entity(kCounter, op(operation));
    answer_entity(kCounter, "results { success { } }");
    answer_entity(kCounter, "results { success { } } results { success { } }");
    EXPECT_EQ(operations(), "d");
}

TEST_F(EntityTest, ABatchIsBounded) {
    tell_entity(kCounter, op("first"));
    for (int i = 0; i < 2'500; ++i) tell_entity(kCounter, op("s"));
    const auto answer_all = [&] {
        const int size = batch(kCounter).operationrequests_size();
        std::string results;
        for (int i = 0; i < size; ++i) results += "results { success { } } ";
        answer_entity(kCounter, results);
        return size;
    };
    EXPECT_EQ(answer_all(), 1);
    EXPECT_EQ(answer_all(), 1'000);
    EXPECT_EQ(answer_all(), 1'000);
    EXPECT_EQ(answer_all(), 500);
    // By their bytes too, but one is always let through.
    const std::string large(700'000, 'x');
    tell_entity(kCounter, op("first"));
    tell_entity(kCounter, op("l1", "input { value: \"" + large + large + "\" }"));
    tell_entity(kCounter, op("l2", "input { value: \"" + large + "\" }"));
    tell_entity(kCounter, op("l3", "input { value: \"" + large + "\" }"));
    answer_entity(kCounter, "results { success { } }");
    EXPECT_EQ(operations(), "l1");
    answer_entity(kCounter, "results { success { } }");
    EXPECT_EQ(operations(), "l2");
}

TEST_F(EntityTest, ABatchLeavesRoomForTheState) {
    tell_entity(kCounter, op("set"));
    answer_entity(kCounter, "results { success { } } entityState { value: \"" +
                                std::string(3'900'000, 's') + "\" }");
    tell_entity(kCounter, op("first"));
    const std::string input = "input { value: \"" + std::string(60'000, 'x') + "\" }";
    for (const char* operation : {"a", "b", "c"}) tell_entity(kCounter, op(operation, input));
    answer_entity(kCounter, "results { success { } } entityState { value: \"" +
                                std::string(3'900'000, 't') + "\" }");
    EXPECT_EQ(operations(), "a");
}

TEST_F(EntityTest, ACallIsAnsweredOnce) {
    start("i");
    const Decision turn = answer("i", "actions { id: 1 " + call("q") + " }");
    EXPECT_EQ(brief(turn.actions), "start durable:h:@counter@a");
    deliver();
    const EntityRequest request = batch(kCounter);
    EXPECT_EQ(request.operationrequests(0).entityoperationcalled().parentinstanceid().value(), "i");
    answer_entity(kCounter, R"(results { success { result { value: "7" } } })");
    deliver();
    const OrchestratorRequest next = this->request("i");
    ASSERT_EQ(next.newevents_size(), 2);
    EXPECT_EQ(next.newevents(1).entityoperationcompleted().requestid(), "q");
    EXPECT_EQ(next.newevents(1).entityoperationcompleted().output().value(), "7");
    // Again, or of another request, or of another generation, it is nothing.
    answer("i", "");
    for (const char* again :
         {R"(event { entityOperationCompleted { requestId: "q" } })",
          R"(event { entityOperationFailed { requestId: "other" } })",
          R"(event { entityOperationCompleted { requestId: "q" } } execution_id: "x")"})
        EXPECT_TRUE(send("i", again).events.empty()) << again;
    EXPECT_EQ(history("i"), "OS ES EntityOperationCalled(1) OS EntityOperationCompleted");
}

TEST_F(EntityTest, AFailedCallIsHeardOf) {
    start("i");
    answer("i", "actions { id: 1 " + call("q") + " }");
    deliver();
    answer_entity(kCounter, R"(results { failure { failureDetails { errorType: "E"
        errorMessage: "no" } } } entityState { value: "same" })");
    deliver();
    const HistoryEvent event = request("i").newevents(1);
    EXPECT_EQ(event.entityoperationfailed().failuredetails().errortype(), "E");
    EXPECT_EQ(shown().serializedstate().value(), "same");
}

TEST_F(EntityTest, AnswersThatMakeNoSenseFailTheBatchAndKeepTheState) {
    tell_entity(kCounter, op("set"));
    answer_entity(kCounter, R"(results { success { } } entityState { value: "kept" })");
    const auto failure_after = [&](const std::string& result) {
        const std::string i = "i" + std::to_string(instances().size());
        start(i);
        answer(i, "actions { id: 1 " + call("q") + " }");
        deliver();
        if (result == "lost") {
            TaskResult lost;
            lost.outcome = TaskOutcome::kRejected;
            lost.error = "WorkItemTooLarge";
            complete(kCounter, entity(kCounter).task, lost);
        } else if (result == "garbage") {
            TaskResult garbage;
            garbage.payload = Payload("\xff\xff");
            complete(kCounter, entity(kCounter).task, garbage);
        } else {
            answer_entity(kCounter, result);
        }
        deliver();
        EXPECT_EQ(shown().serializedstate().value(), "kept");
        EXPECT_EQ(entity(kCounter).backlog(), 0u);
        return request(i).newevents(1).entityoperationfailed().failuredetails().errortype();
    };
    EXPECT_EQ(failure_after(R"(failureDetails { errorType: "Whole" })"), "Whole");
    EXPECT_EQ(failure_after("results { success { } } results { success { } }"),
              "InvalidWorkerResponse");
    EXPECT_EQ(failure_after(R"(entityState { value: "x" })"), "InvalidWorkerResponse");
    EXPECT_EQ(failure_after("garbage"), "InvalidWorkerResponse");
    EXPECT_EQ(failure_after("lost"), "WorkItemTooLarge");
}

TEST_F(EntityTest, ItSignalsOthersAndStartsOrchestrations) {
    tell_entity(kCounter, op("go"));
    const Decision d = answer_entity(kCounter, R"(results { success { } }
        actions { id: 1 sendSignal { instanceId: "@Other@b" name: "add" input { value: "1" } } }
        actions { id: 2 startNewOrchestration { instanceId: "o" name: "Main" input { value: "2" } } }
        actions { id: 3 startNewOrchestration { name: "Main" } }
        actions { id: 4 sendSignal { instanceId: "nobody" name: "add" } })");
    EXPECT_EQ(d.actions.size(), 3u);
    deliver();
    EXPECT_EQ(batch("@other@b").operationrequests(0).entityoperationsignaled().operation(), "add");
    EXPECT_EQ(request("o").newevents(1).executionstarted().input().value(), "2");
    EXPECT_EQ(instances().size(), 4u);
}

TEST_F(EntityTest, NoStateIsDeleted) {
    tell_entity(kCounter, op("set"));
    answer_entity(kCounter, R"(results { success { } } entityState { value: "" })");
    EXPECT_TRUE(shown().has_serializedstate());
    tell_entity(kCounter, op("delete"));
    EXPECT_TRUE(batch(kCounter).has_entitystate());
    answer_entity(kCounter, "results { success { } }");
    EXPECT_FALSE(shown().has_serializedstate());
    EXPECT_TRUE(entity(kCounter).is_empty());
}

TEST_F(EntityTest, OnlyAnEmptyOneIsCleanedAway) {
    const auto stop = [&] {
        Input input;
        input.type = InputType::kStop;
        return decide(kCounter, std::move(input));
    };
    tell_entity(kCounter, op("set"));
    EXPECT_TRUE(stop().events.empty());
    answer_entity(kCounter, R"(results { success { } } entityState { value: "1" })");
    EXPECT_TRUE(stop().events.empty());
    tell_entity(kCounter, op("delete"));
    answer_entity(kCounter, "results { success { } }");
    EXPECT_EQ(brief(stop().events), "ExecutionSucceeded");
    EXPECT_EQ(brief(tell_entity(kCounter, op("again")).events),
              "ExecutionStarted MessageReceived TurnScheduled");
    EXPECT_EQ(operations(), "again");
}

TEST_F(EntityTest, ADelayedSignalIsHeldUntilItsTime) {
    const auto at = [&](int64_t ms) {
        google::protobuf::Timestamp time;
        const int64_t when = to_micros(now()) / 1'000 + ms;
        return "scheduledTime { seconds: " + std::to_string(when / 1'000) +
               " nanos: " + std::to_string(when % 1'000 * 1'000'000) + " }";
    };
    tell_entity(kCounter, op("late", at(2'000)));
    tell_entity(kCounter, op("later", at(3'000)));
    tell_entity(kCounter, op("past", at(-2'000)));
    EXPECT_EQ(operations(), "past");
    answer_entity(kCounter, "results { success { } }");
    EXPECT_EQ(entity(kCounter).next_due(), now() + std::chrono::milliseconds(2'000));
    EXPECT_TRUE(timer(kCounter).events.empty());
    advance(2'500);
    timer(kCounter);
    EXPECT_EQ(operations(), "late");
    EXPECT_FALSE(entity(kCounter).is_empty());
}

TEST_F(EntityTest, ALongLogBeginsAnew) {
    size_t longest = 0;
    for (int i = 0; i < 3'000; ++i) {
        tell_entity(kCounter, op("add"));
        answer_entity(kCounter, "results { success { } } entityState { value: \"" +
                                    std::to_string(i) + "\" }");
        longest = std::max(longest, instances().at(kCounter).log.size());
        if (i % 500 == 0) crash(kCounter);
    }
    EXPECT_LT(longest, 1'000u);
    EXPECT_EQ(shown().serializedstate().value(), "2999");
    EXPECT_EQ(instances().at(kCounter).log.front().type, EventType::kExecutionStarted);
}

TEST_F(EntityTest, ACallThatMakesNoSenseFailsTheOrchestration) {
    const auto error_of = [&](const std::string& action) {
        const std::string i = "i" + std::to_string(instances().size());
        start(i);
        answer(i, "actions { id: 1 " + action + " }");
        return facts(i).failuredetails().errormessage();
    };
    EXPECT_NE(error_of(call("q", "counter")).find("is not the id of an entity"), std::string::npos);
    EXPECT_NE(error_of(call("")).find("no request id"), std::string::npos);
    EXPECT_NE(error_of(call("q") + " } actions { id: 2 " + call("q")).find("in use"),
              std::string::npos);
    EXPECT_NE(error_of("sendEntityMessage { }").find("unknown type"), std::string::npos);
    EXPECT_NE(error_of(R"(sendEntityMessage { entityLockRequested { criticalSectionId: "s" } })")
                  .find("locks 0 entities"),
              std::string::npos);
}

}  // namespace
}  // namespace tandem::durable
