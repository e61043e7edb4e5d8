// Rows in memory, as both MemoryRows and the simulator's disk keep them. Locks nothing.
#pragma once

#include <map>

#include "store/rows/rows.h"

namespace tandem {

using RowMap = std::map<std::string, std::string>;

void apply_changes(const std::vector<RowChange>& changes, RowMap& rows);

/// Of a map that stays as it is while it is read.
class RowMapReader : public RowReader {
public:
    explicit RowMapReader(const RowMap& rows) : rows_(rows) {}
    Result<std::optional<std::string>> get(const std::string& key) const override;
    Result<std::vector<std::optional<std::string>>> get_many(
        const std::vector<std::string>& keys) const override;
    Result<void> scan(const RowRange& range, const RowVisitor& visitor) const override;

private:
    const RowMap& rows_;
};

}  // namespace tandem
