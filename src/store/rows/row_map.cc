#include "store/rows/row_map.h"

namespace tandem {

void apply_changes(const std::vector<RowChange>& changes, RowMap& rows) {
    for (const RowChange& change : changes) {
        if (change.value) rows[change.key] = *change.value;
        else rows.erase(change.key);
    }
}

Result<std::optional<std::string>> RowMapReader::get(const std::string& key) const {
    const auto it = rows_.find(key);
    return it == rows_.end() ? std::nullopt : std::optional<std::string>(it->second);
}

Result<std::vector<std::optional<std::string>>> RowMapReader::get_many(
    const std::vector<std::string>& keys) const {
    std::vector<std::optional<std::string>> out;
    for (const std::string& key : keys) out.push_back(*get(key));
    return out;
}

Result<void> RowMapReader::scan(const RowRange& range, const RowVisitor& visitor) const {
    if (range.from >= range.to) return {};
    auto begin = rows_.lower_bound(range.from), end = rows_.lower_bound(range.to);
    while (begin != end) {
        const auto at = range.reverse ? std::prev(end) : begin;
        if (!visitor(at->first, at->second)) break;
        if (range.reverse) end = at;
        else ++begin;
    }
    return {};
}

}  // namespace tandem
