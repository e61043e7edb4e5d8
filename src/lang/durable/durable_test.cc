// Orchestrations by themselves: turns, activities, timers, events, status.
#include "lang/durable/events.h"
#include "lang/durable/testing/world.h"

namespace tandem::durable {
namespace {

const char* const kDone =
    R"(actions { id: 9 completeOrchestration { orchestrationStatus: ORCHESTRATION_STATUS_COMPLETED result { value: "42" } } })";

class DurableTest : public testing::Test, protected World {};

TEST_F(DurableTest, TheFirstTurnHasTheStart) {
    const Decision d = start("i",
                             R"(request { name: "Hello" version { value: "1.5" }
                                  tags { key: "k" value: "v" }
                                  parentTraceContext { traceParent: "00-a-b-01" } })",
                             "\"Oslo\"");
    EXPECT_EQ(brief(d.events), "ExecutionStarted");
    ASSERT_EQ(brief(d.actions), "run orchestrator");
    Routing routing;
    ASSERT_TRUE(routing.ParseFromString(d.actions[0].client_context.str()));
    EXPECT_EQ(text_of(routing), R"(hub: "h" name: "Hello" version: "1.5" instance: "i")");
    const OrchestratorRequest r = request("i");
    const std::string execution = of("i").execution_id;
    EXPECT_EQ(execution.size(), 32u);
    EXPECT_EQ(execution.find_first_not_of("0123456789abcdef"), std::string::npos);
    EXPECT_EQ(r.instanceid(), "i");
    EXPECT_EQ(r.executionid().value(), execution);
    EXPECT_EQ(r.pastevents_size(), 0);
    ASSERT_EQ(brief(r.newevents()), "OS ES");
    EXPECT_EQ(text_of(r.newevents(1)),
              R"(eventId: -1 timestamp { seconds: 1700000000 } executionStarted { name: "Hello" )"
              R"(version { value: "1.5" } input { value: "\"Oslo\"" } orchestrationInstance { )"
              R"(instanceId: "i" executionId { value: ")" +
                  execution +
                  R"(" } } parentTraceContext { traceParent: "00-a-b-01" } )"
                  R"(tags { key: "k" value: "v" } })");
    EXPECT_EQ(r.newevents(0).timestamp().seconds(), 1'700'000'000);
    EXPECT_EQ(facts("i").orchestrationstatus(), ORCHESTRATION_STATUS_PENDING);
}

TEST_F(DurableTest, AHistoryIsExact) {
    start("i");
    answer("i", R"(actions { id: 1 scheduleTask { name: "a" } })");
    answer_activity("i", 1, R"(result { value: "1" })");
    answer("i", R"(actions { id: 2 createTimer { fireAt { seconds: 1700000001 } } })");
    advance(1'000);
    timer("i");
    answer("i", R"(actions { id: 3 createSubOrchestration { name: "Child" } })");
    deliver();
    const std::string child = of("i").execution_id + ":0003";
    answer(child, kDone);
    deliver();
    answer("i", R"(actions { id: 4 completeOrchestration {
                     orchestrationStatus: ORCHESTRATION_STATUS_COMPLETED result { value: "x" } } })");
    EXPECT_EQ(history("i"),
              "OS ES TaskScheduled(1) OS TaskCompleted[1] TimerCreated(2) OS TimerFired[2] "
              "SubOrchestrationInstanceCreated(3) OS SubOrchestrationInstanceCompleted EC(4)");
    EXPECT_FALSE(of("i").is_open());
    const Event& end = instances().at("i").log.back();
    EXPECT_EQ(end.type, EventType::kExecutionSucceeded);
    EXPECT_EQ(end.output, Payload("x"));
}

TEST_F(DurableTest, AnActivityIsCalledAsTheActionSays) {
    start("i");
    const Decision d =
        answer("i", R"(actions { id: 1 scheduleTask { name: "a" version { value: "2" }
        input { value: "7" } tags { key: "k" value: "v" } parentTraceContext { traceParent: "t" } } })");
    EXPECT_EQ(brief(d.events), "TurnCompleted HistoryEvent");
    ASSERT_EQ(brief(d.actions), "run activity");
    EXPECT_EQ(text_of(activity("i", 1)),
              R"(name: "a" version { value: "2" } input { value: "7" } orchestrationInstance { )"
              R"(instanceId: "i" executionId { value: ")" +
                  of("i").execution_id +
                  R"(" } } taskId: 1 parentTraceContext { traceParent: "t" } )"
                  R"(tags { key: "k" value: "v" })");
    Routing routing;
    ASSERT_TRUE(routing.ParseFromString(d.actions[0].client_context.str()));
    EXPECT_EQ(text_of(routing), R"(hub: "h" name: "a" version: "2" instance: "i" task: 1)");
    EXPECT_EQ(facts("i").orchestrationstatus(), ORCHESTRATION_STATUS_RUNNING);
    ASSERT_EQ(waiting("i").size(), 1u);
    EXPECT_EQ(waiting("i")[0].detail, "activity a (1)");
}

TEST_F(DurableTest, AnActivityIsAnsweredOnce) {
    start("i");
    answer("i", R"(actions { id: 1 scheduleTask { name: "a" } }
                   actions { id: 2 scheduleTask { name: "b" } })");
    const TaskId first = of("i").activities.begin()->first;
    EXPECT_EQ(brief(answer_activity("i", 1, R"(result { value: "" })").actions),
              "run orchestrator");
    const OrchestratorRequest r = request("i");
    EXPECT_EQ(brief(r.pastevents()), "OS ES TaskScheduled(1) TaskScheduled(2)");
    ASSERT_EQ(brief(r.newevents()), "OS TaskCompleted[1]");
    EXPECT_TRUE(r.newevents(1).taskcompleted().has_result()) << "empty is not absent";
    TaskResult again;
    again.payload =
        Payload(parsed<ActivityResponse>(R"(instanceId: "i" taskId: 1)").SerializeAsString());
    EXPECT_TRUE(complete("i", first, again).events.empty());
    // What comes while a turn is under way waits for the next one.
    EXPECT_TRUE(answer_activity("i", 2, R"(failureDetails { errorType: "E" errorMessage: "m" })")
                    .actions.empty());
    const Decision d = answer("i", "");
    EXPECT_EQ(brief(d.actions), "run orchestrator");
    EXPECT_EQ(brief(request("i").newevents()), "OS TaskFailed[2]");
    EXPECT_EQ(request("i").newevents(1).taskfailed().failuredetails().errormessage(), "m");
    EXPECT_FALSE(parsed<ActivityResponse>("").has_result());
}

TEST_F(DurableTest, AFailureThatIsNestedTooDeepIsRefused) {
    start("i");
    answer("i", "actions { id: 1 scheduleTask { name: \"a\" } }");
    std::string failure = R"(errorType: "E")";
    for (int i = 0; i < 90; ++i) failure = "innerFailure { " + failure + " }";
    answer_activity("i", 1, "failureDetails { " + failure + " }");
    EXPECT_EQ(request("i").newevents(1).taskfailed().failuredetails().errortype(),
              "InvalidWorkerResponse");
}

TEST_F(DurableTest, AnActivityThatCannotRunHasFailed) {
    start("i");
    answer("i", R"(actions { id: 1 scheduleTask { name: "a" } }
                   actions { id: 2 scheduleTask { name: "b" } }
                   actions { id: 3 scheduleTask { name: "c" } }
                   actions { id: 4 scheduleTask { name: "d" } })");
    TaskResult rejected;
    rejected.outcome = TaskOutcome::kRejected;
    rejected.error = "WorkItemTooLarge";
    rejected.cause = "5 MiB";
    complete("i", of("i").activities.begin()->first, rejected);
    EXPECT_EQ(
        text_of(request("i").newevents(1).taskfailed()),
        R"(taskScheduledId: 1 failureDetails { errorType: "WorkItemTooLarge" errorMessage: "5 MiB" })");
    TaskResult garbage;
    garbage.payload = Payload("\x0a\xff garbage");
    complete("i", of("i").activities.begin()->first, garbage);
    answer_activity("i", 3, R"(instanceId: "other")");
    answer_activity("i", 4, "taskId: 5");
    answer("i", "");
    const OrchestratorRequest r = request("i");
    ASSERT_EQ(brief(r.newevents()), "OS TaskFailed[2] TaskFailed[3] TaskFailed[4]");
    for (int n = 1; n <= 3; ++n)
        EXPECT_EQ(r.newevents(n).taskfailed().failuredetails().errortype(),
                  "InvalidWorkerResponse");
}

TEST_F(DurableTest, TimersFireWhenTheyAreDue) {
    start("i");
    answer("i", R"(actions { id: 1 createTimer { fireAt { seconds: 1700000010 nanos: 1 } } }
                   actions { id: 2 createTimer { fireAt { seconds: 1600000000 } } }
                   actions { id: 3 createTimer { fireAt { seconds: 1700000010 } } })");
    EXPECT_EQ(to_micros(of("i").next_due()), 1'600'000'000'000'000) << "in the past: at once";
    EXPECT_EQ(brief(timer("i").actions), "run orchestrator");
    EXPECT_EQ(brief(request("i").newevents()), "OS TimerFired[2]");
    answer("i", "");
    EXPECT_TRUE(timer("i").events.empty());
    advance(10'000);
    timer("i");
    ASSERT_EQ(brief(request("i").newevents()), "OS TimerFired[3]");
    EXPECT_EQ(request("i").newevents(1).timerfired().fireat().seconds(), 1'700'000'010);
    EXPECT_EQ(to_micros(of("i").next_due()), 1'700'000'010'000'001) << "never before its time";
    advance(1);
    timer("i");
    answer("i", "");
    EXPECT_EQ(brief(request("i").newevents()), "OS TimerFired[1]");
    EXPECT_EQ(of("i").next_due(), kNever);
}

TEST_F(DurableTest, SeveralThatAreDueAreOneTurn) {
    start("i");
    std::string actions;
    for (int n = 1; n <= 600; ++n)
        actions +=
            "actions { id: " + std::to_string(n) + " createTimer { fireAt { seconds: 1 } } }";
    answer("i", actions);
    EXPECT_EQ(timer("i").events.size(), kFiredTimers) << "a decision is bounded";
    EXPECT_EQ(request("i").newevents_size(), int(kFiredTimers) + 1);
    EXPECT_LE(of("i").next_due(), now());
    timer("i");
    EXPECT_EQ(of("i").next_due(), kNever);
    answer("i", "");
    EXPECT_EQ(request("i").newevents_size(), 101);
}

TEST_F(DurableTest, ExternalEventsArriveInOrderAndAsTheyAreWritten) {
    start("i");
    EXPECT_TRUE(signal("i", R"(event { eventRaised { name: "Go" input { value: "1" } } })")
                    .actions.empty());
    signal("i", R"(event { eventRaised { name: "gO" } })");
    answer("i", "");
    const OrchestratorRequest r = request("i");
    ASSERT_EQ(brief(r.newevents()), "OS EventRaised EventRaised");
    EXPECT_EQ(text_of(r.newevents(1).eventraised()), R"(name: "Go" input { value: "1" })");
    EXPECT_EQ(text_of(r.newevents(2).eventraised()), R"(name: "gO")");
    EXPECT_EQ(r.newevents(1).timestamp().seconds(), 1'700'000'000);
    answer("i", "");
    EXPECT_EQ(waiting("i").at(0).detail, "an external event");
}

TEST_F(DurableTest, ATurnTakesSoManyEvents) {
    start("i");
    for (int n = 0; n < 1'500; ++n) signal("i", R"(event { eventRaised { name: "e" } })");
    answer("i", "");
    EXPECT_EQ(request("i").newevents_size(), 1'001);
    answer("i", "");
    EXPECT_EQ(request("i").newevents_size(), 501);
}

TEST_F(DurableTest, AWorkerMayTakeAPartOfTheEvents) {
    start("i");
    answer("i", "");
    for (int n = 0; n < 3; ++n) {
        signal("i", R"(event { eventRaised { name: "e)" + std::to_string(n) + R"(" } })");
    }
    answer("i", "");  // of the first
    EXPECT_EQ(brief(request("i").newevents()), "OS EventRaised EventRaised");
    answer("i", "numEventsProcessed { value: 1 }");
    ASSERT_EQ(brief(request("i").newevents()), "OS EventRaised");
    EXPECT_EQ(request("i").newevents(1).eventraised().name(), "e2");
    EXPECT_EQ(history("i"), "OS ES OS EventRaised OS EventRaised");
    // As the later ones of chunked answers say; it would be the same turn for ever.
    answer("i", "numEventsProcessed { value: 0 }");
    EXPECT_EQ(history("i"), "OS ES OS EventRaised OS EventRaised OS EventRaised");
    EXPECT_EQ(of("i").turn.task, 0u);
}

TEST_F(DurableTest, EventsAreSentToOthers) {
    start("a");
    start("b");
    const Decision d = answer("a", R"(
        actions { id: 1 sendEvent { instance { instanceId: "b" } name: "Hi" data { value: "1" } } }
        actions { id: 2 sendEvent { instance { instanceId: "nobody" } name: "Hi" } }
        actions { id: 3 sendEvent { instance { } name: "Hi" } })");
    EXPECT_EQ(brief(d.actions), "send durable:h:b, send durable:h:nobody");
    deliver();
    answer("b", "");
    EXPECT_EQ(text_of(request("b").newevents(1).eventraised()),
              R"(name: "Hi" input { value: "1" })");
    EXPECT_EQ(history("a"), "OS ES EventSent(1) EventSent(2) EventSent(3)");
    EXPECT_FALSE(has("nobody"));
}

TEST_F(DurableTest, TheCustomStatusIsTheLastTurns) {
    start("i");
    EXPECT_FALSE(facts("i").has_customstatus());
    answer("i", R"(customStatus { value: "" } )");
    ASSERT_TRUE(facts("i").has_customstatus());
    EXPECT_EQ(facts("i").customstatus().value(), "");
    signal("i", R"(event { eventRaised { name: "e" } })");
    answer("i", R"(customStatus { value: "half" })");
    EXPECT_EQ(facts("i").customstatus().value(), "half");
    signal("i", R"(event { eventRaised { name: "e" } })");
    answer("i", kDone);
    EXPECT_FALSE(facts("i").has_customstatus());
    EXPECT_EQ(facts("i").orchestrationstatus(), ORCHESTRATION_STATUS_COMPLETED);
    EXPECT_TRUE(facts("i").has_completedtimestamp());
}

TEST_F(DurableTest, TheTraceContextIsEchoed) {
    start("i");
    EXPECT_FALSE(request("i").has_orchestrationtracecontext());
    answer("i", R"(orchestrationTraceContext { spanID { value: "s1" } })");
    signal("i", R"(event { eventRaised { name: "e" } })");
    EXPECT_EQ(request("i").orchestrationtracecontext().spanid().value(), "s1");
}

TEST_F(DurableTest, AnOrchestrationFails) {
    start("i");
    answer("i", R"(actions { id: -1 completeOrchestration {
        orchestrationStatus: ORCHESTRATION_STATUS_FAILED
        failureDetails { errorType: "E" errorMessage: "bad" stackTrace { value: "at" } } } })");
    const Event& end = instances().at("i").log.back();
    EXPECT_EQ(end.type, EventType::kExecutionFailed);
    EXPECT_EQ(end.error, "E");
    EXPECT_EQ(end.cause, "bad");
    EXPECT_EQ(facts("i").orchestrationstatus(), ORCHESTRATION_STATUS_FAILED);
    EXPECT_EQ(facts("i").failuredetails().stacktrace().value(), "at");
    EXPECT_EQ(history("i"), "OS ES EC");
}

TEST_F(DurableTest, AScheduledStartWaits) {
    const Decision d = start("i", R"(request { scheduledStartTimestamp { seconds: 1700000060 } })");
    EXPECT_TRUE(d.actions.empty());
    EXPECT_EQ(facts("i").orchestrationstatus(), ORCHESTRATION_STATUS_PENDING);
    EXPECT_EQ(facts("i").scheduledstarttimestamp().seconds(), 1'700'000'060);
    EXPECT_TRUE(signal("i", R"(event { eventRaised { name: "e" } })").actions.empty());
    EXPECT_TRUE(timer("i").events.empty());
    EXPECT_EQ(waiting("i").at(0).detail, "its scheduled start");
    advance(60'000);
    EXPECT_EQ(brief(timer("i").actions), "run orchestrator");
    EXPECT_EQ(brief(request("i").newevents()), "OS ES EventRaised");
    EXPECT_EQ(request("i").newevents(0).timestamp().seconds(), 1'700'000'060);
    // What JavaScript's client always sends.
    EXPECT_EQ(brief(start("j", "request { scheduledStartTimestamp { } }").actions),
              "run orchestrator");
}

TEST_F(DurableTest, OneThatIsSuspendedSaysSo) {
    start("i");
    answer("i", "");
    signal("i", R"(event { executionSuspended { input { value: "why" } } })");
    EXPECT_EQ(facts("i").orchestrationstatus(), ORCHESTRATION_STATUS_RUNNING);
    answer("i", "");
    EXPECT_EQ(facts("i").orchestrationstatus(), ORCHESTRATION_STATUS_SUSPENDED);
    EXPECT_EQ(waiting("i").at(0).detail, "being resumed");
    signal("i", R"(event { eventRaised { name: "e" } })");
    EXPECT_EQ(brief(request("i").newevents()), "OS EventRaised") << "the worker keeps it";
    answer("i", "");
    signal("i", R"(event { executionResumed { } })");
    answer("i", "");
    EXPECT_EQ(facts("i").orchestrationstatus(), ORCHESTRATION_STATUS_RUNNING);
    signal("i", R"(event { executionSuspended { } })");
    answer("i", kDone);
    EXPECT_EQ(facts("i").orchestrationstatus(), ORCHESTRATION_STATUS_COMPLETED);
}

TEST_F(DurableTest, OneIsTerminatedWithoutAWorker) {
    start("i");
    answer("i", R"(actions { id: 1 scheduleTask { name: "a" } })");
    signal("i", R"(event { eventRaised { name: "e" } })");
    const Decision d =
        signal("i", R"(event { executionTerminated { input { value: "\"why\"" } } })");
    EXPECT_EQ(brief(d.events), "MessageReceived TurnCompleted HistoryEvent ExecutionAborted");
    EXPECT_EQ(brief(d.actions), "cancel, cancel");
    EXPECT_EQ(d.events.back().output, Payload("\"why\""));
    EXPECT_EQ(d.events.back().error, "TERMINATED");
    EXPECT_EQ(facts("i").orchestrationstatus(), ORCHESTRATION_STATUS_TERMINATED);
    EXPECT_EQ(history("i"), "OS ES TaskScheduled(1) OS EventRaised ExecutionTerminated EC");
    EXPECT_TRUE(signal("i", R"(event { eventRaised { name: "e" } })").events.empty());
    start("late", R"(request { scheduledStartTimestamp { seconds: 1800000000 } })");
    signal("late", "event { executionTerminated { } }");
    EXPECT_EQ(history("late"), "OS ES ExecutionTerminated EC");
    EXPECT_EQ(of("late").next_due(), kNever);
}

TEST_F(DurableTest, WhoeverStopsExecutionsTerminates) {
    start("i");
    Input stop;
    stop.type = InputType::kStop;
    stop.cause = "enough";
    EXPECT_EQ(brief(decide("i", stop).actions), "cancel");
    EXPECT_EQ(facts("i").orchestrationstatus(), ORCHESTRATION_STATUS_TERMINATED);
}

TEST_F(DurableTest, AnAnswerThatMakesNoSenseEndsTheInstance) {
    const std::vector<std::pair<std::string, std::string>> cases = {
        {R"(instanceId: "other")", "it is of instance 'other'"},
        {"actions { id: 1 }", "action 1 is refused: it is of an unknown type"},
        {R"(actions { id: 1 scheduleTask { name: "a" } } actions { id: 1 createTimer { fireAt { } } })",
         "action 1 is refused: its id is in use"},
        {"actions { id: 1 createTimer { } }", "action 1 is refused: the timer has no time"},
        {"actions { id: 1 completeOrchestration { orchestrationStatus: "
         "ORCHESTRATION_STATUS_RUNNING } }",
         "action 1 is refused: an orchestration cannot end with status 0"},
        {"actions { id: 1 completeOrchestration { orchestrationStatus: "
         "ORCHESTRATION_STATUS_COMPLETED } }"
         "actions { id: 2 completeOrchestration { orchestrationStatus: "
         "ORCHESTRATION_STATUS_COMPLETED } }",
         "it completes the orchestration twice"},
        {"numEventsProcessed { value: 2 }", "it has processed 2 of 1 events"},
        {"numEventsProcessed { value: -1 }", "it has processed -1 of 1 events"},
        {"actions { id: 1 rewindOrchestration { } }",
         "action 1 is refused: nobody asked for a rewind"},
        {R"(actions { id: 1 createSubOrchestration { instanceId: ")" + std::string(600, 'x') +
             R"(" } })",
         "action 1 is refused: an instance id is too long"},
    };
    int n = 0;
    for (const auto& [response, why] : cases) {
        const std::string i = "i" + std::to_string(n++);
        start(i);
        const Decision d = answer(i, response);
        EXPECT_EQ(brief(d.events), "TurnCompleted HistoryEvent ExecutionFailed") << response;
        EXPECT_TRUE(d.actions.empty());
        EXPECT_EQ(d.events.back().error, "InvalidWorkerResponse");
        EXPECT_EQ(d.events.back().cause,
                  "the answer of the orchestrator's worker is refused: " + why);
        EXPECT_EQ(history(i), "OS ES EC");
    }
    start("garbage");
    TaskResult garbage;
    garbage.payload = Payload("\x12\xff garbage");
    EXPECT_EQ(answer_with("garbage", garbage).events.back().cause,
              "the answer of the orchestrator's worker is malformed");
}

TEST_F(DurableTest, ATurnThatNoWorkerCanTakeEndsTheInstance) {
    start("i");
    TaskResult rejected;
    rejected.outcome = TaskOutcome::kRejected;
    rejected.error = "WorkItemTooLarge";
    rejected.cause = "5 MiB";
    const Event end = answer_with("i", rejected).events.back();
    EXPECT_EQ(end.error, "WorkItemTooLarge");
    EXPECT_EQ(end.cause, "5 MiB");
    EXPECT_EQ(facts("i").orchestrationstatus(), ORCHESTRATION_STATUS_FAILED);
}

TEST_F(DurableTest, AStartThatIsMalformedFails) {
    Input input;
    input.type = InputType::kStart;
    input.attributes = Payload("\x0a\xff garbage");
    const Decision d = decide("i", input);
    EXPECT_EQ(d.events.front().type, EventType::kExecutionStarted);
    EXPECT_EQ(d.events.back().error, "InvalidStart");
    EXPECT_TRUE(d.actions.empty());
}

TEST_F(DurableTest, MessagesThatMeanNothingAreDropped) {
    start("i");
    answer("i", "");
    EXPECT_TRUE(signal("i", "").events.empty());
    EXPECT_TRUE(signal("i", "event { orchestratorStarted { } }").events.empty());
    EXPECT_TRUE(send("i", "event { subOrchestrationInstanceCompleted { taskScheduledId: 7 } }")
                    .events.empty());
    EXPECT_TRUE(
        send("i", R"(execution_id: "other" event { eventRaised { name: "e" } })").events.empty());
    Input garbage;
    garbage.type = InputType::kMessage;
    garbage.data = Payload("\x0a\xff garbage");
    EXPECT_TRUE(decide("i", garbage).events.empty());
}

/// The installation has one function.
class OneFunction final : public Callables {
public:
    bool has(const CallableRef& ref) const override {
        return ref.kind == CallableKind::kFunction && ref.name == "train";
    }
};

TEST_F(DurableTest, AnActivityNamedLikeAFunctionIsOne) {
    start("i");
    const OneFunction functions;
    Input turn;
    turn.type = InputType::kTaskCompleted;
    turn.task = of("i").turn.task;
    turn.callables = &functions;
    OrchestratorResponse response;
    response.set_instanceid("i");
    for (const int id : {1, 2, 3}) {
        response.add_actions()->set_id(id);
        auto& task = *response.mutable_actions(id - 1)->mutable_scheduletask();
        task.set_name(id == 3 ? "other" : "train");
        if (id == 1) task.mutable_input()->set_value("[1]");
    }
    turn.result.payload = Payload(response.SerializeAsString());
    const Decision d = decide("i", turn);
    ASSERT_EQ(d.actions.size(), 3u);
    EXPECT_EQ(d.actions[0].target, (CallableRef{CallableKind::kFunction, "train", ""}));
    EXPECT_EQ(d.actions[0].payload.view(), "[1]");
    EXPECT_EQ(d.actions[1].payload.view(), "null");
    EXPECT_EQ(d.actions[2].target.kind, CallableKind::kService);
    Input done;
    done.type = InputType::kTaskCompleted;
    done.task = d.actions[0].task;
    done.result.payload = Payload("{\"loss\":1}");
    decide("i", done);
    Input failed = done;
    failed.task = d.actions[1].task;
    failed.result.outcome = TaskOutcome::kFailed;
    failed.result.payload =
        Payload(R"({"errorType":"ValueError","errorMessage":"no data","stackTrace":["at a"]})");
    decide("i", failed);
    answer("i", "");
    const OrchestratorRequest r = request("i");
    EXPECT_EQ(history("i"),
              "OS ES TaskScheduled(1) TaskScheduled(2) TaskScheduled(3) OS "
              "TaskCompleted[1]");
    const TaskFailureDetails& details =
        r.newevents(r.newevents_size() - 1).taskfailed().failuredetails();
    EXPECT_EQ(details.errortype(), "ValueError");
    EXPECT_EQ(details.errormessage(), "no data");
    EXPECT_EQ(details.stacktrace().value(), R"(["at a"])");
}

}  // namespace
}  // namespace tandem::durable
