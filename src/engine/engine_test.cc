#include "engine/engine_fixture.h"

namespace tandem {
namespace {

TEST_F(EngineTest, RunsAScriptToItsEnd) {
    executor_.immediate = true;
    const auto reply = start("a", "ttt").get();
    ASSERT_TRUE(reply.has_value());
    EXPECT_FALSE(reply->existed);
    EXPECT_TRUE(ends("a", ExecutionStatus::kSucceeded));
    const auto events = engine_->history(ExecutionId("a"), {});
    for (size_t i = 0; i < events->size(); ++i) EXPECT_EQ(events->at(i).seq, i + 1);
}

TEST_F(EngineTest, NothingIsAnsweredOrDoneBeforeItIsDurable) {
    gated_.set_open(false);
    auto reply = start("a", "t");
    gated_.wait_for_append();
    EXPECT_EQ(reply.wait_for(50ms), std::future_status::timeout);
    EXPECT_EQ(executor_.count(), 0u);
    EXPECT_FALSE(engine_->describe(ExecutionId("a")).has_value());
    gated_.set_open(true);
    EXPECT_TRUE(reply.get().has_value());
    EXPECT_TRUE(eventually([&] { return executor_.count() == 1; }));
}

TEST_F(EngineTest, OneStepIsOneAppend) {
    executor_.immediate = true;
    ASSERT_TRUE(start("warm", "t").get().has_value());
    ASSERT_TRUE(ends("warm", ExecutionStatus::kSucceeded));
    const int before = gated_.appends;
    ASSERT_TRUE(start("a", std::string(20, 't')).get().has_value());
    ASSERT_TRUE(ends("a", ExecutionStatus::kSucceeded));
    EXPECT_LE(gated_.appends - before, 21);
}

TEST_F(EngineTest, ConcurrentStartsShareAppends) {
    gated_.set_open(false);
    std::vector<std::future<Result<StartReply>>> replies;
    replies.push_back(start("first", ""));
    gated_.wait_for_append();
    const int before = gated_.appends;
    for (int i = 0; i < 200; ++i) replies.push_back(start("x" + std::to_string(i), ""));
    gated_.set_open(true);
    for (auto& reply : replies) EXPECT_TRUE(reply.get().has_value());
    EXPECT_LT(gated_.appends - before, 50);
}

TEST_F(EngineTest, AnIdIsStartedOnce) {
    std::vector<std::thread> threads;
    std::atomic<int> fresh{0};
    for (int t = 0; t < 16; ++t) {
        threads.emplace_back([&] {
            for (int i = 0; i < 50; ++i) {
                if (!start("same" + std::to_string(i), "").get()->existed) ++fresh;
            }
        });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(fresh, 50);
}

TEST_F(EngineTest, RecoversWhatWasOwed) {
    ASSERT_TRUE(start("task", "t").get().has_value());
    ASSERT_TRUE(eventually([&] { return executor_.count() == 1; }));
    ASSERT_TRUE(start("wait", "w").get().has_value());
    executor_.held.clear();
    open();
    ASSERT_TRUE(eventually([&] { return executor_.count() == 1; }));
    EXPECT_EQ(executor_.runs.begin()->second, 2);
    executor_.answer(executor_.held.begin()->first);
    EXPECT_TRUE(ends("task", ExecutionStatus::kSucceeded));
    EXPECT_TRUE(ends("wait", ExecutionStatus::kSucceeded));
}

TEST_F(EngineTest, PassivatedExecutionsComeBack) {
    options_.limits.passivate_after_ms = 0;
    open();
    for (int i = 0; i < 50; ++i)
        ASSERT_TRUE(start("w" + std::to_string(i), "wwt").get().has_value());
    ASSERT_TRUE(eventually([&] { return executor_.count() == 50; }));
    while (executor_.count() > 0) executor_.answer(executor_.held.begin()->first);
    for (int i = 0; i < 50; ++i)
        EXPECT_TRUE(ends("w" + std::to_string(i), ExecutionStatus::kSucceeded));
}

TEST_F(EngineTest, ABusyExecutionHoldsUpNobody) {
    options_.limits.shards = 1;
    open();
    ASSERT_TRUE(start("busy", std::string(250'000, 'n')).get().has_value());
    for (int i = 0; i < 20; ++i) {
        ASSERT_TRUE(start("x" + std::to_string(i), "").get().has_value());
        EXPECT_TRUE(ends("x" + std::to_string(i), ExecutionStatus::kSucceeded));
    }
    EXPECT_EQ(status("busy"), ExecutionStatus::kRunning);
    std::promise<Result<ExecutionSummary>> stopped;
    engine_->stop(ExecutionId("busy"), {}, {},
                  [&](Result<ExecutionSummary> s) { stopped.set_value(std::move(s)); });
    EXPECT_EQ(stopped.get_future().get()->status, ExecutionStatus::kAborted);
}

TEST_F(EngineTest, LongLogsAreFoldedInPages) {
    ASSERT_TRUE(start("long", std::string(700, 'n') + "t").get().has_value());
    ASSERT_TRUE(eventually([&] { return executor_.count() == 1; }));
    executor_.held.clear();
    open();
    ASSERT_TRUE(eventually([&] { return executor_.count() == 1; }));
    executor_.answer(executor_.held.begin()->first);
    EXPECT_TRUE(ends("long", ExecutionStatus::kSucceeded));
}

TEST_F(EngineTest, DropsBlobsThatNobodyMentions) {
    const std::string mentioned = engine_->put_blob("one").value(),
                      loose = engine_->put_blob("two").value();
    put("user", mentioned);
    engine_->drop_blob(mentioned);
    engine_->drop_blob(loose);
    EXPECT_TRUE(engine_->blob(mentioned).has_value());
    EXPECT_FALSE(engine_->blob(loose).has_value());
}

TEST_F(EngineTest, LateAnswersAreDropped) {
    ASSERT_TRUE(start("a", "t").get().has_value());
    ASSERT_TRUE(eventually([&] { return executor_.count() == 1; }));
    std::promise<Result<ExecutionSummary>> stopped;
    engine_->stop(ExecutionId("a"), "E", "C",
                  [&](Result<ExecutionSummary> s) { stopped.set_value(std::move(s)); });
    EXPECT_EQ(stopped.get_future().get()->status, ExecutionStatus::kAborted);
    executor_.answer(executor_.held.begin()->first);
    ASSERT_TRUE(start("b", "").get().has_value());
    EXPECT_EQ(status("a"), ExecutionStatus::kAborted);
    EXPECT_EQ(engine_->describe(ExecutionId("a"))->error, "E");
}

TEST_F(EngineTest, AFailedAppendStopsEverything) {
    gated_.set_failing();
    const auto reply = start("a", "t").get();
    ASSERT_FALSE(reply.has_value());
    EXPECT_EQ(reply.error().code, ErrorCode::kUnavailable);
    EXPECT_EQ(executor_.count(), 0u);
    EXPECT_FALSE(engine_->is_ready());
    EXPECT_FALSE(start("b", "").get().has_value());
}

TEST_F(EngineTest, AFullMailboxRefusesNewWork) {
    options_.limits.mailbox_inputs = 16;
    options_.limits.batch_inputs = 1;
    options_.limits.shards = 1;
    open();
    gated_.set_open(false);
    std::vector<std::future<Result<StartReply>>> replies;
    for (int i = 0; i < 2000; ++i) replies.push_back(start("x" + std::to_string(i), ""));
    gated_.set_open(true);
    int refused = 0;
    for (auto& future : replies) {
        const auto reply = future.get();
        if (reply) continue;
        EXPECT_EQ(reply.error().code, ErrorCode::kOverloaded);
        ++refused;
    }
    EXPECT_GT(refused, 0);
}

TEST_F(EngineTest, ExecutionsKeepTheirRevision) {
    ASSERT_TRUE(start("old", "t").get().has_value());
    ASSERT_TRUE(eventually([&] { return executor_.count() == 1; }));
    put("m", "new", PutMode::kUpdate, "r2");
    ASSERT_TRUE(engine_->delete_callable({CallableKind::kWorkflow, "m", ""}).has_value());
    EXPECT_FALSE(start("gone", "").get().has_value());
    executor_.held.clear();
    open();
    ASSERT_TRUE(eventually([&] { return executor_.count() == 1; }));
    EXPECT_EQ(engine_->execution_callable(*engine_->describe(ExecutionId("old"))).value()->revision,
              "r1");
    executor_.answer(executor_.held.begin()->first);
    EXPECT_TRUE(ends("old", ExecutionStatus::kSucceeded));
    put("m", "again", PutMode::kCreate, "r3");
    EXPECT_TRUE(start("fresh", "").get().has_value());
}

TEST_F(EngineTest, RegistryRefusesAndResolves) {
    Callable c;
    c.name = "f";
    c.revision = "$LATEST";
    c.definition = Payload("{}");
    c.attributes = Payload("{}");
    EXPECT_EQ(engine_->put_callable(c, PutMode::kCreate).error().code, ErrorCode::kAlreadyExists);
    c.definition = Payload("bad");
    EXPECT_EQ(engine_->put_callable(c, PutMode::kUpdate).error().code, ErrorCode::kInvalidArgument);
    c.definition = Payload("{}");
    c.revision = "1";
    ASSERT_TRUE(engine_->put_revision(c).has_value());
    Callable head = **engine_->callable({CallableKind::kFunction, "f", ""});
    head.aliases["live"] = "1";
    ASSERT_TRUE(engine_->amend_callable(head).has_value());
    open();
    EXPECT_EQ(engine_->callable({CallableKind::kFunction, "f", "live"}).value()->revision, "1");
    EXPECT_EQ(engine_->callable({CallableKind::kFunction, "f", "$LATEST"}).value()->revision,
              "$LATEST");
    EXPECT_FALSE(engine_->callable({CallableKind::kFunction, "f", "2"}).has_value());
    EXPECT_EQ(engine_->list_revisions(CallableKind::kFunction, "f")->size(), 1u);
    EXPECT_EQ(engine_->list_callables(CallableKind::kFunction, "", 10)->size(), 1u);
    EXPECT_TRUE(engine_->list_callables(CallableKind::kFunction, "f", 10)->empty());
}

}  // namespace
}  // namespace tandem
