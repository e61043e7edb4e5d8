// Tasks that are answered from outside: tokens, activities, children.
#include "engine/engine_fixture.h"
#include "json/value.h"
#include "lang/asl/language.h"

namespace tandem {
namespace {

/// Answers every call at once, unless they are held; says that it began the execution that the
/// parameters name.
class FakeServices final : public Services {
public:
    void call(ServiceCall call, std::function<void(TaskResult)> done) override {
        {
            const std::lock_guard lock(mutex_);
            calls_.push_back(call.service + ":" + call.action + " " + call.key);
        }
        TaskResult result;
        result.payload = Payload("{}");
        const auto parameters = json::parse(call.parameters.view());
        result.execution = ExecutionId(std::string(parameters->string_or("Name", "")));
        if (!holds) return done(std::move(result));
        const std::lock_guard lock(mutex_);
        held_.push_back([result, done = std::move(done)] { done(result); });
    }
    void answer_held() {
        for (const auto& answer : held_) answer();
        held_.clear();
    }
    std::vector<std::string> calls() {
        const std::lock_guard lock(mutex_);
        return calls_;
    }

    std::atomic<bool> holds{false};

private:
    std::mutex mutex_;
    std::vector<std::string> calls_;
    std::vector<std::function<void()>> held_;
};

class CallbackTest : public EngineTest {
protected:
    void SetUp() override {
        options_.services = &services_;
        EngineTest::SetUp();
        open_all();
        Callable activity;
        activity.kind = CallableKind::kActivity;
        activity.name = "chop";
        activity.revision = "1";
        ASSERT_TRUE(engine_->put_callable(activity, PutMode::kCreate));
        put_states("activity", "arn:aws:states:us-east-1:123456789012:activity:chop", "");
        put_states("token", "arn:aws:states:::lambda:invoke.waitForTaskToken",
                   R"("Parameters":{"FunctionName":"f","Payload":{"t.$":"$$.Task.Token"}},)");
        put_states("sync", "arn:aws:states:::states:startExecution.sync",
                   R"("Parameters":{"StateMachineArn":"m","Name.$":"$.child"},)");
        put_states("start", "arn:aws:states:::states:startExecution",
                   R"("Parameters":{"StateMachineArn":"m","Name.$":"$.child"},)");
    }
    void open_all() {
        engine_.reset();
        auto engine = Engine::open(options_, gated_, *blobs_, executor_, {&language_, asl_.get()});
        ASSERT_TRUE(engine.has_value()) << engine.error().message;
        engine_ = std::move(*engine);
    }
    void put_states(const std::string& name, const std::string& resource, const std::string& rest) {
        Callable c;
        c.kind = CallableKind::kWorkflow;
        c.name = name;
        c.revision = "r1";
        c.language = "asl";
        c.definition = Payload(R"({"StartAt":"T","States":{"T":{"Type":"Task","Resource":")" +
                               resource + "\"," + rest + R"("End":true}}})");
        c.attributes = Payload("{}");
        const auto put = engine_->put_callable(c, PutMode::kCreate);
        EXPECT_TRUE(put) << put.error().message;
    }
    std::future<Result<std::optional<ActivityTask>>> poll(std::chrono::milliseconds patience = 10s,
                                                          std::function<bool()> is_wanted = {}) {
        auto promise = std::make_shared<std::promise<Result<std::optional<ActivityTask>>>>();
        ActivityPoll poll;
        poll.worker = Payload("\"axe\"");
        poll.patience = patience;
        poll.is_wanted = std::move(is_wanted);
        poll.done = [promise](Result<std::optional<ActivityTask>> r) { promise->set_value(r); };
        engine_->poll_activity("chop", std::move(poll));
        return promise->get_future();
    }
    Result<void> answer(const std::string& token, const std::string& output) {
        std::promise<Result<void>> promise;
        TaskResult result;
        result.payload = Payload(output);
        engine_->answer_task(token, std::move(result),
                             [&](Result<void> r) { promise.set_value(std::move(r)); });
        return promise.get_future().get();
    }
    std::string output(const std::string& id) {
        return engine_->describe(ExecutionId(id))->output.str();
    }

    FakeServices services_;
    std::unique_ptr<Language> asl_ = asl::make_language();
};

TEST_F(CallbackTest, AWorkerGetsATaskAndAnswersIt) {
    auto early = poll();
    ASSERT_TRUE(start("a", R"({"n":1})", "activity").get());
    auto task = early.get();
    ASSERT_TRUE(task && *task);
    EXPECT_EQ((*task)->input.view(), R"({"n":1})");
    ASSERT_TRUE(answer((*task)->token, "[3]"));
    EXPECT_TRUE(ends("a", ExecutionStatus::kSucceeded));
    EXPECT_EQ(output("a"), "[3]");
    const auto again = answer((*task)->token, "[4]");
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, ErrorCode::kTimeout);
}

TEST_F(CallbackTest, TasksGoToWorkersInOrderAndEachToOne) {
    for (int i = 0; i < 20; ++i)
        ASSERT_TRUE(start("t" + std::to_string(i), std::to_string(i), "activity").get());
    std::set<std::string> inputs;
    for (int i = 0; i < 20; ++i) {
        auto task = poll().get();
        ASSERT_TRUE(task && *task);
        inputs.insert((*task)->input.str());
    }
    EXPECT_EQ(inputs.size(), 20u);
    const auto none = poll(20ms).get();
    ASSERT_TRUE(none);
    EXPECT_FALSE(none->has_value());
}

TEST_F(CallbackTest, AQueuedTaskIsThereAfterARestartAndATakenOneIsNotGivenTwice) {
    ASSERT_TRUE(start("taken", "1", "activity").get());
    auto taken = poll().get();
    ASSERT_TRUE(taken && *taken);
    ASSERT_TRUE(start("queued", "2", "activity").get());
    open_all();
    auto queued = poll().get();
    ASSERT_TRUE(queued && *queued);
    EXPECT_EQ((*queued)->input.view(), "2");
    EXPECT_FALSE(poll(50ms).get()->has_value());
    ASSERT_TRUE(answer((*taken)->token, "\"done\""));
    EXPECT_TRUE(ends("taken", ExecutionStatus::kSucceeded));
}

TEST_F(CallbackTest, AFullServerLosesNoQueuedTask) {
    ASSERT_TRUE(start("a", "1", "activity").get());
    options_.limits.mailbox_inputs = 0;  // no new work is taken
    open_all();
    auto task = poll().get();
    ASSERT_TRUE(task && *task);
    EXPECT_EQ((*task)->input.view(), "1");
}

TEST_F(CallbackTest, AStoppedExecutionsTaskIsNotHandedOut) {
    ASSERT_TRUE(start("a", "1", "activity").get());
    std::promise<void> stopped;
    engine_->stop(ExecutionId("a"), {}, {}, [&](auto) { stopped.set_value(); });
    stopped.get_future().get();
    EXPECT_FALSE(poll(50ms).get()->has_value());
}

TEST_F(CallbackTest, PollsAreBoundedAndEndWithTheServer) {
    std::vector<std::future<Result<std::optional<ActivityTask>>>> polls;
    for (size_t i = 0; i < kActivityPollers; ++i) polls.push_back(poll(100s));
    const auto refused = poll().get();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::kOverloaded);
    engine_->shutdown();
    for (auto& open : polls) EXPECT_FALSE(open.get()->has_value());
}

TEST_F(CallbackTest, AWorkerThatWentAwayIsPassedOver) {
    auto gone = poll(100s, [] { return false; });
    auto there = poll(100s, [] { return true; });
    ASSERT_TRUE(start("a", "1", "activity").get());
    const auto task = there.get();
    ASSERT_TRUE(task && *task);
    EXPECT_EQ((*task)->input.view(), "1");
    EXPECT_FALSE(gone.get()->has_value());
}

TEST_F(CallbackTest, ATaskThatWasTakenForAWorkerWhoLeftMeanwhileIsTheNextOnes) {
    ASSERT_TRUE(start("a", "1", "activity").get());
    ASSERT_TRUE(start("b", "2", "activity").get());
    std::atomic<int> asked{0};
    EXPECT_FALSE(poll(100s, [&] { return asked++ == 0; }).get()->has_value());
    EXPECT_EQ(asked, 2);
    // It goes before those that nobody had yet, is recorded as taken once, and can be answered.
    const auto task = poll().get();
    ASSERT_TRUE(task && *task);
    EXPECT_EQ((*task)->input.view(), "1");
    ASSERT_TRUE(answer((*task)->token, "3"));
    EXPECT_TRUE(ends("a", ExecutionStatus::kSucceeded));
    const auto events = engine_->history(ExecutionId("a"), {});
    EXPECT_EQ(std::count_if(events->begin(), events->end(),
                            [](const Event& e) { return e.type == EventType::kTaskStarted; }),
              1);
    EXPECT_EQ((*poll().get())->input.view(), "2");
    EXPECT_FALSE(poll(20ms).get()->has_value());
}

TEST_F(CallbackTest, ATaskThatIsOverMeanwhileIsNotOfferedAgain) {
    ASSERT_TRUE(start("a", "1", "activity").get());
    std::atomic<int> asked{0};
    EXPECT_FALSE(poll(100s, [&] { return asked++ == 0; }).get()->has_value());
    std::promise<void> stopped;
    engine_->stop(ExecutionId("a"), {}, {}, [&](auto) { stopped.set_value(); });
    stopped.get_future().get();
    auto next = poll(100s);
    ASSERT_TRUE(start("b", "2", "activity").get());
    EXPECT_EQ((*next.get())->input.view(), "2");
}

TEST_F(CallbackTest, WorkersThatWentAwayTakeNoPlace) {
    std::atomic<bool> is_there{true};
    std::vector<std::future<Result<std::optional<ActivityTask>>>> polls;
    for (size_t i = 0; i < kActivityPollers; ++i)
        polls.push_back(poll(100s, [&, i] { return is_there || i == 7; }));
    EXPECT_FALSE(poll().get());
    is_there = false;
    std::this_thread::sleep_for(1100ms);  // they are not asked at every poll
    auto next = poll(100s);
    ASSERT_TRUE(start("a", "1", "activity").get());
    EXPECT_TRUE(polls[7].get()->has_value());
    ASSERT_TRUE(start("b", "2", "activity").get());
    EXPECT_TRUE(next.get()->has_value());
    polls.erase(polls.begin() + 7);
    for (auto& gone : polls) EXPECT_FALSE(gone.get()->has_value());
}

TEST_F(CallbackTest, PollsEndBeforeTheServer) {
    auto open = poll(100s);
    engine_->end_polls();
    EXPECT_FALSE(open.get()->has_value());
    EXPECT_FALSE(poll(100s).get()->has_value());
    // What was queued is not lost.
    ASSERT_TRUE(start("a", "1", "activity").get());
    open_all();
    EXPECT_EQ((*poll().get())->input.view(), "1");
}

TEST_F(CallbackTest, ATokenIsGoodForItsTaskOnly) {
    EXPECT_EQ(answer("nonsense", "1").error().code, ErrorCode::kInvalidArgument);
    ASSERT_TRUE(start("a", "{}", "token").get());
    ASSERT_TRUE(eventually([&] { return executor_.count() == 1; }));
    executor_.answer("a#3");
    TaskToken guess{ExecutionId("a"), 3, 12345};
    EXPECT_EQ(answer(encode_task_token(guess), "1").error().code, ErrorCode::kInvalidArgument);
    guess.task = 4;
    EXPECT_EQ(answer(encode_task_token(guess), "1").error().code, ErrorCode::kTimeout);
    guess.execution = ExecutionId("nobody");
    EXPECT_EQ(answer(encode_task_token(guess), "1").error().code, ErrorCode::kNotFound);
    const auto events = engine_->history(ExecutionId("a"), {});
    const auto parameters = json::parse(events->at(2).input.view());
    ASSERT_TRUE(parameters);
    const std::string token(parameters->find("Payload")->string_or("t", ""));
    // It waits without a place in memory, and over a restart.
    ASSERT_TRUE(eventually([&] { return engine_->history(ExecutionId("a"), {})->size() == 5; }));
    open_all();
    ASSERT_TRUE(answer(token, "\"yes\""));
    EXPECT_TRUE(ends("a", ExecutionStatus::kSucceeded));
    EXPECT_EQ(output("a"), "\"yes\"");
}

TEST_F(CallbackTest, AParentHearsOfItsChildsEnd) {
    ASSERT_TRUE(start("child", "t").get());
    ASSERT_TRUE(start("parent", R"({"child":"child"})", "sync").get());
    ASSERT_TRUE(eventually([&] { return !services_.calls().empty(); }));
    EXPECT_EQ(services_.calls().at(0), "states:startExecution parent#3");
    EXPECT_EQ(status("parent"), ExecutionStatus::kRunning);
    open_all();  // it asks again
    // The child's task runs again: the one before is the engine's that is gone.
    ASSERT_TRUE(eventually([&] {
        const std::lock_guard lock(executor_.mutex);
        return executor_.runs["child#2"] == 2;
    }));
    executor_.answer("child#2");
    EXPECT_TRUE(ends("parent", ExecutionStatus::kSucceeded));
}

TEST_F(CallbackTest, AChildThatHasEndedBeforeIsHeardOfToo) {
    ASSERT_TRUE(start("child", "").get());
    ASSERT_TRUE(ends("child", ExecutionStatus::kSucceeded));
    ASSERT_TRUE(start("parent", R"({"child":"child"})", "sync").get());
    EXPECT_TRUE(ends("parent", ExecutionStatus::kSucceeded));
    ASSERT_TRUE(start("orphan", R"({"child":"nobody"})", "sync").get());
    EXPECT_TRUE(ends("orphan", ExecutionStatus::kFailed));
}

TEST_F(CallbackTest, StoppingTheParentStopsTheChild) {
    ASSERT_TRUE(start("child", "t").get());
    ASSERT_TRUE(start("parent", R"({"child":"child"})", "sync").get());
    ASSERT_TRUE(
        eventually([&] { return engine_->history(ExecutionId("parent"), {})->size() == 5; }));
    std::promise<void> stopped;
    engine_->stop(ExecutionId("parent"), {}, {}, [&](auto) { stopped.set_value(); });
    stopped.get_future().get();
    EXPECT_TRUE(ends("child", ExecutionStatus::kAborted));
}

TEST_F(CallbackTest, AChildThatBeginsBehindItsParentsEndIsStopped) {
    services_.holds = true;
    for (const std::string machine : {"sync", "start"}) {
        const std::string child = "child-of-" + machine;
        ASSERT_TRUE(start(child, "t").get());
        ASSERT_TRUE(start(machine, R"({"child":")" + child + R"("})", machine).get());
    }
    ASSERT_TRUE(eventually([&] { return services_.calls().size() == 2; }));
    for (const char* parent : {"sync", "start"}) {
        std::promise<void> stopped;
        engine_->stop(ExecutionId(parent), {}, {}, [&](auto) { stopped.set_value(); });
        stopped.get_future().get();
    }
    services_.answer_held();
    EXPECT_TRUE(ends("child-of-sync", ExecutionStatus::kAborted));
    // Who only starts an execution lets it go.
    EXPECT_EQ(status("child-of-start"), ExecutionStatus::kRunning);
}

TEST_F(CallbackTest, NobodyIsRefusedForWhatIsNotDurable) {
    ASSERT_TRUE(start("a", R"({"n":1})", "activity").get());
    const auto task = poll().get();
    ASSERT_TRUE(task && *task);
    gated_.set_open(false);
    auto first = std::async(std::launch::async, [&] { return answer((*task)->token, "1"); });
    gated_.wait_for_append();
    auto second = std::async(std::launch::async, [&] { return answer((*task)->token, "2"); });
    EXPECT_EQ(second.wait_for(50ms), std::future_status::timeout);
    gated_.set_failing();
    gated_.set_open(true);
    EXPECT_EQ(first.get().error().code, ErrorCode::kUnavailable);
    EXPECT_EQ(second.get().error().code, ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace tandem
