// Batches whose payloads have to be written first: what waits for them, and what does not.
#include "engine/committer.h"

#include <gtest/gtest.h>

#include <thread>

#include "store/memory/memory_store.h"
#include "store/testing/forwarding_store.h"

namespace tandem {
namespace {

using namespace std::chrono_literals;

/// Prepares when the test says so, and notes what was appended.
class SlowStore final : public store_test::ForwardingStore {
public:
    using ForwardingStore::ForwardingStore;
    struct Token final : Prepared {};

    size_t inline_bytes() const override { return 100; }
    void prepare(const Batch& batch, PrepareDone done) override {
        const std::string id = batch.executions.front().summary.id.str();
        const std::lock_guard lock(mutex_);
        waiting_.emplace(id, std::move(done));
    }
    Result<void> append(const Batch& batch) override {
        const std::lock_guard lock(mutex_);
        for (const ExecutionWrite& write : batch.executions)
            appended_.push_back(write.summary.id.str());
        prepared_ += batch.prepared.size();
        return {};
    }
    void finish(const std::string& id, Result<void> result = {}) {
        PrepareDone done;
        {
            const std::lock_guard lock(mutex_);
            done = std::move(waiting_.extract(id).mapped());
        }
        if (result) done(std::shared_ptr<const Prepared>(std::make_shared<Token>()));
        else done(tl::unexpected<Error>(result.error()));
    }
    std::vector<std::string> appended() {
        const std::lock_guard lock(mutex_);
        return appended_;
    }
    size_t prepared() {
        const std::lock_guard lock(mutex_);
        return prepared_;
    }

private:
    std::mutex mutex_;
    std::map<std::string, PrepareDone> waiting_;
    std::vector<std::string> appended_;
    size_t prepared_ = 0;
};

Batch batch_of(const std::string& id, size_t bytes) {
    ExecutionWrite write;
    write.summary.id = ExecutionId(id);
    Event event;
    event.input = Payload(std::string(bytes, 'x'));
    write.events.push_back(std::move(event));
    Batch batch;
    batch.executions.push_back(std::move(write));
    return batch;
}

class CommitterTest : public ::testing::Test {
protected:
    void submit(const std::string& id, size_t bytes, const void* source) {
        committer_.submit(
            batch_of(id, bytes),
            [this, id](const Result<void>& durable) {
                const std::lock_guard lock(mutex_);
                done_.push_back(durable ? id : id + " failed");
            },
            false, source);
    }
    std::vector<std::string> done() {
        const std::lock_guard lock(mutex_);
        return done_;
    }
    std::vector<std::string> done_after(size_t count) {
        for (int i = 0; i < 10'000 && done().size() < count; ++i) std::this_thread::sleep_for(1ms);
        return done();
    }
    using Names = std::vector<std::string>;

    std::unique_ptr<Store> rows_ = make_memory_store();
    SlowStore store_{*rows_};
    std::mutex mutex_;
    Names done_;
    Committer committer_{store_, Threads::kOwn};
    const int one_ = 1, two_ = 2;
};

TEST_F(CommitterTest, WhatHasLargePayloadsWaitsAndItsSourceWithIt) {
    submit("a", 101, &one_);
    submit("b", 10, &one_);
    submit("c", 10, &two_);
    EXPECT_EQ(done_after(1), Names{"c"});
    EXPECT_TRUE(committer_.holds(&one_));
    EXPECT_FALSE(committer_.holds(&two_));
    EXPECT_EQ(store_.appended(), Names{"c"});
    store_.finish("a");
    EXPECT_EQ(done_after(3), (Names{"c", "a", "b"}));
    EXPECT_EQ(store_.appended(), (Names{"c", "a", "b"}));
    EXPECT_EQ(store_.prepared(), 1u);
    EXPECT_FALSE(committer_.holds(&one_));
}

TEST_F(CommitterTest, WhatIsReadyFirstKeepsItsPlace) {
    submit("a", 200, &one_);
    submit("b", 300, &one_);
    submit("c", 400, &two_);
    store_.finish("b");
    store_.finish("c");
    EXPECT_EQ(done_after(1), Names{"c"});
    store_.finish("a");
    EXPECT_EQ(done_after(3), (Names{"c", "a", "b"}));
}

TEST_F(CommitterTest, ASourceWithMuchHeldWaitsUnlessItHasNoPatience) {
    submit("a", kCommitQueueBytes, &one_);
    // No patience: a thread that only brings answers.
    committer_.submit(
        batch_of("b", 1), [](const Result<void>&) {}, false, &one_, false);
    std::atomic<bool> went_on{false};
    std::thread shard([&] {
        submit("c", 1, &one_);
        went_on = true;
    });
    submit("d", 1, &two_);
    EXPECT_EQ(done_after(1), Names{"d"});
    std::this_thread::sleep_for(20ms);
    EXPECT_FALSE(went_on);
    store_.finish("a");
    shard.join();
    EXPECT_EQ(done_after(3), (Names{"d", "a", "c"}));
}

TEST_F(CommitterTest, WhatCannotBePreparedEndsTheCommitter) {
    submit("a", 101, &one_);
    submit("b", 1, &one_);
    store_.finish("a", fail(ErrorCode::kIo, "the bucket is gone"));
    EXPECT_EQ(done_after(2), (Names{"a failed", "b failed"}));
    EXPECT_TRUE(committer_.failed());
    EXPECT_TRUE(store_.appended().empty());
    submit("c", 1, &two_);
    EXPECT_EQ(done_after(3).back(), "c failed");
}

TEST_F(CommitterTest, AStopWaitsForWhatIsHeld) {
    submit("a", 101, &one_);
    std::thread stopper([&] { committer_.stop(); });
    std::this_thread::sleep_for(20ms);
    EXPECT_TRUE(done().empty());
    store_.finish("a");
    stopper.join();
    EXPECT_EQ(done(), Names{"a"});
}

}  // namespace
}  // namespace tandem
