// What an EventLog hears: whole executions in their order, and nothing before it is durable.
#include "engine/event_log.h"

#include "engine/engine_fixture.h"

namespace tandem {
namespace {

class RecordingLog final : public EventLog {
public:
    bool wants(const Callable& callable) const override { return callable.name == "logged"; }
    void add(const ExecutionSummary& summary, const Callable& callable,
             const std::vector<Event>& events) override {
        const std::lock_guard lock(mutex_);
        EXPECT_EQ(callable.name, "logged");
        for (const Event& event : events) seqs_[summary.id.str()].push_back(event.seq);
        if (is_closing(events.back().type)) ended_.push_back(summary.status);
    }
    std::vector<uint64_t> seqs(const std::string& id) {
        const std::lock_guard lock(mutex_);
        return seqs_[id];
    }
    std::vector<ExecutionStatus> ended() {
        const std::lock_guard lock(mutex_);
        return ended_;
    }
    size_t executions() {
        const std::lock_guard lock(mutex_);
        return seqs_.size();
    }

private:
    std::mutex mutex_;
    std::map<std::string, std::vector<uint64_t>> seqs_;
    std::vector<ExecutionStatus> ended_;
};

class EventLogTest : public EngineTest {
protected:
    void SetUp() override {
        options_.event_log = &log_;
        EngineTest::SetUp();
        put("logged", "{}");
        executor_.immediate = true;
    }
    void TearDown() override {
        EngineTest::TearDown();
        engine_.reset();
    }
    RecordingLog log_;
};

TEST_F(EventLogTest, HearsEveryEventOnceAndInOrder) {
    ASSERT_TRUE(start("a", "ttwnt", "logged").get());
    ASSERT_TRUE(start("other", "t").get());
    ASSERT_TRUE(ends("a", ExecutionStatus::kSucceeded));
    ASSERT_TRUE(ends("other", ExecutionStatus::kSucceeded));
    ASSERT_TRUE(eventually([&] { return log_.ended().size() == 1; }));
    EXPECT_EQ(log_.ended()[0], ExecutionStatus::kSucceeded);
    std::vector<uint64_t> stored;
    const auto events = engine_->history(ExecutionId("a"), {});
    ASSERT_TRUE(events);
    for (const Event& event : *events) stored.push_back(event.seq);
    EXPECT_EQ(log_.seqs("a"), stored);
    EXPECT_EQ(log_.executions(), 1u);
}

TEST_F(EventLogTest, HearsOfTransientExecutionsToo) {
    ASSERT_TRUE(run_transient("~b", "tt", "logged").ended.get());
    ASSERT_TRUE(eventually([&] { return log_.ended().size() == 1; }));
    const auto seqs = log_.seqs("~b");
    ASSERT_FALSE(seqs.empty());
    for (size_t i = 0; i < seqs.size(); ++i) EXPECT_EQ(seqs[i], i + 1);
}

TEST_F(EventLogTest, HearsNothingBeforeItIsDurable) {
    gated_.set_open(false);
    auto started = start("c", "t", "logged");
    gated_.wait_for_append();
    std::this_thread::sleep_for(20ms);
    EXPECT_TRUE(log_.seqs("c").empty());
    gated_.set_open(true);
    ASSERT_TRUE(started.get());
    EXPECT_TRUE(eventually([&] { return !log_.seqs("c").empty(); }));
}

}  // namespace
}  // namespace tandem
