#include "store/rows/row_store.h"

#include <algorithm>
#include <charconv>

#include "base/check.h"
#include "base/encoding.h"
#include "store/rows/keys.h"

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

/// Narrows `range` to what follows the cursor.
Result<void> resume(std::string_view cursor, RowRange& range) {
    if (cursor.empty()) return {};
    const auto bytes = base64_decode(cursor);
    if (!bytes || bytes->size() < 4) return fail(ErrorCode::kInvalidArgument, "malformed cursor");
    std::string key = bytes->substr(0, bytes->size() - 4);
    if (make_cursor(key) != cursor || key < range.from || key >= range.to) {
        return fail(ErrorCode::kInvalidArgument, "the cursor is not of this listing");
    }
    range.from = std::move(key) + '\0';
    return {};
}

struct IndexPage {
    std::vector<ExecutionId> ids;
    std::string next;
};

Result<IndexPage> read_index(const Rows& rows, RowRange range, std::string_view cursor, size_t limit) {
    if (limit == 0) return fail(ErrorCode::kInvalidArgument, "a page holds at least one execution");
    if (const auto resumed = resume(cursor, range); !resumed) return pass(resumed.error());
    IndexPage page;
    std::string last;
    const auto scanned = rows.scan(range, [&](std::string_view key, std::string_view) {
        if (page.ids.size() == limit) {
            page.next = make_cursor(last);
            return false;
        }
        page.ids.push_back(keys::indexed_id(key));
        last = key;
        return true;
    });
    if (!scanned) return pass(scanned.error());
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

std::string encode_start(const ExecutionSummary& summary) {
    ExecutionSummary start;
    start.id = summary.id;
    start.input = summary.input;
    start.attributes = summary.attributes;
    std::string record;
    encode_summary(start, record);
    return record;
}

Result<void> add_start(std::string_view record, ExecutionSummary& summary) {
    auto start = decode_summary(record);
    if (!start) return pass(start.error());
    summary.input = std::move(start->input);
    summary.attributes = std::move(start->attributes);
    return {};
}

class RowStore final : public Store {
public:
    RowStore(std::shared_ptr<Rows> rows, uint64_t epoch) : rows_(std::move(rows)), epoch_(epoch) {}

    Result<void> append(const Batch& batch) override;
    Result<uint64_t> open_epoch() override;
    Result<std::optional<ExecutionSummary>> summary(const ExecutionId& id) const override;
    Result<std::vector<Event>> events(const ExecutionId& id, const EventRange& range) const override;
    Result<ExecutionPage> list(const ExecutionFilter& filter, std::string_view cursor, size_t limit) const override;
    Result<ExecutionPage> list_open(std::string_view cursor, size_t limit) const override;
    Result<std::vector<ExecutionId>> list_closed(Timestamp before, size_t limit) const override;
    Result<std::optional<std::string>> catalog(std::string_view key) const override;
    Result<std::vector<std::pair<std::string, std::string>>> scan_catalog(std::string_view prefix, std::string_view after,
                                                                          size_t limit) const override;

private:
    Result<void> commit(const std::vector<RowChange>& changes);
    Result<void> erase(const ExecutionId& id, std::vector<RowChange>& changes) const;
    /// Summaries of the executions that still exist, in the given order.
    Result<std::vector<ExecutionSummary>> summaries(const std::vector<ExecutionId>& ids, bool with_start) const;

    std::shared_ptr<Rows> rows_;
    uint64_t epoch_;  // guarded by the rows' ownership
};

void write_execution(const ExecutionWrite& write, std::vector<RowChange>& changes) {
    const ExecutionSummary& s = write.summary;
    CHECK(!s.id.empty());
    uint64_t seq = write.previous ? write.previous->last_seq : 0;
    for (const Event& event : write.events) {
        CHECK(event.seq == ++seq);
        std::string record;
        encode_event(event, record);
        changes.push_back({keys::event(s.id, seq), std::move(record)});
    }
    CHECK(s.last_seq == seq);
    changes.push_back({keys::head(s.id), encode_head(s)});
    if (!write.previous) changes.push_back({keys::start(s.id), encode_start(s)});

    const std::vector<std::string> now = keys::index_rows(s);
    const std::vector<std::string> before = write.previous ? keys::index_rows(*write.previous) : std::vector<std::string>();
    for (const std::string& key : before) {
        if (!std::binary_search(now.begin(), now.end(), key)) changes.push_back({key, std::nullopt});
    }
    for (const std::string& key : now) {
        if (!std::binary_search(before.begin(), before.end(), key)) changes.push_back({key, std::string()});
    }
}

Result<void> RowStore::erase(const ExecutionId& id, std::vector<RowChange>& changes) const {
    const auto stored = summary(id);
    if (!stored) return pass(stored.error());
    if (!*stored) return {};
    for (std::string& key : keys::index_rows(**stored)) changes.push_back({std::move(key), std::nullopt});
    changes.push_back({keys::head(id), std::nullopt});
    changes.push_back({keys::start(id), std::nullopt});
    return rows_->scan(keys::events(id, 0, UINT64_MAX), [&](std::string_view key, std::string_view) {
        changes.push_back({std::string(key), std::nullopt});
        return true;
    });
}

Result<void> RowStore::append(const Batch& batch) {
    std::vector<RowChange> changes;
    for (const ExecutionWrite& write : batch.executions) {
        if (!write.erase) {
            write_execution(write, changes);
        } else if (const auto erased = erase(write.summary.id, changes); !erased) {
            return erased;
        }
    }
    for (const CatalogWrite& row : batch.catalog) changes.push_back({keys::catalog(row.key), row.value});
    return commit(changes);
}

Result<void> RowStore::commit(const std::vector<RowChange>& changes) {
    Rows::Ownership& owner = rows_->ownership();
    const std::lock_guard lock(owner.mutex);
    if (owner.failure) return pass(*owner.failure);
    if (owner.epoch != epoch_) {
        return fail(ErrorCode::kUnavailable, "epoch " + std::to_string(epoch_) + " of the store was taken over by epoch " +
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

Result<std::optional<ExecutionSummary>> RowStore::summary(const ExecutionId& id) const {
    const auto found = summaries({id}, true);
    if (!found) return pass(found.error());
    if (found->empty()) return std::optional<ExecutionSummary>();
    return std::optional<ExecutionSummary>(found->front());
}

Result<std::vector<ExecutionSummary>> RowStore::summaries(const std::vector<ExecutionId>& ids, bool with_start) const {
    std::vector<std::string> wanted;
    for (const ExecutionId& id : ids) {
        wanted.push_back(keys::head(id));
        if (with_start) wanted.push_back(keys::start(id));
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
            if (const auto added = add_start(*(*found)[i + 1], *head); !added) return pass(added.error());
        }
        out.push_back(std::move(*head));
    }
    return out;
}

Result<std::vector<Event>> RowStore::events(const ExecutionId& id, const EventRange& range) const {
    std::vector<Event> out;
    if (range.limit == 0 || range.first_seq > range.last_seq) return out;
    RowRange rows = keys::events(id, range.first_seq, range.last_seq);
    rows.reverse = range.reverse;
    std::optional<Error> broken;
    const auto scanned = rows_->scan(rows, [&](std::string_view key, std::string_view value) {
        auto event = decode_event(value);
        if (!event) {
            broken = event.error();
            return false;
        }
        event->seq = keys::event_seq(key);
        out.push_back(std::move(*event));
        return out.size() < range.limit;
    });
    if (!scanned) return pass(scanned.error());
    if (broken) return pass(*broken);
    return out;
}

Result<ExecutionPage> RowStore::list(const ExecutionFilter& filter, std::string_view cursor, size_t limit) const {
    auto index = read_index(*rows_, keys::listing(filter), cursor, limit);
    if (!index) return pass(index.error());
    auto found = summaries(index->ids, true);
    if (!found) return pass(found.error());
    // An execution may have closed since the index was read; then it is no longer of this listing.
    if (filter.status) std::erase_if(*found, [&](const ExecutionSummary& s) { return s.status != *filter.status; });
    return ExecutionPage{std::move(*found), std::move(index->next)};
}

Result<ExecutionPage> RowStore::list_open(std::string_view cursor, size_t limit) const {
    auto index = read_index(*rows_, keys::open_executions(), cursor, limit);
    if (!index) return pass(index.error());
    auto found = summaries(index->ids, false);
    if (!found) return pass(found.error());
    std::erase_if(*found, [](const ExecutionSummary& s) { return s.status != ExecutionStatus::kRunning; });
    return ExecutionPage{std::move(*found), std::move(index->next)};
}

Result<std::vector<ExecutionId>> RowStore::list_closed(Timestamp before, size_t limit) const {
    if (limit == 0) return std::vector<ExecutionId>();
    auto index = read_index(*rows_, keys::closed_before(before), {}, limit);
    if (!index) return pass(index.error());
    return std::move(index->ids);
}

Result<std::optional<std::string>> RowStore::catalog(std::string_view key) const { return rows_->get(keys::catalog(key)); }

Result<std::vector<std::pair<std::string, std::string>>> RowStore::scan_catalog(std::string_view prefix, std::string_view after,
                                                                                size_t limit) const {
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
                                                 "; this binary reads up to " + std::to_string(kStoreFormat));
    }
    Rows::Ownership& owner = rows->ownership();
    const std::lock_guard lock(owner.mutex);
    if (*format == 0) {
        if (const auto done = rows->commit({{keys::format(), std::to_string(kStoreFormat)}}); !done) return pass(done.error());
    }
    owner.epoch = *epoch;
    return std::unique_ptr<Store>(std::make_unique<RowStore>(std::move(rows), *epoch));
}

}  // namespace tandem
