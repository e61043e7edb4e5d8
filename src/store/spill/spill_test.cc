// A store whose large payloads are objects of a directory: the law of all stores, and what happens
// when the bucket fails, loses or alters something, or the process dies between object and row.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <future>
#include <set>
#include <thread>

#include "base/rng.h"
#include "store/conformance/store_conformance.h"
#include "store/memory/memory_store.h"
#include "store/rows/keys.h"
#include "store/rows/row_store.h"

namespace tandem {
namespace {

namespace fs = std::filesystem;
using namespace store_test;
using namespace std::chrono_literals;

struct Directory {
    fs::path path = fs::temp_directory_path() / ("tandem-spill-" + random_uuid());
    Directory() { fs::create_directories(path); }
    ~Directory() { fs::remove_all(path); }
};

/// The directory as a bucket, some of whose calls fail.
class FailingBucket final : public Bucket {
public:
    explicit FailingBucket(std::shared_ptr<Bucket> inner) : inner_(std::move(inner)) {}
    std::atomic<int> failing_puts{0};  // so many from now on
    std::atomic<int> failing_gets{0};
    std::atomic<int> puts{0};
    std::atomic<bool> holds_puts{false};

    Result<ObjectBytes> get(std::string_view key, ByteRange range) const override {
        auto& left = const_cast<std::atomic<int>&>(failing_gets);
        if (left > 0 && left-- > 0) return fail(ErrorCode::kIo, "get fails");
        return inner_->get(key, range);
    }
    Result<ObjectInfo> put(std::string_view key, std::string_view bytes,
                           PutOptions options) override {
        while (holds_puts) std::this_thread::sleep_for(1ms);
        if (failing_puts > 0 && failing_puts-- > 0) return fail(ErrorCode::kIo, "put fails");
        ++puts;
        return inner_->put(key, bytes, options);
    }
    Result<std::unique_ptr<ObjectWriter>> writer(std::string_view key, PutOptions o) override {
        return inner_->writer(key, o);
    }
    Result<ObjectInfo> head(std::string_view key) const override { return inner_->head(key); }
    Result<void> remove(std::string_view key) override { return inner_->remove(key); }
    Result<ListPage> list(const ListRequest& request) const override {
        return inner_->list(request);
    }

private:
    const std::shared_ptr<Bucket> inner_;
};

class SpillPlace : public StorePlace {
public:
    std::unique_ptr<Store> open() override {
        return open_row_store(rows, options()).value_or(nullptr);
    }
    SpillOptions options() {
        SpillOptions spill;
        spill.bucket = "spill";
        spill.inline_bytes = inline_bytes;
        spill.open = [this](const std::string&) { return Result<std::shared_ptr<Bucket>>(bucket); };
        spill.first_pause = spill.longest_pause = 1ms;
        spill.put_patience = patience;
        spill.sweeps = sweeps;
        spill.state = state;
        return spill;
    }
    std::set<std::string> keys() const {
        std::set<std::string> out;
        const auto page = bucket->list({});
        for (const ObjectInfo& object : page->objects) out.insert(object.key);
        return out;
    }

    Directory directory;
    std::shared_ptr<MemoryFaults> faults = std::make_shared<MemoryFaults>();
    std::shared_ptr<Rows> rows = make_memory_rows(faults);
    std::shared_ptr<FailingBucket> bucket =
        std::make_shared<FailingBucket>(open_directory(directory.path).value());
    std::shared_ptr<SpillState> state = std::make_shared<SpillState>();
    size_t inline_bytes = 6;
    std::chrono::milliseconds patience = 10s;
    bool sweeps = false;  // numbers of the suite's executions are below those of the epochs
};

INSTANTIATE_TEST_SUITE_P(Spilling, StoreConformance,
                         ::testing::Values(StoreMaker{
                             "spilling", [] { return std::make_unique<SpillPlace>(); }}));

class Spill : public ::testing::Test {
protected:
    void SetUp() override {
        place_.inline_bytes = 1'000;
        open();
    }
    void open() {
        store_.reset();
        store_ = place_.open();
        ASSERT_NE(store_, nullptr);
    }
    /// With an input and an output of 100,000 bytes.
    static ExecutionWrite large_write(const std::string& id, uint64_t number = 0) {
        ExecutionWrite write = start_write(id, 1, 2);
        if (number != 0) write.summary.number = number;
        const Payload large(std::string(100'000, 'a') + id);
        write.summary.input = write.events[0].input = large;
        write.events[1].output = large;
        return write;
    }
    static void erase(Store& store, const ExecutionSummary& s) {
        const ExecutionWrite gone{{}, s, version_of(s), true};
        ASSERT_TRUE(store.append(batch_of({gone})).has_value());
    }
    bool eventually_no_keys() {
        for (int i = 0; i < 5'000 && !place_.keys().empty(); ++i) std::this_thread::sleep_for(1ms);
        return place_.keys().empty();
    }
    void alter(const std::string& key, char byte) {
        std::fstream file(place_.directory.path / key, std::ios::in | std::ios::out);
        file.seekp(50'000);
        file.put(byte);
    }
    std::string format() { return place_.rows->get(keys::format()).value().value_or(""); }

    SpillPlace place_;
    std::unique_ptr<Store> store_;
};

TEST_F(Spill, WhatIsSmallStaysAndTheSamePayloadIsOneObject) {
    ASSERT_TRUE(store_->append(batch_of({start_write("small", 1)})).has_value());
    EXPECT_TRUE(place_.keys().empty());
    EXPECT_EQ(format(), "2");  // an older binary may still read all
    ExecutionWrite write = large_write("a");
    ASSERT_TRUE(store_->append(batch_of({write})).has_value());
    EXPECT_EQ(place_.keys().size(), 1u);
    EXPECT_EQ(format(), "3");
    ExecutionWrite next = next_write(write.summary, 1, ExecutionStatus::kSucceeded, 9);
    next.events[0].output = next.summary.output = write.summary.input;
    ASSERT_TRUE(store_->append(batch_of({next})).has_value());
    EXPECT_EQ(place_.keys().size(), 1u);
    EXPECT_EQ(place_.bucket->puts, 1);
    EXPECT_EQ(store_->summary(next.summary.id).value(), next.summary);
    const auto events = store_->events(next.summary.id, {}).value();
    ASSERT_EQ(events.size(), 3u);
    EXPECT_EQ(events[0], write.events[0]);
    EXPECT_EQ(events[0].input.view().data(), events[2].output.view().data());  // read once
    // A listing has no large input and output; retention does not ask for them either.
    const auto page = store_->list(flow_filter(), {}, 10).value();
    ASSERT_EQ(page.executions.size(), 2u);
    for (const ExecutionSummary& s : page.executions) {
        if (s.id != next.summary.id) continue;
        EXPECT_TRUE(s.input.is_null() && s.output.is_null());
        EXPECT_EQ(s.attributes, write.summary.attributes);
    }
}

TEST_F(Spill, APageOfEventsEndsWithItsBytes) {
    ExecutionWrite write = start_write("a", 1, 6);
    for (Event& event : write.events)
        event.input = Payload(std::string(5'000, char('a' + event.seq)));
    write.summary.input = write.events[0].input;
    ASSERT_TRUE(store_->append(batch_of({write})).has_value());
    const auto count = [&](EventRange range) {
        return store_->events(write.summary.id, range).value().size();
    };
    EXPECT_EQ(count({.bytes = 1}), 1u);
    EXPECT_EQ(count({.bytes = 10'013}), 3u);
    EXPECT_EQ(count({.first_seq = 3, .bytes = 5'000}), 1u);
    EXPECT_EQ(count({.bytes = 10'000, .reverse = true}), 2u);
    EXPECT_EQ(count({}), 6u);
}

TEST_F(Spill, ALostOrAlteredObjectIsItsExecutionsTroubleAlone) {
    const ExecutionWrite a = large_write("a"), b = large_write("b"), c = large_write("c");
    ASSERT_TRUE(store_->append(batch_of({a})).has_value());
    const std::string of_a = *place_.keys().begin();
    ASSERT_TRUE(store_->append(batch_of({b, c})).has_value());
    fs::remove(place_.directory.path / of_a);
    std::string of_b;
    for (const std::string& key : place_.keys()) {
        alter(key, 'b');
        of_b = key;
        if (!store_->events(b.summary.id, {}).has_value()) break;
        alter(key, 'a');
    }
    for (const auto& id : {a.summary.id, b.summary.id}) {
        EXPECT_EQ(store_->events(id, {}).error().code, ErrorCode::kCorrupt);
        EXPECT_EQ(store_->summary(id).error().code, ErrorCode::kCorrupt);
    }
    // One that was cut is no less altered.
    fs::resize_file(place_.directory.path / of_b, 10);
    EXPECT_EQ(store_->summary(b.summary.id).error().code, ErrorCode::kCorrupt);
    EXPECT_EQ(store_->events(c.summary.id, {}).value(), c.events);
    EXPECT_EQ(list_all(*store_, flow_filter(), 10).size(), 3u);
    EXPECT_EQ(open_ids(*store_, 10).size(), 3u);
    // It can still be deleted.
    erase(*store_, a.summary);
    EXPECT_EQ(store_->summary(a.summary.id).value(), std::nullopt);
}

TEST_F(Spill, APutThatFailsIsTriedAgainWhileTheStateTells) {
    place_.bucket->failing_puts = 20;
    std::atomic<bool> done{false};
    bool was_told = false;
    std::thread watcher([&] {
        while (!done) was_told = was_told || place_.state->failing > 0;
    });
    const auto appended = store_->append(batch_of({large_write("a")}));
    done = true;
    watcher.join();
    ASSERT_TRUE(appended.has_value());
    EXPECT_TRUE(was_told);
    EXPECT_EQ(place_.state->failing, 0);
    place_.bucket->failing_gets = 2;
    EXPECT_TRUE(store_->summary(ExecutionId("a")).value().has_value());
    place_.bucket->failing_gets = 1'000;
    EXPECT_EQ(store_->summary(ExecutionId("a")).error().code, ErrorCode::kUnavailable);
}

TEST_F(Spill, WhenThePatienceIsOverNothingIsRecorded) {
    place_.patience = 20ms;
    open();
    place_.bucket->failing_puts = 1'000'000;
    EXPECT_EQ(store_->append(batch_of({large_write("a")})).error().code, ErrorCode::kIo);
    EXPECT_EQ(store_->summary(ExecutionId("a")).value(), std::nullopt);
    place_.patience = 1h;
    open();
    place_.state->gives_up = true;  // the server stops
    EXPECT_EQ(store_->append(batch_of({large_write("a")})).error().code, ErrorCode::kIo);
}

TEST_F(Spill, APreparedBatchWaitsForNoBucket) {
    Batch batch = batch_of({large_write("a"), large_write("b"), start_write("c", 1)});
    place_.bucket->holds_puts = true;
    std::promise<Result<std::shared_ptr<const Prepared>>> promise;
    store_->prepare(batch, [&](auto result) { promise.set_value(std::move(result)); });
    auto future = promise.get_future();
    EXPECT_EQ(future.wait_for(20ms), std::future_status::timeout);
    // Others go on meanwhile.
    ASSERT_TRUE(store_->append(batch_of({start_write("d", 1)})).has_value());
    place_.bucket->holds_puts = false;
    auto prepared = future.get();
    ASSERT_TRUE(prepared.has_value());
    batch.prepared.push_back(*prepared);
    place_.bucket->failing_puts = 1'000'000;
    ASSERT_TRUE(store_->append(batch).has_value());
    EXPECT_EQ(store_->events(ExecutionId("b"), {}).value(), batch.executions[1].events);
    // Nothing to prepare is an answer, too.
    bool answered = false;
    store_->prepare(batch_of({start_write("e", 1)}),
                    [&](auto result) { answered = result.has_value() && *result == nullptr; });
    EXPECT_TRUE(answered);
}

TEST_F(Spill, DeletingAnExecutionRemovesItsObjects) {
    const ExecutionWrite a = large_write("a"), b = large_write("b");
    ASSERT_TRUE(store_->append(batch_of({a, b})).has_value());
    ASSERT_EQ(place_.keys().size(), 2u);
    erase(*store_, a.summary);
    for (int i = 0; i < 5'000 && place_.keys().size() != 1; ++i) std::this_thread::sleep_for(1ms);
    EXPECT_EQ(store_->events(b.summary.id, {}).value(), b.events);
    erase(*store_, b.summary);
    EXPECT_TRUE(eventually_no_keys());
}

TEST_F(Spill, ACrashBetweenObjectAndRowLeavesWhatTheNextOwnerSweeps) {
    const uint64_t epoch = store_->open_epoch().value();
    const ExecutionWrite kept = large_write("kept", (epoch << kNumbersOfEpochBits) + 1);
    ASSERT_TRUE(store_->append(batch_of({kept})).has_value());
    place_.faults->fail_appends = true;
    const ExecutionWrite lost = large_write("lost", (epoch << kNumbersOfEpochBits) + 2);
    EXPECT_FALSE(store_->append(batch_of({lost})).has_value());
    EXPECT_EQ(place_.keys().size(), 2u);
    place_.faults->fail_appends = false;
    place_.rows->ownership().failure.reset();  // as a new process
    place_.sweeps = true;
    open();
    ASSERT_TRUE(store_->open_epoch().has_value());
    for (int i = 0; i < 5'000 && place_.keys().size() != 1; ++i) std::this_thread::sleep_for(1ms);
    EXPECT_EQ(place_.keys().size(), 1u);
    EXPECT_EQ(store_->events(kept.summary.id, {}).value(), kept.events);
    // What begins from now on is not swept, and another store's objects are not.
    ASSERT_TRUE(place_.bucket->put("other-store/0000000000000001/x", "x", {}).has_value());
    open();
    ASSERT_TRUE(store_->open_epoch().has_value());
    std::this_thread::sleep_for(20ms);
    EXPECT_EQ(place_.keys().size(), 2u);
}

TEST_F(Spill, SwitchedOffItIsStillReadInItsBucketAlone) {
    const ExecutionWrite a = large_write("a");
    ASSERT_TRUE(store_->append(batch_of({a})).has_value());
    store_.reset();
    SpillOptions off;
    off.open = place_.options().open;
    store_ = open_row_store(place_.rows, off).value();
    EXPECT_EQ(store_->inline_bytes(), SIZE_MAX);
    EXPECT_EQ(store_->events(a.summary.id, {}).value(), a.events);
    ASSERT_TRUE(store_->append(batch_of({large_write("b")})).has_value());
    EXPECT_EQ(place_.keys().size(), 1u);
    erase(*store_, a.summary);
    EXPECT_TRUE(eventually_no_keys());
    store_.reset();

    open();
    ASSERT_TRUE(store_->append(batch_of({large_write("c")})).has_value());
    store_.reset();
    store_ = open_row_store(place_.rows).value();  // the bucket is not configured any more
    EXPECT_EQ(store_->events(ExecutionId("c"), {}).error().code, ErrorCode::kUnavailable);
    EXPECT_TRUE(store_->events(ExecutionId("b"), {}).has_value());
    SpillOptions moved = place_.options();
    moved.bucket = "elsewhere";
    EXPECT_EQ(open_row_store(place_.rows, moved).error().code, ErrorCode::kInvalidArgument);
    moved.bucket = "spill";
    moved.open = nullptr;
    EXPECT_EQ(open_row_store(place_.rows, moved).error().code, ErrorCode::kNotFound);
}

TEST_F(Spill, AMalformedReferenceIsCorrupt) {
    EXPECT_FALSE(PayloadReference::decode("").has_value());
    EXPECT_FALSE(PayloadReference::decode(std::string(41, 'x')).has_value());
    const PayloadReference reference{70'000, std::string(32, 's')};
    EXPECT_EQ(reference.encode().size(), 40u);
    EXPECT_EQ(PayloadReference::decode(reference.encode()).value().bytes, 70'000u);
    ASSERT_TRUE(store_->append(batch_of({start_write("a", 1)})).has_value());
    ASSERT_TRUE(place_.rows->commit({{keys::payloads(), "malformed"}}).has_value());
    EXPECT_EQ(open_row_store(place_.rows, place_.options()).error().code, ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace tandem
