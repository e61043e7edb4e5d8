// One suite over every store: what the engine relies on.
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <set>
#include <thread>

#include "store/memory/memory_store.h"
#include "store/rocks/rocks_store.h"

namespace tandem {
namespace {

enum class Kind { kMemory, kRocks };

class StoreConformance : public testing::TestWithParam<Kind> {
protected:
    void SetUp() override {
        directory_ = std::filesystem::temp_directory_path() / ("tandem-store-" + std::to_string(::getpid()));
        std::filesystem::remove_all(directory_);
        open();
    }
    void TearDown() override {
        store_.reset();
        std::filesystem::remove_all(directory_);
    }
    void open() {
        store_.reset();
        if (GetParam() == Kind::kMemory) {
            store_ = make_memory_store();
        } else {
            auto opened = open_rocks_store(directory_);
            ASSERT_TRUE(opened.has_value()) << opened.error().message;
            store_ = std::move(*opened);
        }
    }

    static ExecutionSummary summary(const std::string& id, int64_t start_us, const std::string& callable = "m") {
        ExecutionSummary s;
        s.id = ExecutionId(id);
        s.callable = callable;
        s.language = "asl";
        s.start_time = from_micros(start_us);
        s.input = Payload("{\"a\":1}");
        s.attributes = Payload("{}");
        return s;
    }

    static Event event(uint64_t seq, const std::string& name) {
        Event e;
        e.seq = seq;
        e.id = seq;
        e.type = EventType::kStateEntered;
        e.name = name;
        return e;
    }

    /// Appends one execution write of `count` events; returns the new summary.
    ExecutionSummary write(ExecutionSummary now, std::optional<ExecutionSummary> before, uint64_t count) {
        ExecutionWrite w;
        for (uint64_t i = 0; i < count; ++i) {
            ++now.last_seq;
            w.events.push_back(event(now.last_seq, "s" + std::to_string(now.last_seq)));
        }
        w.summary = now;
        w.previous = std::move(before);
        Batch batch;
        batch.executions.push_back(std::move(w));
        EXPECT_TRUE(store_->append(batch).has_value());
        return now;
    }

    std::vector<std::string> ids(const ExecutionFilter& filter, size_t page_size = 100) {
        std::vector<std::string> out;
        std::string cursor;
        do {
            const auto page = store_->list(filter, cursor, page_size);
            EXPECT_TRUE(page.has_value());
            if (!page) break;
            EXPECT_LE(page->executions.size(), page_size);
            for (const auto& s : page->executions) out.push_back(s.id.str());
            cursor = page->next;
        } while (!cursor.empty());
        return out;
    }

    std::filesystem::path directory_;
    std::unique_ptr<Store> store_;
};

ExecutionFilter by_callable(const std::string& name) {
    ExecutionFilter f;
    f.callable = name;
    return f;
}

TEST_P(StoreConformance, ReadsBackWhatWasAppended) {
    const ExecutionSummary s1 = write(summary("a", 10), std::nullopt, 3);
    const ExecutionSummary s2 = write(s1, s1, 2);
    EXPECT_EQ(store_->summary(ExecutionId("a"))->value(), s2);
    EXPECT_FALSE(store_->summary(ExecutionId("b"))->has_value());
    const auto all = store_->events(ExecutionId("a"), {});
    ASSERT_EQ(all->size(), 5u);
    EXPECT_EQ(all->front(), event(1, "s1"));
    EXPECT_EQ(all->back(), event(5, "s5"));
    EXPECT_TRUE(store_->events(ExecutionId("b"), {})->empty());
}

TEST_P(StoreConformance, ReadsRangesForwardAndBackward) {
    write(summary("a", 10), std::nullopt, 300);
    write(summary("aa", 10), std::nullopt, 2);
    const auto middle = store_->events(ExecutionId("a"), {.first_seq = 250, .last_seq = 260, .limit = 3});
    ASSERT_EQ(middle->size(), 3u);
    EXPECT_EQ(middle->at(0).seq, 250u);
    const auto reverse = store_->events(ExecutionId("a"), {.first_seq = 1, .last_seq = 260, .limit = 2, .reverse = true});
    ASSERT_EQ(reverse->size(), 2u);
    EXPECT_EQ(reverse->at(0).seq, 260u);
    EXPECT_EQ(reverse->at(1).seq, 259u);
    const auto newest = store_->events(ExecutionId("a"), {.reverse = true});
    EXPECT_EQ(newest->size(), 300u);
    EXPECT_EQ(newest->front().seq, 300u);
}

TEST_P(StoreConformance, ListsNewestFirstInPages) {
    for (int i = 0; i < 25; ++i) write(summary("x" + std::to_string(100 + i), i / 2), std::nullopt, 1);
    write(summary("other", 5, "m2"), std::nullopt, 1);
    const auto all = ids(by_callable("m"), 4);
    ASSERT_EQ(all.size(), 25u);
    EXPECT_EQ(all.front(), "x124");
    EXPECT_EQ(std::set<std::string>(all.begin(), all.end()).size(), 25u);
    EXPECT_EQ(ids(by_callable("m2")), std::vector<std::string>{"other"});
    EXPECT_TRUE(ids(by_callable("")).empty());
    EXPECT_FALSE(store_->list(by_callable("m"), "no token", 4).has_value());
    EXPECT_FALSE(store_->list(by_callable("m"), "00000000ab", 4).has_value());
}

TEST_P(StoreConformance, ListsByTimeWindow) {
    for (int i = 0; i < 1000; ++i) write(summary("x" + std::to_string(i), i), std::nullopt, 1);
    ExecutionFilter f = by_callable("m");
    f.started_from = from_micros(500);
    f.started_to = from_micros(510);
    const auto window = ids(f, 3);
    ASSERT_EQ(window.size(), 10u);
    EXPECT_EQ(window.front(), "x509");
    EXPECT_EQ(window.back(), "x500");
}

TEST_P(StoreConformance, MovesBetweenStatusIndexes) {
    ExecutionFilter running = by_callable("m");
    running.status = ExecutionStatus::kRunning;
    ExecutionFilter failed = by_callable("m");
    failed.status = ExecutionStatus::kFailed;
    ExecutionSummary s = write(summary("a", 10), std::nullopt, 1);
    EXPECT_EQ(ids(running).size(), 1u);
    EXPECT_TRUE(ids(failed).empty());
    EXPECT_EQ(store_->list_open("", 10)->executions.size(), 1u);
    const ExecutionSummary before = s;
    s.status = ExecutionStatus::kFailed;
    s.error = "E";
    s.output = Payload("1");
    s.stop_time = from_micros(99);
    s = write(s, before, 1);
    EXPECT_TRUE(ids(running).empty());
    EXPECT_EQ(ids(failed), std::vector<std::string>{"a"});
    EXPECT_EQ(ids(by_callable("m")), std::vector<std::string>{"a"});
    EXPECT_TRUE(store_->list_open("", 10)->executions.empty());
    EXPECT_TRUE(store_->list_closed(from_micros(99), 10)->empty());
    EXPECT_EQ(store_->list_closed(from_micros(100), 10)->size(), 1u);
    EXPECT_EQ(store_->summary(ExecutionId("a"))->value(), s);
}

TEST_P(StoreConformance, OpenListIsPagedAndSmall) {
    for (int i = 0; i < 23; ++i) {
        ExecutionSummary s = summary("x" + std::to_string(i), i);
        s.next_due = from_micros(1000 + i);
        s.open_tasks = 2;
        write(s, std::nullopt, 1);
    }
    std::set<std::string> seen;
    std::string cursor;
    do {
        const auto page = store_->list_open(cursor, 5);
        ASSERT_TRUE(page.has_value());
        for (const auto& s : page->executions) {
            seen.insert(s.id.str());
            EXPECT_TRUE(s.input.is_null());
            EXPECT_NE(s.next_due, kNever);
            EXPECT_EQ(s.open_tasks, 2u);
        }
        cursor = page->next;
    } while (!cursor.empty());
    EXPECT_EQ(seen.size(), 23u);
}

TEST_P(StoreConformance, EraseLeavesNothing) {
    ExecutionSummary s = write(summary("a", 10), std::nullopt, 3);
    const ExecutionSummary before = s;
    s.status = ExecutionStatus::kSucceeded;
    s.stop_time = from_micros(20);
    s = write(s, before, 1);
    write(summary("ab", 10), std::nullopt, 1);
    Batch batch;
    batch.executions.push_back({{}, s, s, true});
    ASSERT_TRUE(store_->append(batch).has_value());
    EXPECT_FALSE(store_->summary(ExecutionId("a"))->has_value());
    EXPECT_TRUE(store_->events(ExecutionId("a"), {})->empty());
    EXPECT_TRUE(store_->list_closed(from_micros(1000), 10)->empty());
    EXPECT_EQ(ids(by_callable("m")), std::vector<std::string>{"ab"});
    EXPECT_EQ(store_->events(ExecutionId("ab"), {})->size(), 1u);
}

TEST_P(StoreConformance, CatalogKeepsScansAndDeletes) {
    Batch batch;
    for (const char* key : {"a/1", "a/2", "a/3", "b/1"}) batch.catalog.push_back({key, std::string("v") + key});
    ASSERT_TRUE(store_->append(batch).has_value());
    EXPECT_EQ(store_->catalog("a/2")->value(), "va/2");
    EXPECT_FALSE(store_->catalog("a/9")->has_value());
    EXPECT_EQ(store_->scan_catalog("a/", "", 10)->size(), 3u);
    const auto rest = store_->scan_catalog("a/", "a/1", 1);
    ASSERT_EQ(rest->size(), 1u);
    EXPECT_EQ(rest->front().first, "a/2");
    Batch drop;
    drop.catalog.push_back({"a/2", std::nullopt});
    ASSERT_TRUE(store_->append(drop).has_value());
    EXPECT_FALSE(store_->catalog("a/2")->has_value());
}

TEST_P(StoreConformance, EpochsGrow) {
    const uint64_t first = store_->open_epoch().value();
    EXPECT_GT(store_->open_epoch().value(), first);
}

TEST_P(StoreConformance, OneBatchSpansManyExecutions) {
    Batch batch;
    for (int i = 0; i < 100; ++i) {
        ExecutionSummary s = summary("x" + std::to_string(i), i);
        s.last_seq = 1;
        batch.executions.push_back({{event(1, "s")}, s, std::nullopt, false});
    }
    ASSERT_TRUE(store_->append(batch).has_value());
    EXPECT_EQ(ids(by_callable("m")).size(), 100u);
}

TEST_P(StoreConformance, BigPayloads) {
    ExecutionSummary s = summary("big", 1);
    s.input = Payload(std::string(4 << 20, 'x'));
    s = write(s, std::nullopt, 1);
    EXPECT_EQ(store_->summary(ExecutionId("big"))->value().input.size(), size_t(4 << 20));
}

TEST_P(StoreConformance, ReadersRunBesideTheWriter) {
    std::atomic<bool> stop{false};
    std::atomic<uint64_t> seen{0};
    std::thread reader([&] {
        while (!stop) {
            const auto events = store_->events(ExecutionId("a"), {});
            ASSERT_TRUE(events.has_value());
            ASSERT_GE(events->size(), seen.load());
            for (size_t i = 0; i < events->size(); ++i) ASSERT_EQ(events->at(i).seq, i + 1);
            seen = events->size();
        }
    });
    ExecutionSummary s = write(summary("a", 1), std::nullopt, 1);
    for (int i = 0; i < 200; ++i) s = write(s, s, 1);
    stop = true;
    reader.join();
    EXPECT_EQ(store_->events(ExecutionId("a"), {})->size(), 201u);
}

TEST_P(StoreConformance, ReopeningKeepsEverything) {
    if (GetParam() == Kind::kMemory) GTEST_SKIP() << "a memory store forgets";
    const ExecutionSummary s = write(summary("a", 10), std::nullopt, 3);
    Batch batch;
    batch.catalog.push_back({"k", "v"});
    ASSERT_TRUE(store_->append(batch).has_value());
    const uint64_t epoch = store_->open_epoch().value();
    EXPECT_FALSE(open_rocks_store(directory_).has_value()) << "the directory is in use";
    open();
    EXPECT_EQ(store_->summary(ExecutionId("a"))->value(), s);
    EXPECT_EQ(store_->events(ExecutionId("a"), {})->size(), 3u);
    EXPECT_EQ(store_->catalog("k")->value(), "v");
    EXPECT_GT(store_->open_epoch().value(), epoch);
}

INSTANTIATE_TEST_SUITE_P(Memory, StoreConformance, testing::Values(Kind::kMemory));
INSTANTIATE_TEST_SUITE_P(Rocks, StoreConformance, testing::Values(Kind::kRocks));

}  // namespace
}  // namespace tandem
