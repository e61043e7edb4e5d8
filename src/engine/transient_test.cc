// Transient executions: what keeps no record, and waits for none.
#include "engine/engine_fixture.h"
#include "engine/stepped.h"

namespace tandem {
namespace {

class TransientTest : public EngineTest {
protected:
    void open_one_shard() {
        options_.limits.shards = 1;
        open();
    }
    /// Waits for the task, then answers it.
    void answer_one() {
        ASSERT_TRUE(eventually([&] { return executor_.count() == 1; }));
        executor_.answer(executor_.held.begin()->first);
    }
};

TEST_F(TransientTest, RunsToItsEndWithoutTheStore) {
    executor_.immediate = true;
    const int appends = gated_.appends, lookups = gated_.lookups;
    std::vector<Transient> all;
    for (int i = 0; i < 50; ++i) all.push_back(run_transient("~" + std::to_string(i), "ttwnt"));
    for (Transient& one : all) {
        const auto started = one.started.get(), ended = one.ended.get();
        ASSERT_TRUE(started.has_value() && ended.has_value());
        EXPECT_EQ(started->start_time, ended->start_time);
        EXPECT_EQ(ended->status, ExecutionStatus::kSucceeded);
        EXPECT_EQ(ended->input.view(), "ttwnt");
        EXPECT_GE(ended->stop_time - ended->start_time, 5ms);
    }
    EXPECT_EQ(gated_.appends, appends);
    EXPECT_EQ(gated_.lookups, lookups);
    EXPECT_EQ(engine_->describe(ExecutionId("~1")).error().code, ErrorCode::kNotFound);
    EXPECT_TRUE(
        engine_->list({CallableKind::kWorkflow, "m", {}, {}, {}}, "", 10)->executions.empty());
    // An id may be used again once it is gone, but there is no reason to.
    EXPECT_TRUE(run_transient("~1", "").ended.get().has_value());
}

TEST_F(TransientTest, WaitsForNoAppend) {
    open_one_shard();
    gated_.set_open(false);
    auto stalled = start("standard", "");
    gated_.wait_for_append();
    const auto began = std::chrono::steady_clock::now();
    Transient one = run_transient("~a", std::string(100, 't') + "w");
    ASSERT_EQ(one.started.wait_for(10s), std::future_status::ready);
    for (int i = 0; i < 100; ++i) answer_one();
    ASSERT_EQ(one.ended.wait_for(10s), std::future_status::ready);
    EXPECT_EQ(one.ended.get()->status, ExecutionStatus::kSucceeded);
    // Each answer wakes the shard at once: it does not wait for the shard's own 20 ms.
    EXPECT_LT(std::chrono::steady_clock::now() - began, 1500ms);
    EXPECT_EQ(stalled.wait_for(0ms), std::future_status::timeout);
    gated_.set_open(true);
    EXPECT_TRUE(stalled.get().has_value());
}

TEST_F(TransientTest, StaysInMemoryWhileItWaits) {
    options_.limits.passivate_after_ms = 0;
    open_one_shard();
    Transient one = run_transient("~a", "wwwwwwwwwwt");
    answer_one();
    EXPECT_EQ(one.ended.get()->status, ExecutionStatus::kSucceeded);
}

TEST_F(TransientTest, TheServersStopEndsIt) {
    Transient task = run_transient("~task", "t");
    ASSERT_TRUE(task.started.get().has_value());
    ASSERT_TRUE(eventually([&] { return executor_.count() == 1; }));
    engine_->shutdown();
    EXPECT_EQ(task.ended.get().error().code, ErrorCode::kUnavailable);
    executor_.answer(executor_.held.begin()->first);
    Transient late = run_transient("~late", "");
    EXPECT_EQ(late.started.get().error().code, ErrorCode::kUnavailable);
    EXPECT_EQ(late.ended.get().error().code, ErrorCode::kUnavailable);
    open();
    EXPECT_EQ(executor_.count(), 0u);  // it is not owed
}

TEST_F(TransientTest, AFailedAppendEndsItToo) {
    open_one_shard();
    Transient task = run_transient("~task", "t");
    ASSERT_TRUE(task.started.get().has_value());
    gated_.set_failing();
    EXPECT_FALSE(start("a", "").get().has_value());
    EXPECT_EQ(task.ended.get().error().code, ErrorCode::kUnavailable);
}

TEST_F(TransientTest, SoManyMayBeOpen) {
    options_.limits.transient_executions = 3;
    open_one_shard();
    std::vector<Transient> open;
    for (int i = 0; i < 3; ++i) {
        open.push_back(run_transient("~" + std::to_string(i), "t"));
        ASSERT_TRUE(open.back().started.get().has_value());
    }
    Transient refused = run_transient("~x", "");
    EXPECT_EQ(refused.started.get().error().code, ErrorCode::kOverloaded);
    EXPECT_EQ(refused.ended.get().error().code, ErrorCode::kOverloaded);
    EXPECT_TRUE(start("standard", "").get().has_value());
    ASSERT_TRUE(eventually([&] { return executor_.count() == 3; }));
    executor_.answer(executor_.held.begin()->first);
    ASSERT_TRUE(eventually([&] { return run_transient("~y", "").ended.get().has_value(); }));
}

TEST_F(TransientTest, LateAnswersAreDroppedUnseen) {
    Transient one = run_transient("~a", "t");
    ASSERT_TRUE(eventually([&] { return executor_.count() == 1; }));
    std::promise<Result<ExecutionSummary>> stopped;
    engine_->stop(ExecutionId("~a"), "E", {},
                  [&](Result<ExecutionSummary> s) { stopped.set_value(std::move(s)); });
    EXPECT_EQ(stopped.get_future().get()->error, "E");
    EXPECT_EQ(one.ended.get()->status, ExecutionStatus::kAborted);
    const int lookups = gated_.lookups;
    executor_.answer(executor_.held.begin()->first);
    EXPECT_TRUE(run_transient("~b", "").ended.get().has_value());
    EXPECT_EQ(gated_.lookups, lookups);
    std::promise<Result<ExecutionSummary>> again;
    engine_->stop(ExecutionId("~a"), {}, {},
                  [&](Result<ExecutionSummary> s) { again.set_value(std::move(s)); });
    EXPECT_EQ(again.get_future().get().error().code, ErrorCode::kNotFound);
    EXPECT_EQ(gated_.lookups, lookups);
}

TEST_F(TransientTest, RefusesWhatIsWrong) {
    Transient nobody = run_transient("~a", "", "none");
    EXPECT_EQ(nobody.started.get().error().code, ErrorCode::kNotFound);
    EXPECT_EQ(nobody.ended.get().error().code, ErrorCode::kNotFound);
    EXPECT_EQ(run_transient("a", "").ended.get().error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(start("~a", "").get().error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(run_transient("~a", std::string(2 << 20, 'n')).ended.get().error().code,
              ErrorCode::kTooLarge);
    Transient open = run_transient("~open", "t");
    EXPECT_EQ(run_transient("~open", "").ended.get().error().code, ErrorCode::kAlreadyExists);
    answer_one();
    EXPECT_TRUE(open.ended.get().has_value());
}

TEST_F(TransientTest, ABusyOneHoldsUpNobody) {
    open_one_shard();
    Transient busy = run_transient("~busy", std::string(250'000, 'n'));
    for (int i = 0; i < 20; ++i) {
        ASSERT_TRUE(start("x" + std::to_string(i), "").get().has_value());
        EXPECT_TRUE(run_transient("~" + std::to_string(i), "").ended.get().has_value());
    }
    engine_->stop(ExecutionId("~busy"), {}, {}, [](const auto&) {});
    EXPECT_EQ(busy.ended.get()->status, ExecutionStatus::kAborted);
}

TEST_F(TransientTest, LeavesNothingBehind) {
    engine_.reset();
    options_.limits.shards = 1;
    auto stepped = SteppedEngine::open(options_, gated_, *blobs_, executor_, {&language_});
    ASSERT_TRUE(stepped.has_value());
    SteppedEngine& engine = **stepped;
    int ended = 0;
    StartRequest request;
    request.id = ExecutionId("~a");
    request.callable = {CallableKind::kWorkflow, "m", ""};
    request.input = Payload("w");
    engine.run_transient(request, {}, [&](const auto&) { ++ended; });
    engine.turn(0);
    EXPECT_EQ(engine.in_memory(), 1u);
    EXPECT_NE(engine.next_timer(), kNever);
    engine.stop(request.id, {}, {}, [](const auto&) {});
    engine.turn(0);
    EXPECT_EQ(ended, 1);
    EXPECT_EQ(engine.in_memory(), 0u);
    EXPECT_EQ(engine.next_timer(), kNever);  // its timer has gone with it
    EXPECT_FALSE(engine.commit());
}

}  // namespace
}  // namespace tandem
