// Executions that are opened again after their end.
#include "engine/engine_fixture.h"

namespace tandem {
namespace {

/// A clock that a test moves on.
class MovedClock final : public Clock {
public:
    Timestamp now() const override { return system_clock().now() + ahead.load(); }
    std::atomic<Duration> ahead{Duration(0)};
};

class RedriveTest : public EngineTest {
protected:
    RedriveTest() { options_.clock = &clock_; }

    /// Starts an execution with one task and stops it there.
    void start_and_stop(const std::string& id) {
        ASSERT_TRUE(start(id, "t").get().has_value());
        ASSERT_TRUE(eventually([&] { return executor_.count() == 1; }));
        stop(id);
        executor_.held.clear();
    }
    void stop(const std::string& id) {
        std::promise<Result<ExecutionSummary>> stopped;
        engine_->stop(ExecutionId(id), "E", "C",
                      [&](Result<ExecutionSummary> s) { stopped.set_value(std::move(s)); });
        EXPECT_EQ(stopped.get_future().get()->status, ExecutionStatus::kAborted);
    }
    Result<RedriveReply> redrive(const std::string& id, std::string token = {}) {
        request_.id = ExecutionId(id);
        request_.token = std::move(token);
        std::promise<Result<RedriveReply>> done;
        engine_->redrive(request_, [&](Result<RedriveReply> r) { done.set_value(std::move(r)); });
        return done.get_future().get();
    }
    void answer() {
        ASSERT_TRUE(eventually([&] { return executor_.count() == 1; }));
        executor_.answer(executor_.held.begin()->first);
    }

    MovedClock clock_;
    RedriveRequest request_;
};

TEST_F(RedriveTest, AStoppedExecutionGoesOnAndIsCountedAsOpen) {
    options_.limits.open_executions = 1;
    open();
    start_and_stop("a");
    ASSERT_TRUE(start("b", "t").get().has_value());  // "a" does not count any more
    EXPECT_EQ(redrive("a").error().code, ErrorCode::kTooLarge);
    answer();
    ASSERT_TRUE(ends("b", ExecutionStatus::kSucceeded));
    const auto reply = redrive("a");
    ASSERT_TRUE(reply && reply->accepted);
    EXPECT_EQ(reply->summary.status, ExecutionStatus::kRunning);
    EXPECT_EQ(reply->summary.redrives, 1u);
    EXPECT_EQ(reply->summary.redrive_time, reply->time);
    EXPECT_EQ(reply->summary.stop_time, Timestamp());
    EXPECT_EQ(reply->summary.error, std::nullopt);
    EXPECT_FALSE(start("c", "").get().has_value());
    answer();
    EXPECT_TRUE(ends("a", ExecutionStatus::kSucceeded));
    EXPECT_TRUE(start("c", "").get().has_value());
    EXPECT_EQ(engine_->describe(ExecutionId("a"))->redrives, 1u);
    EXPECT_FALSE(redrive("a")->accepted);
    EXPECT_EQ(redrive("none").error().code, ErrorCode::kNotFound);
}

TEST_F(RedriveTest, ARedriveIsRecoveredAsAnyOtherWork) {
    start_and_stop("a");
    open();
    ASSERT_TRUE(redrive("a")->accepted);  // from the store alone
    ASSERT_TRUE(eventually([&] { return executor_.count() == 1; }));
    executor_.held.clear();
    open();
    answer();
    EXPECT_TRUE(ends("a", ExecutionStatus::kSucceeded));
    const auto events = engine_->history(ExecutionId("a"), {});
    for (size_t i = 0; i < events->size(); ++i) EXPECT_EQ(events->at(i).seq, i + 1);
}

TEST_F(RedriveTest, IsAnsweredWhenItIsDurable) {
    start_and_stop("a");
    gated_.set_open(false);
    auto reply = std::async(std::launch::async, [&] { return redrive("a"); });
    gated_.wait_for_append();
    EXPECT_EQ(reply.wait_for(50ms), std::future_status::timeout);
    EXPECT_EQ(executor_.count(), 0u);
    EXPECT_EQ(status("a"), ExecutionStatus::kAborted);
    gated_.set_open(true);
    EXPECT_TRUE(reply.get()->accepted);
}

TEST_F(RedriveTest, ATokenIsAnsweredAlikeForAWhile) {
    start_and_stop("a");
    const auto first = redrive("a", "one");
    ASSERT_TRUE(first->accepted);
    EXPECT_FALSE(redrive("a", "two")->accepted);  // it runs
    EXPECT_FALSE(redrive("a")->accepted);
    open();
    EXPECT_EQ(redrive("a", "one")->time, first->time);
    EXPECT_EQ(engine_->describe(ExecutionId("a"))->redrives, 1u);
    for (int i = 0; i < 9; ++i) {
        stop("a");
        EXPECT_TRUE(redrive("a", "more" + std::to_string(i))->accepted);
    }
    EXPECT_EQ(redrive("a", "one")->time, first->time);
    stop("a");
    EXPECT_TRUE(redrive("a", "last")->accepted);
    EXPECT_FALSE(redrive("a", "one")->accepted);  // forgotten, and it runs
    EXPECT_TRUE(redrive("a", "last")->accepted);
    clock_.ahead = std::chrono::minutes(16);
    EXPECT_FALSE(redrive("a", "last")->accepted);
    EXPECT_EQ(engine_->describe(ExecutionId("a"))->redrives, 11u);
}

TEST_F(RedriveTest, NotWhatEndedOrBeganTooLongAgo) {
    start_and_stop("a");
    const ExecutionSummary s = *engine_->describe(ExecutionId("a"));
    request_.stopped_from = s.stop_time + Duration(1);
    EXPECT_FALSE(redrive("a")->accepted);
    request_.stopped_from = s.stop_time;
    request_.started_from = s.start_time + Duration(1);
    EXPECT_FALSE(redrive("a")->accepted);
    request_.started_from = s.start_time;
    // What retention will erase soon is as good as gone.
    clock_.ahead = std::chrono::hours(24) * options_.limits.history_retention_days;
    EXPECT_FALSE(redrive("a")->accepted);
    clock_.ahead = Duration(0);
    EXPECT_TRUE(redrive("a")->accepted);
}

}  // namespace
}  // namespace tandem
