// Today's binary on data directories of older ones: tests/golden/stores/format-N.tar.gz is the
// store directory of a server that was killed, format-N.txt what the store of that server answered
// about it, records in hex. Files that exist never change.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "base/encoding.h"
#include "base/rng.h"
#include "store/rocks/rocks_store.h"
#include "store/rows/keys.h"
#include "store/rows/row_store.h"

namespace tandem {
namespace {

namespace fs = std::filesystem;
using Ids = std::vector<std::string>;

class GoldenStore : public ::testing::Test {
protected:
    void SetUp() override { fs::create_directories(directory_); }
    void TearDown() override { fs::remove_all(directory_); }

    static fs::path golden(const std::string& file) {
        const char* root = std::getenv("TANDEM_SOURCE_DIR");
        return fs::path(root != nullptr ? root : ".") / "tests/golden/stores" / file;
    }
    void unpack(const std::string& name) const {
        const std::string command =
            "tar -xzf '" + golden(name + ".tar.gz").string() + "' -C '" + directory_.string() + "'";
        ASSERT_EQ(std::system(command.c_str()), 0) << command;
    }
    fs::path store() const { return directory_ / "store"; }

private:
    const fs::path directory_ = fs::temp_directory_path() / ("tandem-golden-" + random_uuid());
};

/// All pages, two at a time.
Result<Ids> listed(const Store& store, const ExecutionFilter& filter) {
    Ids ids;
    std::string cursor;
    do {
        auto page = store.list(filter, cursor, 2);
        if (!page) return tl::unexpected<Error>(page.error());
        for (const ExecutionSummary& s : page->executions) ids.push_back(s.id.str());
        cursor = page->next;
    } while (!cursor.empty());
    return ids;
}

Ids sorted(Ids ids) {
    std::sort(ids.begin(), ids.end());
    return ids;
}

Ids rest(std::istringstream& line) {
    Ids ids;
    for (std::string id; line >> id;) ids.push_back(id);
    return ids;
}

void expect_listings(const Store& store, const std::string& what, std::istringstream& line) {
    if (what == "list") {
        ExecutionFilter filter;
        int status = 0;
        line >> filter.callable >> status;
        if (status != 0) filter.status = ExecutionStatus(status);
        EXPECT_EQ(listed(store, filter).value(), rest(line)) << filter.callable << status;
    } else if (what == "open") {
        Ids ids;
        for (const auto page = store.list_open("", 100).value(); const auto& s : page.executions)
            ids.push_back(s.id.str());
        EXPECT_EQ(sorted(ids), sorted(rest(line)));
    } else {
        Ids ids;
        const auto closed = store.list_closed(from_micros(INT64_MAX / 2), 100).value();
        for (const ExecutionSummary& s : closed) ids.push_back(s.id.str());
        EXPECT_EQ(ids, rest(line));
    }
}

void expect_answers(const Store& store, const fs::path& answers) {
    std::ifstream in(answers);
    ASSERT_TRUE(in) << answers;
    std::map<std::string, std::vector<Event>> histories;
    size_t catalog_rows = 0;
    for (std::string text, what, name, bytes; std::getline(in, text);) {
        std::istringstream line(text);
        line >> what;
        if (what == "list" || what == "open" || what == "closed") {
            expect_listings(store, what, line);
            continue;
        }
        line >> name >> bytes;
        bytes = unhex(bytes).value();
        if (what == "catalog") {
            EXPECT_EQ(store.catalog(name).value(), bytes) << name;
            ++catalog_rows;
        } else if (what == "summary") {
            auto found = store.summary(ExecutionId(name)).value();
            ASSERT_TRUE(found.has_value()) << name;
            EXPECT_NE(std::exchange(found->number, 0), 0u);
            EXPECT_EQ(*found, decode_summary(bytes).value()) << name;
        } else {
            ASSERT_EQ(what, "event");
            Event event = decode_event(bytes).value();
            event.seq = histories[name].size() + 1;
            histories[name].push_back(std::move(event));
        }
    }
    EXPECT_EQ(store.scan_catalog("", "", 100).value().size(), catalog_rows);
    EXPECT_FALSE(histories.empty());
    for (const auto& [id, events] : histories)
        EXPECT_EQ(store.events(ExecutionId(id), {}).value(), events) << id;
}

// Two machines and eight executions; the first six went to a table file, the rest to the log.
TEST_F(GoldenStore, Format1) {
    unpack("format-1");
    for (int open = 1; open <= 2; ++open) {
        const auto rows = open_rocks_rows(store()).value();
        const auto store = open_row_store(rows);
        ASSERT_TRUE(store.has_value()) << store.error().message;
        EXPECT_EQ(rows->get(keys::format()).value(), "2");
        expect_answers(**store, golden("format-1.txt"));
    }
    // The same in words, as DescribeExecution and GetExecutionHistory of the old server had it.
    const auto store = open_rocks_store(this->store()).value();
    const auto packed = store->summary(ExecutionId("states:orders:packed")).value().value();
    EXPECT_EQ(packed.status, ExecutionStatus::kSucceeded);
    EXPECT_EQ(packed.input.view(), R"({"do": "pack", "item": "lamp"})");
    EXPECT_EQ(packed.output.view(), R"({"do":"pack","item":"lamp","result":{"packed":true}})");
    EXPECT_EQ(to_micros(packed.start_time) / 1000, 1795577096740);
    const auto stopped = store->summary(ExecutionId("states:orders:stopped")).value().value();
    EXPECT_EQ(stopped.status, ExecutionStatus::kAborted);
    EXPECT_EQ(stopped.error, "Orders.Stopped");
    const auto asleep = store->summary(ExecutionId("states:orders:asleep")).value().value();
    EXPECT_EQ(asleep.status, ExecutionStatus::kRunning);
    EXPECT_EQ(asleep.next_due, from_micros(1'893'456'000'000'000)) << "2030-01-01T00:00:00Z";
    // The next server goes on with the directory.
    EXPECT_EQ(store->open_epoch().value(), 3u);
    ExecutionFilter orders{CallableKind::kWorkflow, "orders"};
    EXPECT_EQ(listed(*store, orders).value().size(), 7u);
    orders.started_to = packed.start_time;
    EXPECT_TRUE(listed(*store, orders).value().empty());
}

}  // namespace
}  // namespace tandem
