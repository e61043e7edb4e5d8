#include "store/conformance/store_conformance.h"

#include <atomic>
#include <thread>

#include "base/check.h"

namespace tandem {

namespace store_test {

namespace {

void add_events(ExecutionWrite& write, uint64_t first, size_t count) {
    for (size_t i = 0; i < count; ++i) {
        Event event;
        event.seq = first + i;
        event.id = first + i;
        event.previous_id = first + i - 1;
        event.time = write.summary.start_time + std::chrono::milliseconds(first + i);
        event.type = i + first == 1 ? EventType::kExecutionStarted : EventType::kStateEntered;
        event.name = "State" + std::to_string(first + i);
        event.input = Payload("{\"n\":" + std::to_string(first + i) + "}");
        write.events.push_back(std::move(event));
    }
    write.summary.last_seq = write.summary.last_id = first + count - 1;
}

}  // namespace

ExecutionWrite start_write(const std::string& id, int64_t start_us, size_t events) {
    ExecutionWrite write;
    ExecutionSummary& s = write.summary;
    static std::atomic<uint64_t> numbers{0};
    s.id = ExecutionId(id);
    s.number = ++numbers;
    s.callable = "flow";
    s.revision = "r1";
    s.language = "asl";
    s.name = "name of " + id;
    s.start_time = from_micros(start_us);
    s.input = Payload("{\"in\":\"" + id + "\"}");
    s.attributes = Payload("{\"role\":\"x\"}");
    s.open_tasks = 1;
    add_events(write, 1, events);
    write.events[0].input = s.input;
    write.events[0].detail = s.attributes;
    return write;
}

ExecutionWrite next_write(const ExecutionSummary& before, size_t events, ExecutionStatus status,
                          int64_t stop_us) {
    ExecutionWrite write;
    write.previous = version_of(before);
    write.summary = before;
    write.summary.status = status;
    if (status != ExecutionStatus::kRunning) {
        write.summary.stop_time = from_micros(stop_us);
        write.summary.output = Payload("{\"out\":true}");
        write.summary.open_tasks = 0;
    }
    add_events(write, before.last_seq + 1, events);
    return write;
}

Batch batch_of(std::vector<ExecutionWrite> writes) {
    Batch batch;
    batch.executions = std::move(writes);
    return batch;
}

std::vector<std::string> list_all(const Store& store, const ExecutionFilter& filter, size_t limit) {
    std::vector<std::string> ids;
    std::string cursor;
    do {
        const auto page = store.list(filter, cursor, limit);
        CHECK(page.has_value());
        CHECK(page->executions.size() <= limit);
        for (const ExecutionSummary& s : page->executions) ids.push_back(s.id.str());
        cursor = page->next;
    } while (!cursor.empty());
    return ids;
}

std::vector<std::string> open_ids(const Store& store, size_t limit) {
    std::vector<std::string> ids;
    std::string cursor;
    do {
        const auto page = store.list_open(cursor, limit);
        CHECK(page.has_value());
        for (const ExecutionSummary& s : page->executions) ids.push_back(s.id.str());
        cursor = page->next;
    } while (!cursor.empty());
    std::sort(ids.begin(), ids.end());
    return ids;
}

ExecutionFilter flow_filter() {
    ExecutionFilter filter;
    filter.callable = "flow";
    return filter;
}

}  // namespace store_test

using namespace store_test;

TEST_P(StoreConformance, ReadsBackWhatWasAppended) {
    const ExecutionWrite write = start_write("a", 1000, 3);
    ASSERT_TRUE(store_->append(batch_of({write})).has_value());
    EXPECT_EQ(store_->summary(write.summary.id).value(), write.summary);
    EXPECT_EQ(store_->events(write.summary.id, {}).value(), write.events);
    EXPECT_EQ(store_->summary(ExecutionId("other")).value(), std::nullopt);
    EXPECT_TRUE(store_->events(ExecutionId("other"), {}).value().empty());

    const ExecutionWrite more = next_write(write.summary, 2);
    ASSERT_TRUE(store_->append(batch_of({more})).has_value());
    EXPECT_EQ(store_->summary(write.summary.id).value(), more.summary);
    EXPECT_EQ(store_->events(write.summary.id, {}).value().size(), 5u);
}

TEST_P(StoreConformance, EventRanges) {
    const ExecutionWrite write =
        start_write("a", 1000, 300);  // more than one byte of sequence numbers
    // Neighbours whose ids begin alike must not leak into the range.
    const ExecutionWrite neighbours[] = {start_write("aa", 1, 4), start_write("a:b", 2, 4),
                                         start_write("A", 2, 4)};
    ASSERT_TRUE(
        store_->append(batch_of({neighbours[0], write, neighbours[1], neighbours[2]})).has_value());
    const auto seqs = [&](const EventRange& range) {
        std::vector<uint64_t> out;
        const auto events = store_->events(ExecutionId("a"), range);
        CHECK(events.has_value());
        for (const Event& event : *events) out.push_back(event.seq);
        return out;
    };
    EXPECT_EQ(seqs({}).size(), 300u);
    EXPECT_EQ(seqs({.first_seq = 255, .last_seq = 257}), (std::vector<uint64_t>{255, 256, 257}));
    EXPECT_EQ(seqs({.first_seq = 255, .last_seq = 257, .reverse = true}),
              (std::vector<uint64_t>{257, 256, 255}));
    EXPECT_EQ(seqs({.first_seq = 2, .limit = 2}), (std::vector<uint64_t>{2, 3}));
    EXPECT_EQ(seqs({.limit = 2, .reverse = true}), (std::vector<uint64_t>{300, 299}));
    EXPECT_EQ(seqs({.first_seq = 299}), (std::vector<uint64_t>{299, 300}));
    EXPECT_TRUE(seqs({.first_seq = 301}).empty());
    EXPECT_TRUE(seqs({.first_seq = 5, .last_seq = 4}).empty());
    EXPECT_TRUE(seqs({.limit = 0}).empty());
}

TEST_P(StoreConformance, OneBatchOverManyExecutionsAndTheCatalog) {
    Batch batch = batch_of({start_write("a", 1), start_write("b", 2), start_write("c", 3)});
    batch.catalog.push_back({"callable/flow", "definition"});
    ASSERT_TRUE(store_->append(batch).has_value());
    for (const char* id : {"a", "b", "c"})
        EXPECT_TRUE(store_->summary(ExecutionId(id)).value().has_value()) << id;
    EXPECT_EQ(store_->catalog("callable/flow").value(), "definition");
    ASSERT_TRUE(store_->append({}).has_value());  // an empty batch is fine
}

TEST_P(StoreConformance, InputAndAttributesStayWithoutBeingWrittenAgain) {
    const ExecutionWrite write = start_write("a", 1000);
    ASSERT_TRUE(store_->append(batch_of({write})).has_value());
    const auto open = store_->list_open({}, 10);
    ASSERT_TRUE(open.has_value());
    ASSERT_EQ(open->executions.size(), 1u);
    EXPECT_TRUE(open->executions[0].input.is_null());
    EXPECT_TRUE(open->executions[0].attributes.is_null());
    EXPECT_EQ(open->executions[0].open_tasks, 1u);
    // A recovered owner goes on from what list_open gave it.
    ASSERT_TRUE(store_
                    ->append(batch_of(
                        {next_write(open->executions[0], 1, ExecutionStatus::kSucceeded, 2000)}))
                    .has_value());
    const auto stored = store_->summary(write.summary.id).value();
    ASSERT_TRUE(stored.has_value());
    EXPECT_EQ(stored->input, write.summary.input);
    EXPECT_EQ(stored->attributes, write.summary.attributes);
    EXPECT_EQ(stored->output.view(), "{\"out\":true}");
}

TEST_P(StoreConformance, EraseLeavesNothing) {
    const ExecutionWrite a = start_write("a", 1000, 5);
    const ExecutionWrite b = start_write("ab", 1000, 5);
    ASSERT_TRUE(store_->append(batch_of({a, b})).has_value());
    const ExecutionWrite closed = next_write(a.summary, 1, ExecutionStatus::kFailed, 3000);
    ASSERT_TRUE(store_->append(batch_of({closed})).has_value());
    ExecutionWrite erase;
    erase.summary = closed.summary;
    erase.previous = version_of(closed.summary);
    erase.erase = true;
    ASSERT_TRUE(store_->append(batch_of({erase})).has_value());
    EXPECT_EQ(store_->summary(ExecutionId("a")).value(), std::nullopt);
    EXPECT_TRUE(store_->events(ExecutionId("a"), {}).value().empty());
    EXPECT_EQ(list_all(*store_, flow_filter(), 10), (std::vector<std::string>{"ab"}));
    EXPECT_TRUE(store_->list_closed(kNever, 10).value().empty());
    EXPECT_EQ(store_->events(ExecutionId("ab"), {}).value(), b.events);
    ASSERT_TRUE(store_->append(batch_of({erase})).has_value());  // again: nothing to do
    ASSERT_TRUE(store_->append(batch_of({start_write("a", 9000)})).has_value());
    EXPECT_EQ(store_->events(ExecutionId("a"), {}).value().size(), 1u);
}

TEST_P(StoreConformance, AnExecutionIsOpenedAgainAndEndsLater) {
    const ExecutionWrite first = start_write("a", 1000);
    const auto closed = next_write(first.summary, 1, ExecutionStatus::kFailed, 3000);
    ASSERT_TRUE(store_->append(batch_of({first, closed})).has_value());
    ExecutionWrite opened = next_write(closed.summary, 1);
    opened.summary.stop_time = {};
    ASSERT_TRUE(store_->append(batch_of({opened})).has_value());
    EXPECT_EQ(open_ids(*store_, 10), (std::vector<std::string>{"a"}));
    EXPECT_TRUE(store_->list_closed(kNever, 10).value().empty());
    // Who saw it closed must not erase it now.
    ExecutionWrite erase = closed;
    erase.previous = version_of(closed.summary);
    erase.events.clear();
    erase.erase = true;
    ASSERT_TRUE(store_->append(batch_of({erase})).has_value());
    EXPECT_EQ(store_->summary(first.summary.id).value(), opened.summary);
    const auto again = next_write(opened.summary, 1, ExecutionStatus::kFailed, 5000);
    // Opened and closed in one append: the status is the same then, but not the time.
    const auto later = next_write(again.summary, 2, ExecutionStatus::kFailed, 9000);
    ASSERT_TRUE(store_->append(batch_of({again})).has_value());
    ASSERT_TRUE(store_->append(batch_of({later})).has_value());
    EXPECT_TRUE(store_->list_closed(from_micros(9000), 10).value().empty());
    EXPECT_EQ(store_->list_closed(kNever, 10).value().size(), 1u);
    EXPECT_TRUE(open_ids(*store_, 10).empty());
    EXPECT_EQ(list_all(*store_, flow_filter(), 10), (std::vector<std::string>{"a"}));
}

TEST_P(StoreConformance, BigPayloads) {
    ExecutionWrite write = start_write("big", 1);
    std::string bytes(6 << 20, 'x');
    for (size_t i = 0; i < bytes.size(); i += 4096) bytes[i] = char(i >> 12);
    write.summary.input = write.events[0].input = Payload(bytes);
    ASSERT_TRUE(store_->append(batch_of({write})).has_value());
    EXPECT_EQ(store_->summary(write.summary.id).value()->input, write.summary.input);
    EXPECT_EQ(store_->events(write.summary.id, {}).value(), write.events);
}

TEST_P(StoreConformance, MessagesStayUntilTheyAreTaken) {
    Batch batch;
    for (const uint64_t number : {uint64_t(1), uint64_t(300), (uint64_t(2) << 40) + 1})
        batch.messages.push_back({number, "to " + std::to_string(number)});
    ASSERT_TRUE(store_->append(batch).has_value());
    Batch taken;
    taken.messages = {{300, std::nullopt}, {7, std::nullopt}};  // 7 was never there
    ASSERT_TRUE(store_->append(taken).has_value());
    reopen();
    const auto all = store_->messages(0, 10);
    ASSERT_TRUE(all.has_value());
    ASSERT_EQ(all->size(), 2u);
    EXPECT_EQ(all->front(), (std::pair<uint64_t, std::string>(1, "to 1")));
    EXPECT_EQ(all->back().first, (uint64_t(2) << 40) + 1);
    EXPECT_EQ(store_->messages(0, 1)->size(), 1u);
    EXPECT_EQ(store_->messages(1, 10)->size(), 1u);
    EXPECT_TRUE(store_->messages((uint64_t(2) << 40) + 1, 10)->empty());
    // Sent and taken in one append.
    Batch both;
    both.messages = {{9, "x"}, {9, std::nullopt}};
    ASSERT_TRUE(store_->append(both).has_value());
    EXPECT_EQ(store_->messages(0, 10)->size(), 2u);
}

namespace {

/// The end of the one before, and the next.
std::pair<ExecutionWrite, ExecutionWrite> generation(const ExecutionSummary& before,
                                                     uint64_t number) {
    ExecutionWrite next = start_write(before.id.str(), 2000, 1);
    next.summary.number = number;
    ExecutionWrite old;
    old.summary = before;
    old.previous = version_of(before);
    old.erase = old.is_replaced = true;
    return {old, next};
}

}  // namespace

TEST_P(StoreConformance, TheNextGenerationReplacesAnExecution) {
    const auto rows_of = [&] { return store_->events(ExecutionId("a"), {}); };
    ExecutionWrite first = start_write("a", 1000, 3);
    ExecutionWrite more = next_write(first.summary, 2);
    ASSERT_TRUE(store_->append(batch_of({first})).has_value());
    // All of it in one append: what it adds to the old one goes with it.
    const auto [old, next] = generation(more.summary, 1'000'001);
    ASSERT_TRUE(store_->append(batch_of({more, old, next})).has_value());
    EXPECT_EQ(rows_of()->size(), 1u);
    EXPECT_EQ(store_->list_open("", 10)->executions.size(), 1u);
    EXPECT_EQ((*store_->summary(ExecutionId("a")))->number, 1'000'001u);
    // Twice more in one append.
    const auto [second, third] = generation(next.summary, 1'000'002);
    const auto [fourth, last] = generation(third.summary, 1'000'003);
    ASSERT_TRUE(store_->append(batch_of({second, third, fourth, last})).has_value());
    reopen();
    EXPECT_EQ(rows_of()->size(), 1u);
    EXPECT_EQ(store_->list_open("", 10)->executions.size(), 1u);
    ExecutionFilter filter;
    filter.callable = "flow";
    EXPECT_EQ(store_->list(filter, "", 10)->executions.size(), 1u);
    EXPECT_EQ((*store_->summary(ExecutionId("a")))->number, 1'000'003u);
    // Who saw the one before must not erase this one.
    ExecutionWrite stale = fourth;
    stale.is_replaced = false;
    ASSERT_TRUE(store_->append(batch_of({stale})).has_value());
    EXPECT_EQ(rows_of()->size(), 1u);
}

TEST_P(StoreConformance, CatalogScans) {
    Batch batch;
    for (const char* key : {"a/1", "a/2", "a/3", "b/1", "a", "\xff\xff"})
        batch.catalog.push_back({key, std::string("v") + key});
    ASSERT_TRUE(store_->append(batch).has_value());
    const auto scan = [&](std::string_view prefix, std::string_view after, size_t limit) {
        std::vector<std::string> found;
        const auto rows = store_->scan_catalog(prefix, after, limit);
        CHECK(rows.has_value());
        for (const auto& [key, value] : *rows) {
            CHECK(value == "v" + key);
            found.push_back(key);
        }
        return found;
    };
    using Keys = std::vector<std::string>;
    EXPECT_EQ(scan("a/", "", 10), (Keys{"a/1", "a/2", "a/3"}));
    EXPECT_EQ(scan("a/", "a/1", 1), (Keys{"a/2"}));
    EXPECT_EQ(scan("a/", "a/3", 10), Keys());
    EXPECT_EQ(scan("a/", "a/1x", 10), (Keys{"a/2", "a/3"}));
    EXPECT_EQ(scan("b/", "a/2", 10), (Keys{"b/1"}));
    EXPECT_EQ(scan("", "", 10), (Keys{"a", "a/1", "a/2", "a/3", "b/1", "\xff\xff"}));
    EXPECT_EQ(scan("\xff", "", 10), (Keys{"\xff\xff"}));
    EXPECT_EQ(scan("", "", 0), Keys());
    batch.catalog = {{"a/2", std::nullopt}, {"a/3", "va/3"}, {"never", std::nullopt}};
    ASSERT_TRUE(store_->append(batch).has_value());
    EXPECT_EQ(scan("a/", "", 10), (Keys{"a/1", "a/3"}));
    EXPECT_EQ(store_->catalog("a/2").value(), std::nullopt);
    EXPECT_EQ(store_->catalog("a/1").value(), "va/1");
}

TEST_P(StoreConformance, ANewerEpochFencesTheOlderOwner) {
    const uint64_t first = store_->open_epoch().value();
    ASSERT_TRUE(store_->append(batch_of({start_write("a", 1)})).has_value());
    const std::unique_ptr<Store> second = place_->open();
    ASSERT_TRUE(store_->append(batch_of({start_write("b", 1)})).has_value());  // not taken over yet
    EXPECT_GT(second->open_epoch().value(), first);
    const auto refused = store_->append(batch_of({start_write("c", 1)}));
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
    EXPECT_EQ(second->summary(ExecutionId("c")).value(), std::nullopt);
    EXPECT_TRUE(second->append(batch_of({start_write("c", 1)})).has_value());
    EXPECT_TRUE(store_->open_epoch().has_value());  // takes it back
    EXPECT_FALSE(second->append({}).has_value());
}

TEST_P(StoreConformance, ReopenKeepsEverything) {
    const uint64_t epoch = store_->open_epoch().value();
    const ExecutionWrite a = start_write("a", 1000, 7);
    const ExecutionWrite b = start_write("b", 2000, 7);
    Batch batch = batch_of({a, b});
    batch.catalog.push_back({"k", "v"});
    ASSERT_TRUE(store_->append(batch).has_value());
    const ExecutionWrite closed = next_write(b.summary, 1, ExecutionStatus::kSucceeded, 5000);
    ASSERT_TRUE(store_->append(batch_of({closed})).has_value());
    for (int round = 0; round < 3; ++round) {
        reopen();
        EXPECT_EQ(store_->summary(a.summary.id).value(), a.summary);
        EXPECT_EQ(store_->summary(b.summary.id).value(), closed.summary);
        EXPECT_EQ(store_->events(a.summary.id, {}).value(), a.events);
        EXPECT_EQ(list_all(*store_, flow_filter(), 1), (std::vector<std::string>{"b", "a"}));
        EXPECT_EQ(open_ids(*store_, 1), (std::vector<std::string>{"a"}));
        EXPECT_EQ(store_->catalog("k").value(), "v");
        EXPECT_EQ(store_->open_epoch().value(), epoch + 1 + uint64_t(round));
    }
}

TEST_P(StoreConformance, ReadersSeeWholeBatchesWhileOneAppends) {
    constexpr uint64_t kSteps = 200;
    const ExecutionWrite first_a = start_write("a", 1), first_b = start_write("b", 2);
    ExecutionSummary a = first_a.summary, b = first_b.summary;
    ASSERT_TRUE(store_->append(batch_of({first_a, first_b})).has_value());
    std::atomic<bool> done{false};
    std::atomic<uint64_t> bad{0};
    std::atomic<uint64_t> reads{0};
    std::vector<std::thread> readers;
    for (int i = 0; i < 3; ++i) {
        readers.emplace_back([&, i] {
            while (!done || reads < 100) {
                ++reads;
                const auto summary = store_->summary(ExecutionId("a"));
                const auto later =
                    store_->summary(ExecutionId("b"));  // of the same batches, read later
                if (!summary || !*summary || !later || !*later ||
                    (*later)->last_seq < (*summary)->last_seq) {
                    ++bad;
                    continue;
                }
                const auto events = store_->events(ExecutionId("a"), {.reverse = i == 0});
                if (!events || events->size() < (*summary)->last_seq) ++bad;
                if (list_all(*store_, flow_filter(), 1).size() != 2) ++bad;
            }
        });
    }
    for (uint64_t step = 0; step < kSteps; ++step) {
        const ExecutionWrite next_a = next_write(a, 1);
        const ExecutionWrite next_b = next_write(b, 1);
        EXPECT_TRUE(store_->append(batch_of({next_a, next_b})).has_value());
        a = next_a.summary;
        b = next_b.summary;
    }
    done = true;
    for (std::thread& reader : readers) reader.join();
    EXPECT_EQ(bad, 0u);
    EXPECT_EQ(store_->summary(ExecutionId("a")).value(), a);
}

TEST_P(StoreConformance, AnExecutionIsThereWhileItsGenerationsReplaceEachOther) {
    constexpr uint64_t kGenerations = 300, kReads = 100;
    const ExecutionWrite first = start_write("a", 1000, 1);
    ASSERT_TRUE(store_->append(batch_of({first})).has_value());
    std::atomic<bool> done{false};
    std::atomic<uint64_t> missing{0}, unlisted{0}, bare{0};
    const auto read = [&](const std::function<void()>& look) {
        return std::thread([&done, look] {
            for (uint64_t reads = 0; !done || reads < kReads; ++reads) look();
        });
    };
    std::thread readers[] = {
        read([&] {
            const auto found = store_->summary(ExecutionId("a"));
            if (!found || !*found) ++missing;
        }),
        read([&] {
            const auto events = store_->events(ExecutionId("a"), {});
            if (!events || events->empty()) ++bare;
        }),
        read([&] {
            if (list_all(*store_, flow_filter(), 1).size() != 1 || open_ids(*store_, 1).size() != 1)
                ++unlisted;
        })};
    ExecutionSummary last = first.summary;
    for (uint64_t number = 1; number <= kGenerations; ++number) {
        const auto [old, next] = generation(last, 2'000'000 + number);
        EXPECT_TRUE(store_->append(batch_of({old, next})).has_value());
        last = next.summary;
    }
    done = true;
    for (std::thread& reader : readers) reader.join();
    EXPECT_EQ(missing, 0u);
    EXPECT_EQ(bare, 0u);
    EXPECT_EQ(unlisted, 0u);
}

}  // namespace tandem
