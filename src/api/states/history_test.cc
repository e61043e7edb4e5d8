#include "api/states/history_event.h"
#include "api/states/states_fixture.h"

namespace tandem::states {
namespace {

using json::Value;

std::string shown(const Event& event, const Event* schedule = nullptr, bool data = true) {
    Value v = history_event(event, schedule, HistoryOptions{data});
    v.mutable_object().erase("timestamp");
    v.mutable_object().erase("id");
    v.mutable_object().erase("previousEventId");
    return json::print(v);
}

TEST(HistoryEvent, Executions) {
    Event e;
    e.type = EventType::kExecutionStarted;
    e.input = Payload("{ }");
    e.detail = Payload(R"({"Execution":{"RoleArn":"r"}})");
    EXPECT_EQ(
        shown(e),
        R"({"type":"ExecutionStarted","executionStartedEventDetails":{"input":"{ }","inputDetails":{"truncated":false},"roleArn":"r"}})");
    EXPECT_EQ(
        shown(e, nullptr, false),
        R"({"type":"ExecutionStarted","executionStartedEventDetails":{"inputDetails":{"truncated":false},"roleArn":"r"}})");
    e = {};
    e.type = EventType::kExecutionAborted;
    EXPECT_EQ(shown(e), R"({"type":"ExecutionAborted","executionAbortedEventDetails":{}})");
    e.type = EventType::kExecutionFailed;
    e.error = "E";
    EXPECT_EQ(shown(e),
              R"({"type":"ExecutionFailed","executionFailedEventDetails":{"error":"E"}})");
}

TEST(HistoryEvent, StatesAndIterations) {
    Event e;
    e.type = EventType::kStateEntered;
    e.kind = StateKind::kChoice;
    e.name = "C";
    e.input = Payload("1");
    EXPECT_EQ(
        shown(e),
        R"({"type":"ChoiceStateEntered","stateEnteredEventDetails":{"input":"1","inputDetails":{"truncated":false},"name":"C"}})");
    e = {};
    e.type = EventType::kStateExited;
    e.kind = StateKind::kMap;
    e.name = "M";
    e.output = Payload("[]");
    EXPECT_EQ(
        shown(e),
        R"({"type":"MapStateExited","stateExitedEventDetails":{"name":"M","output":"[]","outputDetails":{"truncated":false}}})");
    e = {};
    e.type = EventType::kStateStarted;
    e.kind = StateKind::kMap;
    e.length = 3;
    EXPECT_EQ(shown(e), R"({"type":"MapStateStarted","mapStateStartedEventDetails":{"length":3}})");
    e.kind = StateKind::kParallel;
    EXPECT_EQ(shown(e), R"({"type":"ParallelStateStarted"})");
    e.type = EventType::kStateFailed;
    EXPECT_EQ(shown(e), R"({"type":"ParallelStateFailed"})");
    e.type = EventType::kStateAborted;
    e.kind = StateKind::kWait;
    EXPECT_EQ(shown(e), R"({"type":"WaitStateAborted"})");
    e = {};
    e.type = EventType::kIterationStarted;
    e.name = "M";
    EXPECT_EQ(
        shown(e),
        R"({"type":"MapIterationStarted","mapIterationStartedEventDetails":{"index":0,"name":"M"}})");
    e = {};
    e.type = EventType::kEvaluationFailed;
    e.name = "S";
    e.error = "E";
    e.cause = "C";
    e.resource = "Output";
    EXPECT_EQ(
        shown(e),
        R"({"type":"EvaluationFailed","evaluationFailedEventDetails":{"error":"E","cause":"C","location":"Output","state":"S"}})");
}

TEST(HistoryEvent, Tasks) {
    Event s;
    s.type = EventType::kTaskScheduled;
    s.family = TaskFamily::kLambdaFunction;
    s.input = Payload("{}");
    s.resource = "arn";
    s.timeout_s = 5;
    EXPECT_EQ(
        shown(s),
        R"({"type":"LambdaFunctionScheduled","lambdaFunctionScheduledEventDetails":{"input":"{}","inputDetails":{"truncated":false},"resource":"arn","timeoutInSeconds":5}})");
    Event e;
    e.family = TaskFamily::kLambdaFunction;
    e.type = EventType::kTaskStarted;
    EXPECT_EQ(shown(e), R"({"type":"LambdaFunctionStarted"})");
    e.type = EventType::kTaskTimedOut;
    e.error = "States.Timeout";
    EXPECT_EQ(
        shown(e),
        R"({"type":"LambdaFunctionTimedOut","lambdaFunctionTimedOutEventDetails":{"error":"States.Timeout"}})");
    s.family = TaskFamily::kTask;
    s.resource = "invoke";
    s.resource_type = "lambda";
    s.region = "us-east-1";
    s.heartbeat_s = 2;
    EXPECT_EQ(
        shown(s),
        R"({"type":"TaskScheduled","taskScheduledEventDetails":{"parameters":"{}","region":"us-east-1","resource":"invoke","resourceType":"lambda","heartbeatInSeconds":2,"timeoutInSeconds":5}})");
    e = {};
    e.family = TaskFamily::kTask;
    e.ref = 1;
    e.type = EventType::kTaskStarted;
    EXPECT_TRUE(needs_schedule(e));
    EXPECT_EQ(
        shown(e, &s),
        R"({"type":"TaskStarted","taskStartedEventDetails":{"resource":"invoke","resourceType":"lambda"}})");
    e.type = EventType::kTaskSucceeded;
    e.output = Payload("1");
    EXPECT_EQ(
        shown(e, &s),
        R"({"type":"TaskSucceeded","taskSucceededEventDetails":{"output":"1","outputDetails":{"truncated":false},"resource":"invoke","resourceType":"lambda"}})");
    e.family = TaskFamily::kActivity;
    EXPECT_EQ(
        shown(e),
        R"({"type":"ActivitySucceeded","activitySucceededEventDetails":{"output":"1","outputDetails":{"truncated":false}}})");
}

class HistoryTest : public StatesTest {
protected:
    void SetUp() override {
        create("m");
        call("StartExecution",
             Value::object({{"stateMachineArn", machine_arn("m")}, {"name", "e"}}));
        // seq: 1 started, then per task: scheduled, 40 hidden notes, succeeded.
        for (uint64_t task = 0; task < 3; ++task) {
            Event s;
            s.type = EventType::kTaskScheduled;
            s.family = TaskFamily::kTask;
            s.id = 2 + task * 2;
            s.previous_id = s.id - 1;
            s.resource = "invoke" + std::to_string(task);
            engine_.record(run_id("m", "e"), s);
            const uint64_t seq = engine_.describe(run_id("m", "e"))->last_seq;
            for (int i = 0; i < 40; ++i) engine_.record(run_id("m", "e"), Event{});
            Event done;
            done.type = EventType::kTaskSucceeded;
            done.family = TaskFamily::kTask;
            done.id = s.id + 1;
            done.ref = seq;
            engine_.record(run_id("m", "e"), done);
        }
    }
    std::vector<int64_t> read_all(Value input, size_t& pages) {
        std::vector<int64_t> ids;
        input.set("executionArn", run_arn("m", "e"));
        for (pages = 1; pages < 20; ++pages) {
            const Reply r = call("GetExecutionHistory", input);
            EXPECT_EQ(r.status, 200) << r.message();
            for (const Value& e : r.body.find("events")->as_array()) {
                ids.push_back(e.int_or("id", 0));
                if (const Value* d = e.find("taskSucceededEventDetails")) {
                    EXPECT_EQ(d->string_or("resource", ""),
                              "invoke" + std::to_string((e.int_or("id", 0) - 3) / 2));
                }
            }
            const std::string next(r.body.string_or("nextToken", ""));
            if (next.empty()) break;
            input.set("nextToken", next);
        }
        return ids;
    }
};

TEST_F(HistoryTest, PagesSkipHiddenEvents) {
    size_t pages = 0;
    EXPECT_EQ(read_all(Value::object(), pages), (std::vector<int64_t>{1, 2, 3, 4, 5, 6, 7}));
    EXPECT_EQ(pages, 1u);
    EXPECT_EQ(read_all(Value::object({{"maxResults", 2}}), pages),
              (std::vector<int64_t>{1, 2, 3, 4, 5, 6, 7}));
    EXPECT_EQ(pages, 4u);
    EXPECT_EQ(read_all(Value::object({{"maxResults", 3}, {"reverseOrder", true}}), pages),
              (std::vector<int64_t>{7, 6, 5, 4, 3, 2, 1}));
    EXPECT_EQ(pages, 3u);
    EXPECT_EQ(read_all(Value::object({{"maxResults", 7}}), pages).size(), 7u);
    EXPECT_EQ(pages, 1u);
}

TEST_F(HistoryTest, RefusesBadInput) {
    auto history = [&](Value v) {
        if (!v.find("executionArn")) v.set("executionArn", run_arn("m", "e"));
        return call("GetExecutionHistory", v);
    };
    const std::string token(
        history(Value::object({{"maxResults", 2}})).body.string_or("nextToken", ""));
    EXPECT_EQ(history(Value::object({{"nextToken", token}, {"reverseOrder", true}})).type(),
              "InvalidToken");
    EXPECT_EQ(history(Value::object({{"nextToken", "x"}})).type(), "InvalidToken");
    EXPECT_EQ(history(Value::object({{"maxResults", -1}})).type(), "ValidationException");
    EXPECT_EQ(history(Value::object({{"executionArn", "invalid_state_machine_arn"}})).message(),
              "Invalid Arn: 'Invalid ARN prefix: invalid_state_machine_arn'");
    EXPECT_EQ(history(Value::object({{"executionArn", run_arn("m", "x")}})).type(),
              "ExecutionDoesNotExist");
}

}  // namespace
}  // namespace tandem::states
