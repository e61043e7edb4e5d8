#include "store/rows/row_store.h"

#include <algorithm>
#include <charconv>

#include "base/check.h"
#include "base/encoding.h"
#include "store/rows/event_block.h"
#include "store/rows/keys.h"
#include "store/rows/upgrade.h"

namespace tandem {

namespace {

tl::unexpected<Error> pass(const Error& error) { return tl::unexpected<Error>(error); }

Result<uint64_t> parse_number(std::string_view text) {
    uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) {
        return fail(ErrorCode::kCorrupt, "the store holds a malformed number");
    }
    return value;
}

// A cursor is the key of the last row of its page, sealed so that a damaged one is told apart.
std::string make_cursor(std::string_view key) {
    std::string bytes(key);
    for (int shift = 0; shift < 32; shift += 8) bytes.push_back(char(crc32c(key) >> shift));
    return base64_encode(bytes);
}

/// The key that a cursor holds, if it is of this range.
Result<std::string> open_cursor(std::string_view cursor, const RowRange& range) {
    const auto bytes = base64_decode(cursor);
    if (!bytes || bytes->size() < 4) return fail(ErrorCode::kInvalidArgument, "malformed cursor");
    std::string key = bytes->substr(0, bytes->size() - 4);
    if (make_cursor(key) != cursor || key < range.from || key >= range.to) {
        return fail(ErrorCode::kInvalidArgument, "the cursor is not of this listing");
    }
    return key;
}

struct IndexPage {
    std::vector<uint64_t> numbers;  // of executions
    std::string next;
};

Result<IndexPage> read_index(const Rows& rows, RowRange range, std::string_view cursor,
                             size_t limit) {
    if (limit == 0) return fail(ErrorCode::kInvalidArgument, "a page holds at least one execution");
    if (!cursor.empty()) {
        auto key = open_cursor(cursor, range);
        if (!key) return pass(key.error());
        range.from = std::move(*key) + '\0';
    }
    IndexPage page;
    std::string last;
    const auto scanned = rows.scan(range, [&](std::string_view key, std::string_view) {
        if (page.numbers.size() == limit) {
            page.next = make_cursor(last);
            return false;
        }
        page.numbers.push_back(keys::indexed_number(key));
        last = key;
        return true;
    });
    if (!scanned) return pass(scanned.error());
    return page;
}

constexpr ExecutionStatus kStatuses[] = {ExecutionStatus::kRunning, ExecutionStatus::kSucceeded,
                                         ExecutionStatus::kFailed, ExecutionStatus::kTimedOut,
                                         ExecutionStatus::kAborted};

/// Executions of every status: the listings of all of them, merged by their places.
Result<IndexPage> read_all_listings(const Rows& rows, const ExecutionFilter& filter,
                                    std::string_view cursor, size_t limit) {
    if (limit == 0) return fail(ErrorCode::kInvalidArgument, "a page holds at least one execution");
    const RowRange whole = keys::listing_of_all(filter);
    std::string behind;
    if (!cursor.empty()) {
        const auto key = open_cursor(cursor, whole);
        if (!key) return pass(key.error());
        behind = keys::listing_place(*key);
    }
    std::vector<std::string> places;
    for (const ExecutionStatus status : kStatuses) {
        RowRange range = keys::listing(filter, status);
        if (!behind.empty()) {
            range.from = std::max(range.from, keys::listing_row_at(filter, status, behind) + '\0');
        }
        size_t found = 0;
        const auto scanned = rows.scan(range, [&](std::string_view key, std::string_view) {
            places.emplace_back(keys::listing_place(key));
            return ++found <= limit;
        });
        if (!scanned) return pass(scanned.error());
    }
    std::sort(places.begin(), places.end());
    // An execution that changed its status between two of the reads was seen twice.
    places.erase(std::unique(places.begin(), places.end()), places.end());
    IndexPage page;
    for (size_t i = 0; i < std::min(places.size(), limit); ++i)
        page.numbers.push_back(keys::listed_number(places[i]));
    if (places.size() > limit)
        page.next = make_cursor(keys::listing_row_of_all_at(filter, places[limit - 1]));
    return page;
}

std::string encode_head(const ExecutionSummary& summary) {
    ExecutionSummary head = summary;
    head.input = {};
    head.attributes = {};
    std::string record;
    encode_summary(head, record);
    return record;
}

/// Input and attributes are those of the first event, with which the first block begins.
Result<void> add_start(std::string_view block, ExecutionSummary& summary) {
    return read_block(block, 1, [&summary](Event first) {
        summary.input = std::move(first.input);
        summary.attributes = std::move(first.detail);
        return false;
    });
}

class RowStore final : public Store {
public:
    RowStore(std::shared_ptr<Rows> rows, uint64_t epoch) : rows_(std::move(rows)), epoch_(epoch) {}

    Result<void> append(const Batch& batch) override;
    Result<uint64_t> open_epoch() override;
    Result<std::optional<ExecutionSummary>> summary(const ExecutionId& id) const override;
    Result<std::vector<Event>> events(const ExecutionId& id,
                                      const EventRange& range) const override;
    Result<ExecutionPage> list(const ExecutionFilter& filter, std::string_view cursor,
                               size_t limit) const override;
    Result<ExecutionPage> list_open(std::string_view cursor, size_t limit) const override;
    Result<std::vector<ExecutionId>> list_closed(Timestamp before, size_t limit) const override;
    Result<std::optional<std::string>> catalog(std::string_view key) const override;
    Result<std::vector<std::pair<std::string, std::string>>> scan_catalog(
        std::string_view prefix, std::string_view after, size_t limit) const override;

private:
    Result<void> commit(const std::vector<RowChange>& changes);
    Result<void> erase(const ExecutionWrite& write, std::vector<RowChange>& changes) const;
    Result<std::optional<uint64_t>> number_of(const ExecutionId& id) const;
    Result<uint64_t> block_of(uint64_t number, uint64_t seq) const;
    /// Summaries of the executions that still exist, in the given order.
    Result<std::vector<ExecutionSummary>> summaries(const std::vector<uint64_t>& numbers,
                                                    bool with_start) const;

    std::shared_ptr<Rows> rows_;
    uint64_t epoch_;  // guarded by the rows' ownership
};

void write_events(const ExecutionWrite& write, std::vector<RowChange>& changes) {
    const ExecutionSummary& s = write.summary;
    uint64_t seq = write.previous ? write.previous->last_seq : 0;
    std::string block;
    uint64_t first_of_block = seq + 1;
    for (const Event& event : write.events) {
        CHECK(event.seq == ++seq);
        append_to_block(event, block);
        if (block.size() < kEventBlockBytes && seq != s.last_seq) continue;
        changes.push_back({keys::event(s.number, first_of_block), std::exchange(block, {})});
        first_of_block = seq + 1;
    }
    CHECK(s.last_seq == seq);
}

void write_execution(const ExecutionWrite& write, std::vector<RowChange>& changes) {
    const ExecutionSummary& s = write.summary;
    CHECK(!s.id.empty());
    CHECK(s.number != 0);
    CHECK(write.previous || !write.events.empty());
    if (!write.previous) changes.push_back({keys::number(s.id), keys::encode_number(s.number)});
    write_events(write, changes);
    changes.push_back({keys::head(s.number), encode_head(s)});
    const StoredVersion now = version_of(s);
    // One that was redriven may have ended again, in the same way but later.
    const bool is_same = write.previous && write.previous->status == now.status &&
                         write.previous->stop_time == now.stop_time;
    if (is_same) return;
    if (write.previous) {
        for (std::string& key : keys::index_rows(s, *write.previous))
            changes.push_back({std::move(key), std::nullopt});
    }
    for (std::string& key : keys::index_rows(s, now))
        changes.push_back({std::move(key), std::string()});
}

Result<void> RowStore::erase(const ExecutionWrite& write, std::vector<RowChange>& changes) const {
    const ExecutionId& id = write.summary.id;
    const auto stored = summary(id);
    if (!stored) return pass(stored.error());
    if (!*stored) return {};
    if (write.previous && *write.previous != version_of(**stored)) return {};
    for (std::string& key : keys::index_rows(**stored, version_of(**stored))) {
        changes.push_back({std::move(key), std::nullopt});
    }
    const uint64_t number = (*stored)->number;
    changes.push_back({keys::number(id), std::nullopt});
    changes.push_back({keys::head(number), std::nullopt});
    return rows_->scan(keys::events(number, 0, UINT64_MAX),
                       [&](std::string_view key, std::string_view) {
                           changes.push_back({std::string(key), std::nullopt});
                           return true;
                       });
}

Result<void> RowStore::append(const Batch& batch) {
    std::vector<RowChange> changes;
    for (const ExecutionWrite& write : batch.executions) {
        if (!write.erase) {
            write_execution(write, changes);
        } else if (const auto erased = erase(write, changes); !erased) {
            return erased;
        }
    }
    for (const CatalogWrite& row : batch.catalog)
        changes.push_back({keys::catalog(row.key), row.value});
    return commit(changes);
}

Result<void> RowStore::commit(const std::vector<RowChange>& changes) {
    Rows::Ownership& owner = rows_->ownership();
    const std::lock_guard lock(owner.mutex);
    if (owner.failure) return pass(*owner.failure);
    if (owner.epoch != epoch_) {
        return fail(ErrorCode::kUnavailable, "epoch " + std::to_string(epoch_) +
                                                 " of the store was taken over by epoch " +
                                                 std::to_string(owner.epoch));
    }
    auto done = rows_->commit(changes);
    if (!done) owner.failure = done.error();
    return done;
}

Result<uint64_t> RowStore::open_epoch() {
    Rows::Ownership& owner = rows_->ownership();
    const std::lock_guard lock(owner.mutex);
    if (owner.failure) return pass(*owner.failure);
    const uint64_t next = owner.epoch + 1;
    if (auto done = rows_->commit({{keys::epoch(), std::to_string(next)}}); !done) {
        owner.failure = done.error();
        return pass(done.error());
    }
    owner.epoch = epoch_ = next;
    return next;
}

/// What a start asks of every new name: one look into a filter when there is no such execution.
Result<std::optional<uint64_t>> RowStore::number_of(const ExecutionId& id) const {
    const auto found = rows_->get(keys::number(id));
    if (!found) return pass(found.error());
    if (!*found) return std::optional<uint64_t>();
    const auto number = keys::decode_number(**found);
    if (!number) return pass(number.error());
    return std::optional<uint64_t>(*number);
}

Result<std::optional<ExecutionSummary>> RowStore::summary(const ExecutionId& id) const {
    const auto number = number_of(id);
    if (!number) return pass(number.error());
    if (!*number) return std::optional<ExecutionSummary>();
    auto found = summaries({**number}, true);
    if (!found) return pass(found.error());
    if (found->empty()) return std::optional<ExecutionSummary>();  // erased meanwhile
    return std::optional<ExecutionSummary>(std::move(found->front()));
}

Result<std::vector<ExecutionSummary>> RowStore::summaries(const std::vector<uint64_t>& numbers,
                                                          bool with_start) const {
    std::vector<std::string> wanted;
    for (const uint64_t number : numbers) {
        wanted.push_back(keys::head(number));
        if (with_start) wanted.push_back(keys::event(number, 1));
    }
    const auto found = rows_->get_many(wanted);
    if (!found) return pass(found.error());
    std::vector<ExecutionSummary> out;
    const size_t step = with_start ? 2 : 1;
    for (size_t i = 0; i < found->size(); i += step) {
        if (!(*found)[i]) continue;
        auto head = decode_summary(*(*found)[i]);
        if (!head) return pass(head.error());
        if (with_start) {
            if (!(*found)[i + 1]) continue;  // erased between the two reads
            if (const auto added = add_start(*(*found)[i + 1], *head); !added)
                return pass(added.error());
        }
        out.push_back(std::move(*head));
    }
    return out;
}

/// Where the block begins that holds event `seq`; `seq` itself when there is none.
Result<uint64_t> RowStore::block_of(uint64_t number, uint64_t seq) const {
    if (seq <= 1) return seq;
    RowRange up_to = keys::events(number, 1, seq);
    up_to.reverse = true;
    uint64_t first = seq;
    const auto scanned = rows_->scan(up_to, [&](std::string_view key, std::string_view) {
        first = keys::event_seq(key);
        return false;
    });
    if (!scanned) return pass(scanned.error());
    return first;
}

Result<std::vector<Event>> RowStore::events(const ExecutionId& id, const EventRange& range) const {
    std::vector<Event> out;
    if (range.limit == 0 || range.first_seq > range.last_seq) return out;
    const auto number = number_of(id);
    if (!number) return pass(number.error());
    if (!*number) return out;
    const auto first = block_of(**number, range.first_seq);
    if (!first) return pass(first.error());
    RowRange rows = keys::events(**number, *first, range.last_seq);
    rows.reverse = range.reverse;
    Result<void> decoded;
    const auto scanned = rows_->scan(rows, [&](std::string_view key, std::string_view block) {
        std::vector<Event> inside;
        decoded = read_block(block, keys::event_seq(key), [&](Event event) {
            if (event.seq > range.last_seq) return false;
            if (event.seq < range.first_seq) return true;
            inside.push_back(std::move(event));
            return range.reverse || out.size() + inside.size() < range.limit;
        });
        if (!decoded) return false;
        if (range.reverse) std::reverse(inside.begin(), inside.end());
        inside.resize(std::min(inside.size(), range.limit - out.size()));
        std::move(inside.begin(), inside.end(), std::back_inserter(out));
        return out.size() < range.limit;
    });
    if (!scanned) return pass(scanned.error());
    if (!decoded) return pass(decoded.error());
    return out;
}

Result<ExecutionPage> RowStore::list(const ExecutionFilter& filter, std::string_view cursor,
                                     size_t limit) const {
    auto index = filter.status
                     ? read_index(*rows_, keys::listing(filter, *filter.status), cursor, limit)
                     : read_all_listings(*rows_, filter, cursor, limit);
    if (!index) return pass(index.error());
    auto found = summaries(index->numbers, true);
    if (!found) return pass(found.error());
    // An execution may have closed since the index was read; then it is no longer of this listing.
    if (filter.status)
        std::erase_if(*found,
                      [&](const ExecutionSummary& s) { return s.status != *filter.status; });
    return ExecutionPage{std::move(*found), std::move(index->next)};
}

Result<ExecutionPage> RowStore::list_open(std::string_view cursor, size_t limit) const {
    auto index = read_index(*rows_, keys::open_executions(), cursor, limit);
    if (!index) return pass(index.error());
    auto found = summaries(index->numbers, false);
    if (!found) return pass(found.error());
    std::erase_if(*found,
                  [](const ExecutionSummary& s) { return s.status != ExecutionStatus::kRunning; });
    return ExecutionPage{std::move(*found), std::move(index->next)};
}

Result<std::vector<ExecutionId>> RowStore::list_closed(Timestamp before, size_t limit) const {
    if (limit == 0) return std::vector<ExecutionId>();
    auto index = read_index(*rows_, keys::closed_before(before), {}, limit);
    if (!index) return pass(index.error());
    const auto found = summaries(index->numbers, false);
    if (!found) return pass(found.error());
    std::vector<ExecutionId> ids;
    for (const ExecutionSummary& s : *found) ids.push_back(s.id);
    return ids;
}

Result<std::optional<std::string>> RowStore::catalog(std::string_view key) const {
    return rows_->get(keys::catalog(key));
}

Result<std::vector<std::pair<std::string, std::string>>> RowStore::scan_catalog(
    std::string_view prefix, std::string_view after, size_t limit) const {
    std::vector<std::pair<std::string, std::string>> out;
    if (limit == 0) return out;
    const std::string first = keys::catalog(prefix);
    RowRange range{first, keys::after_prefix(first), false};
    if (!after.empty()) range.from = std::max(range.from, keys::catalog(after) + '\0');
    const auto scanned = rows_->scan(range, [&](std::string_view key, std::string_view value) {
        out.emplace_back(key.substr(1), value);
        return out.size() < limit;
    });
    if (!scanned) return pass(scanned.error());
    return out;
}

}  // namespace

Result<std::unique_ptr<Store>> open_row_store(std::shared_ptr<Rows> rows) {
    const auto found = rows->get_many({keys::format(), keys::epoch()});
    if (!found) return pass(found.error());
    const auto format = parse_number((*found)[0].value_or("0"));
    const auto epoch = parse_number((*found)[1].value_or("0"));
    if (!format) return pass(format.error());
    if (!epoch) return pass(epoch.error());
    if (*format > uint64_t(kStoreFormat)) {
        return fail(ErrorCode::kUnsupported, "the store has format " + std::to_string(*format) +
                                                 "; this binary reads up to " +
                                                 std::to_string(kStoreFormat));
    }
    Rows::Ownership& owner = rows->ownership();
    const std::lock_guard lock(owner.mutex);
    if (*format == 0) {
        if (const auto done = rows->commit({{keys::format(), std::to_string(kStoreFormat)}}); !done)
            return pass(done.error());
    } else if (*format == 1) {
        if (const auto done = upgrade_format_1(*rows); !done) return pass(done.error());
    }
    owner.epoch = *epoch;
    return std::unique_ptr<Store>(std::make_unique<RowStore>(std::move(rows), *epoch));
}

}  // namespace tandem
