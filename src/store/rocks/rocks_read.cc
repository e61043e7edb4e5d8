#include "store/cursor.h"
#include "store/rocks/keys.h"
#include "store/rocks/rocks_impl.h"

namespace tandem::rocks {

Result<std::optional<std::string>> RocksStore::get(const std::string& key) const {
    std::string value;
    const rocksdb::Status status = db_->Get(rocksdb::ReadOptions(), key, &value);
    if (status.IsNotFound()) return std::optional<std::string>();
    if (!status.ok()) return error_of(status);
    return std::optional<std::string>(std::move(value));
}

std::unique_ptr<rocksdb::Iterator> RocksStore::iterate() const {
    return std::unique_ptr<rocksdb::Iterator>(db_->NewIterator(rocksdb::ReadOptions()));
}

Result<std::optional<ExecutionSummary>> RocksStore::summary(const ExecutionId& id) const {
    const auto full = get(summary_key(id.str()));
    if (!full) return tl::unexpected<Error>(full.error());
    if (!*full) return std::optional<ExecutionSummary>();
    auto decoded = decode_summary(**full);
    if (!decoded) return tl::unexpected<Error>(decoded.error());
    if (decoded->status != ExecutionStatus::kRunning) return std::optional<ExecutionSummary>(std::move(*decoded));
    // While it is open, what changes is in the small record (see put_execution).
    const auto open = get(open_key(id.str()));
    if (!open) return tl::unexpected<Error>(open.error());
    if (!*open) {  // it closed between the two reads
        const auto again = get(summary_key(id.str()));
        if (!again) return tl::unexpected<Error>(again.error());
        if (!*again) return std::optional<ExecutionSummary>();
        auto closed = decode_summary(**again);
        if (!closed) return tl::unexpected<Error>(closed.error());
        return std::optional<ExecutionSummary>(std::move(*closed));
    }
    auto small = decode_summary(**open);
    if (!small) return tl::unexpected<Error>(small.error());
    small->input = decoded->input;
    small->attributes = decoded->attributes;
    return std::optional<ExecutionSummary>(std::move(*small));
}

Result<std::vector<Event>> RocksStore::events(const ExecutionId& id, const EventRange& range) const {
    std::vector<Event> out;
    const std::string prefix = event_prefix(id.str());
    const auto it = iterate();
    if (range.reverse) it->SeekForPrev(event_key(id.str(), range.last_seq));
    else it->Seek(event_key(id.str(), range.first_seq));
    while (it->Valid() && out.size() < range.limit && it->key().starts_with(prefix)) {
        const uint64_t seq = read_be64(view(it->key()).substr(prefix.size()));
        if (seq < range.first_seq || seq > range.last_seq) break;
        auto event = decode_event(view(it->value()));
        if (!event) return tl::unexpected<Error>(event.error());
        event->seq = seq;
        out.push_back(std::move(*event));
        if (range.reverse) it->Prev();
        else it->Next();
    }
    if (!it->status().ok()) return error_of(it->status());
    return out;
}

Result<ExecutionPage> RocksStore::list(const ExecutionFilter& filter, std::string_view cursor, size_t limit) const {
    const auto after = decode_cursor(cursor);
    if (!after) return tl::unexpected<Error>(after.error());
    const std::string prefix = list_prefix(filter.kind, filter.status ? int(*filter.status) : 0, filter.callable);
    std::string from = prefix;
    // Newest first: "before started_to" is a lower bound of the key, exclusive of started_to itself.
    if (filter.started_to) from = list_from(prefix, *filter.started_to - Duration(1));
    if (!after->empty()) {
        if (after->compare(0, prefix.size(), prefix) != 0) {
            return fail(ErrorCode::kInvalidArgument, "not a page token of this listing");
        }
        from = std::max(from, *after + '\0');
    }
    const std::string end = filter.started_from ? list_from(prefix, *filter.started_from - Duration(1)) : std::string();
    ExecutionPage page;
    std::string last;
    const auto it = iterate();
    for (it->Seek(from); it->Valid() && it->key().starts_with(prefix); it->Next()) {
        const std::string_view key = view(it->key());
        if (!end.empty() && key >= end) break;
        if (page.executions.size() == limit) {
            page.next = encode_cursor(last);
            break;
        }
        last = key;
        auto row = summary(ExecutionId(std::string(key.substr(prefix.size() + 8))));
        if (!row) return tl::unexpected<Error>(row.error());
        if (*row) page.executions.push_back(std::move(**row));
    }
    if (!it->status().ok()) return error_of(it->status());
    return page;
}

Result<ExecutionPage> RocksStore::list_open(std::string_view cursor, size_t limit) const {
    const auto after = decode_cursor(cursor);
    if (!after) return tl::unexpected<Error>(after.error());
    ExecutionPage page;
    const auto it = iterate();
    for (it->Seek(after->empty() ? open_key("") : *after + '\0'); it->Valid() && it->key().starts_with(open_key("")); it->Next()) {
        if (page.executions.size() == limit) {
            page.next = encode_cursor(open_key(page.executions.back().id.str()));
            break;
        }
        auto row = decode_summary(view(it->value()));
        if (!row) return tl::unexpected<Error>(row.error());
        page.executions.push_back(std::move(*row));
    }
    if (!it->status().ok()) return error_of(it->status());
    return page;
}

Result<std::vector<ExecutionId>> RocksStore::list_closed(Timestamp before, size_t limit) const {
    ExecutionSummary bound;
    bound.stop_time = before;
    const std::string end = closed_key(bound);
    std::vector<ExecutionId> out;
    const auto it = iterate();
    for (it->Seek("c"); it->Valid() && out.size() < limit && view(it->key()) < end && it->key().starts_with("c"); it->Next()) {
        out.emplace_back(std::string(view(it->key()).substr(9)));
    }
    if (!it->status().ok()) return error_of(it->status());
    return out;
}

Result<std::optional<std::string>> RocksStore::catalog(std::string_view key) const { return get(catalog_key(key)); }

Result<std::vector<std::pair<std::string, std::string>>> RocksStore::scan_catalog(std::string_view prefix, std::string_view after, size_t limit) const {
    std::vector<std::pair<std::string, std::string>> rows;
    const std::string first = after > prefix ? catalog_key(after) + '\0' : catalog_key(prefix);
    const auto it = iterate();
    for (it->Seek(first); it->Valid() && rows.size() < limit && it->key().starts_with(catalog_key(prefix)); it->Next()) {
        rows.emplace_back(view(it->key()).substr(1), view(it->value()));
    }
    if (!it->status().ok()) return error_of(it->status());
    return rows;
}

}  // namespace tandem::rocks
