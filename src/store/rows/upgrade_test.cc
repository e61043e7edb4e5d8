// The upgrade from format 1, ended after every commit. Its rows are made here of those of format 2;
// the golden store (rocks/golden_test.cc) is one that a server of that time wrote.
#include <gtest/gtest.h>

#include <map>

#include "store/conformance/store_conformance.h"
#include "store/memory/memory_store.h"
#include "store/rows/keys.h"
#include "store/rows/row_store.h"

namespace tandem {
namespace {

using namespace store_test;
using Dump = std::map<std::string, std::string>;

/// The process ends after so many commits.
class MortalRows final : public Rows {
public:
    MortalRows(std::shared_ptr<Rows> rows, int commits) : rows_(std::move(rows)), left_(commits) {}

    Result<void> commit(const std::vector<RowChange>& changes) override {
        if (left_ == 0) return fail(ErrorCode::kIo, "the end");
        --left_;
        ++commits;
        size_t bytes = 0;
        for (const RowChange& c : changes) bytes += c.key.size() + c.value.value_or("").size();
        most_bytes = std::max(most_bytes, bytes);
        return rows_->commit(changes);
    }
    Result<std::optional<std::string>> get(const std::string& key) const override {
        return rows_->get(key);
    }
    Result<std::vector<std::optional<std::string>>> get_many(
        const std::vector<std::string>& keys) const override {
        return rows_->get_many(keys);
    }
    Result<void> scan(const RowRange& range, const RowVisitor& visitor) const override {
        return rows_->scan(range, visitor);
    }
    std::unique_ptr<const RowReader> snapshot() const override { return rows_->snapshot(); }

    int commits = 0;
    size_t most_bytes = 0;  // of one commit

private:
    std::shared_ptr<Rows> rows_;
    int left_;
};

Dump dump(const Rows& rows) {
    Dump all;
    EXPECT_TRUE(rows.scan({"", "\xff", false},
                          [&](std::string_view key, std::string_view value) {
                              all.emplace(key, value);
                              return true;
                          })
                    .has_value());
    return all;
}

std::shared_ptr<Rows> rows_of(const Dump& all) {
    auto rows = make_memory_rows();
    std::vector<RowChange> changes;
    for (const auto& [key, value] : all) changes.push_back({key, value});
    EXPECT_TRUE(rows->commit(changes).has_value());
    return rows;
}

/// Bytes that need several commits of an upgrade.
void make_big(ExecutionWrite& write) {
    for (Event& event : write.events) event.output = Payload(std::string(100'000, 'b'));
}

/// A store of today, numbered as an upgrade numbers.
Dump numbered_store() {
    const auto rows = make_memory_rows();
    const auto store = open_row_store(rows).value();
    const std::string long_id(300, 'l');
    uint64_t number = 0;
    for (const std::string& id : {std::string("z-big"), std::string("open"), long_id,
                                  std::string("closed"), std::string("b-big"), std::string("a")}) {
        const bool is_big = id.find("big") != std::string::npos;
        // All but one in the same microsecond.
        ExecutionWrite write = start_write(id, id == "open" ? 9 : 5, is_big ? 35 : 2);
        write.summary.number = ++number;
        if (is_big) make_big(write);
        EXPECT_TRUE(store->append(batch_of({write})).has_value());
        write = next_write(write.summary, 3);
        EXPECT_TRUE(store->append(batch_of({write})).has_value());
        if (id == "open") continue;
        write = next_write(write.summary, 1,
                           id == "a" ? ExecutionStatus::kAborted : ExecutionStatus::kSucceeded, 80);
        EXPECT_TRUE(store->append(batch_of({write})).has_value());
    }
    EXPECT_TRUE(store->append({{}, {{"callable/flow", "definition"}}}).has_value());
    EXPECT_EQ(list_all(*store, flow_filter(), 2),
              (std::vector<std::string>{"open", "a", "b-big", "closed", long_id, "z-big"}));
    return dump(*rows);
}

std::string text(const std::string& id) {
    std::string out;
    if (id.size() >= 128) out.push_back(char(id.size() % 128 + 128));
    out.push_back(char(id.size() >= 128 ? id.size() / 128 : id.size()));
    return out + id;
}

/// The same store as format 1 had it.
Dump in_format_1(const Dump& now) {
    std::map<std::string, std::string> ids;  // by the number
    std::map<std::string, std::string> reversed;
    for (const auto& [key, value] : now) {
        if (key[0] != 'n') continue;
        ids[value] = key.substr(1);
        std::string flipped = value;
        for (char& byte : flipped) byte = char(~byte);
        reversed[flipped] = key.substr(1);
    }
    Dump old;
    for (const auto& [key, value] : now) {
        const std::string last = key.size() < 8 ? "" : key.substr(key.size() - 8);
        const std::string front = key.substr(0, key.size() - last.size());
        if (key[0] == 'e') {
            old["e" + text(ids.at(key.substr(1, 8))) + last] = value;
        } else if (key[0] == 'h') {
            ExecutionSummary head = decode_summary(value).value();
            head.number = 0;
            encode_summary(head, old["h" + head.id.str()]);
        } else if (key[0] == 'l') {
            std::string of_all = front;
            of_all[front.size() - 9] = 0;  // the status
            old[front + reversed.at(last)] = old[of_all + reversed.at(last)] = "";
        } else if (key[0] == 'o' || key[0] == 'x') {
            old[front + ids.at(last)] = "";
        } else if (key[0] != 'n') {
            old[key] = key == "mformat" ? "1" : value;
        }
    }
    return old;
}

TEST(Upgrade, MakesTheRowsThatTodaysStoreWrites) {
    const Dump today = numbered_store();
    const auto rows = std::make_shared<MortalRows>(rows_of(in_format_1(today)), 1000);
    ASSERT_TRUE(open_row_store(rows).has_value());
    EXPECT_EQ(dump(*rows), today);
    EXPECT_GT(rows->commits, 6);
    EXPECT_LT(rows->most_bytes, 3u << 20);
    const int commits = rows->commits;
    ASSERT_TRUE(open_row_store(rows).has_value());
    EXPECT_EQ(rows->commits, commits) << "there is nothing left to upgrade";
}

TEST(Upgrade, GoesOnWhereverItEnded) {
    const Dump today = numbered_store();
    const Dump old = in_format_1(today);
    for (int commits = 0;; ++commits) {
        SCOPED_TRACE(commits);
        const auto rows = rows_of(old);
        const auto store = open_row_store(std::make_shared<MortalRows>(rows, commits));
        if (store) break;
        EXPECT_EQ(store.error().code, ErrorCode::kIo);
        EXPECT_EQ(dump(*rows).at("mformat"), "1");
        ASSERT_TRUE(open_row_store(rows).has_value());
        ASSERT_TRUE(dump(*rows) == today);
    }
    // Ended again and again: each time gets a little further.
    const auto rows = rows_of(old);
    int opens = 1;
    while (!open_row_store(std::make_shared<MortalRows>(rows, 5))) ASSERT_LT(++opens, 100);
    EXPECT_GT(opens, 1);
    EXPECT_TRUE(dump(*rows) == today);
}

TEST(Upgrade, StopsAtDamageAndNamesIt) {
    Dump old = in_format_1(numbered_store());
    const std::string closed = std::exchange(old["hclosed"], old["hopen"]);
    auto opened = open_row_store(rows_of(old));
    ASSERT_FALSE(opened.has_value());
    EXPECT_EQ(opened.error().code, ErrorCode::kCorrupt);
    EXPECT_NE(opened.error().message.find("execution closed"), std::string::npos);
    old["hclosed"] = "not a record";
    const auto rows = rows_of(old);
    EXPECT_EQ(open_row_store(rows).error().code, ErrorCode::kCorrupt);
    EXPECT_EQ(dump(*rows).at("mformat"), "1");
    ASSERT_TRUE(rows->commit({{"hclosed", closed}}).has_value());
    EXPECT_TRUE(open_row_store(rows).has_value());
}

TEST(Upgrade, AnEmptyStoreIsUpgradedToo) {
    const auto rows = rows_of({{"mformat", "1"}, {"mepoch", "7"}});
    const auto store = open_row_store(rows);
    ASSERT_TRUE(store.has_value());
    EXPECT_EQ(dump(*rows), (Dump{{"mformat", "2"}, {"mepoch", "7"}}));
    EXPECT_EQ((*store)->open_epoch().value(), 8u);
}

}  // namespace
}  // namespace tandem
