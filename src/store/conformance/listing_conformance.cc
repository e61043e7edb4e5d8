#include <algorithm>

#include "base/rng.h"
#include "store/conformance/store_conformance.h"

namespace tandem {

using namespace store_test;
using Ids = std::vector<std::string>;

TEST_P(StoreConformance, ListsNewestFirstAndPagesThroughEqualStartTimes) {
    Batch batch;
    for (const char* id : {"e", "c", "a", "d", "b"})
        batch.executions.push_back(start_write(id, 5000));
    batch.executions.push_back(start_write("old", 4000));
    batch.executions.push_back(start_write("new", 6000));
    batch.executions.push_back(start_write("before 1970", -1));
    ASSERT_TRUE(store_->append(batch).has_value());
    const Ids all = list_all(*store_, flow_filter(), 100);
    ASSERT_EQ(all.size(), 8u);
    EXPECT_EQ(all.front(), "new");
    EXPECT_EQ(all[6], "old");
    EXPECT_EQ(all[7], "before 1970");
    for (size_t limit = 1; limit <= 9; ++limit)
        EXPECT_EQ(list_all(*store_, flow_filter(), limit), all) << limit;
    EXPECT_TRUE(store_->list(flow_filter(), {}, 8).value().next.empty());
    EXPECT_FALSE(store_->list(flow_filter(), {}, 7).value().next.empty());
}

TEST_P(StoreConformance, ListsFullSummariesOfOneCallable) {
    ExecutionWrite other = start_write("other", 1);
    other.summary.callable = "flo";
    ExecutionWrite function = start_write("function", 1);
    function.summary.kind = CallableKind::kFunction;
    const ExecutionWrite mine = start_write("mine", 1);
    ASSERT_TRUE(store_->append(batch_of({other, function, mine})).has_value());
    const auto page = store_->list(flow_filter(), {}, 10);
    ASSERT_TRUE(page.has_value());
    ASSERT_EQ(page->executions.size(), 1u);
    ExecutionSummary listed = page->executions[0];
    if (store_->inline_bytes() < mine.summary.input.size()) listed.input = mine.summary.input;
    EXPECT_EQ(listed, mine.summary);
    ExecutionFilter filter = flow_filter();
    filter.kind = CallableKind::kFunction;
    EXPECT_EQ(list_all(*store_, filter, 10), Ids{"function"});
    filter.callable = "";
    EXPECT_EQ(list_all(*store_, filter, 10), Ids());
    filter.callable = std::string(100'000, 'n');
    EXPECT_EQ(list_all(*store_, filter, 10), Ids());
}

TEST_P(StoreConformance, StatusMovesBetweenIndexes) {
    const ExecutionWrite a = start_write("a", 1000);
    const ExecutionWrite b = start_write("b", 2000);
    const ExecutionWrite c = start_write("c", 3000);
    ASSERT_TRUE(store_->append(batch_of({a, b, c})).has_value());
    ASSERT_TRUE(store_
                    ->append(batch_of({next_write(a.summary, 1, ExecutionStatus::kFailed, 9000),
                                       next_write(c.summary, 1, ExecutionStatus::kAborted, 8000)}))
                    .has_value());
    ExecutionFilter filter = flow_filter();
    const auto with = [&](ExecutionStatus status) {
        filter.status = status;
        return list_all(*store_, filter, 1);
    };
    EXPECT_EQ(with(ExecutionStatus::kRunning), Ids{"b"});
    EXPECT_EQ(with(ExecutionStatus::kFailed), Ids{"a"});
    EXPECT_EQ(with(ExecutionStatus::kAborted), Ids{"c"});
    EXPECT_EQ(with(ExecutionStatus::kSucceeded), Ids());
    EXPECT_EQ(with(ExecutionStatus::kTimedOut), Ids());
    EXPECT_EQ(list_all(*store_, flow_filter(), 2), (Ids{"c", "b", "a"}));
    EXPECT_EQ(open_ids(*store_, 10), Ids{"b"});

    const auto closed = [&](Timestamp before, size_t limit) {
        Ids ids;
        const auto found = store_->list_closed(before, limit);
        for (const ExecutionSummary& s : found.value()) ids.push_back(s.id.str());
        return ids;
    };
    EXPECT_EQ(closed(from_micros(9001), 10), (Ids{"c", "a"}));
    EXPECT_EQ(closed(from_micros(9001), 1), Ids{"c"});
    EXPECT_EQ(closed(from_micros(9000), 10), Ids{"c"});
    EXPECT_EQ(closed(from_micros(8000), 10), Ids());
    EXPECT_EQ(closed(kNever, 0), Ids());
}

TEST_P(StoreConformance, OneBatchMayStartAndCloseAnExecution) {
    const ExecutionWrite start = start_write("a", 1000);
    const ExecutionWrite close = next_write(start.summary, 2, ExecutionStatus::kSucceeded, 1001);
    ASSERT_TRUE(store_->append(batch_of({start, close})).has_value());
    ExecutionWrite whole = start_write("b", 1000, 4);
    whole.summary.status = ExecutionStatus::kSucceeded;
    whole.summary.stop_time = from_micros(1002);
    ASSERT_TRUE(store_->append(batch_of({whole})).has_value());
    EXPECT_EQ(open_ids(*store_, 10), Ids());
    EXPECT_EQ(store_->events(ExecutionId("a"), {}).value().size(), 3u);
    EXPECT_EQ(store_->list_closed(kNever, 10).value().size(), 2u);
}

TEST_P(StoreConformance, ForeignCursorsAreRefused) {
    ASSERT_TRUE(
        store_->append(batch_of({start_write("a", 1), start_write("b", 2), start_write("c", 3)}))
            .has_value());
    const std::string cursor = store_->list(flow_filter(), {}, 1).value().next;
    ASSERT_FALSE(cursor.empty());
    const auto code = [&](const ExecutionFilter& filter, std::string_view token) {
        const auto page = store_->list(filter, token, 1);
        return page ? std::optional<ErrorCode>() : page.error().code;
    };
    EXPECT_EQ(code(flow_filter(), cursor), std::nullopt);
    for (const char* token : {"x", "AAAA", "AAAAAAAAAAAA", "not base64!", "=", "\xff"}) {
        EXPECT_EQ(code(flow_filter(), token), ErrorCode::kInvalidArgument) << token;
        EXPECT_FALSE(store_->list_open(token, 1).has_value()) << token;
    }
    for (size_t i = 0; i < cursor.size(); ++i) {
        std::string damaged = cursor;
        damaged[i] = damaged[i] == 'B' ? 'C' : 'B';
        EXPECT_EQ(code(flow_filter(), damaged), ErrorCode::kInvalidArgument) << i;
    }
    ExecutionFilter other = flow_filter();
    other.callable = "other";
    EXPECT_EQ(code(other, cursor), ErrorCode::kInvalidArgument);
    other = flow_filter();
    other.status = ExecutionStatus::kRunning;
    EXPECT_EQ(code(other, cursor), ErrorCode::kInvalidArgument);
    EXPECT_FALSE(store_->list(flow_filter(), {}, 0).has_value());
}

TEST_P(StoreConformance, TimeWindowsOverAThousandExecutions) {
    struct Expected {
        int64_t start_us;
        std::string id;
        ExecutionStatus status;
    };
    SplitMix64 rng(7);
    std::vector<Expected> expected;
    for (int batch_no = 0; batch_no < 10; ++batch_no) {
        Batch batch;
        for (int i = 0; i < 100; ++i) {
            const int64_t start = int64_t(rng.next() % 400) * 1'000'000;
            const std::string id = "x" + std::to_string(batch_no * 100 + i);
            const auto status =
                rng.next() % 2 ? ExecutionStatus::kRunning : ExecutionStatus::kSucceeded;
            ExecutionWrite write = start_write(id, start);
            write.summary.status = status;
            batch.executions.push_back(std::move(write));
            expected.push_back({start, id, status});
        }
        ASSERT_TRUE(store_->append(batch).has_value());
    }
    for (int round = 0; round < 60; ++round) {
        ExecutionFilter filter = flow_filter();
        if (rng.next() % 4)
            filter.started_from = from_micros(int64_t(rng.next() % 400) * 1'000'000);
        if (rng.next() % 4) filter.started_to = from_micros(int64_t(rng.next() % 400) * 1'000'000);
        if (rng.next() % 2) filter.status = ExecutionStatus::kSucceeded;
        std::vector<std::string> want;
        for (const Expected& e : expected) {
            if (filter.started_from && from_micros(e.start_us) < *filter.started_from) continue;
            if (filter.started_to && from_micros(e.start_us) >= *filter.started_to) continue;
            if (filter.status && e.status != *filter.status) continue;
            want.push_back(e.id);
        }
        std::vector<std::string> got = list_all(*store_, filter, 1 + rng.next() % 200);
        std::sort(want.begin(), want.end());
        std::sort(got.begin(), got.end());
        EXPECT_EQ(got, want) << "round " << round;
    }
    // The order over all pages.
    std::string cursor;
    Timestamp last = kNever;
    do {
        const auto page = store_->list(flow_filter(), cursor, 77);
        ASSERT_TRUE(page.has_value());
        for (const ExecutionSummary& s : page->executions) {
            EXPECT_LE(s.start_time, last);
            last = s.start_time;
        }
        cursor = page->next;
    } while (!cursor.empty());
}

}  // namespace tandem
