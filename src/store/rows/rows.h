// Rows: an ordered map from bytes to bytes, with atomic durable commits: all that a store needs
// from what lies below it. MemoryRows and RocksRows implement it; RowStore (row_store.h) lays
// executions, indexes and the catalog out over it. commit() is called by one thread at a time, all
// else from any thread; a visitor must not call back into the rows.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tandem {

struct RowChange {
    std::string key;
    std::optional<std::string> value;  // nullopt deletes
};

struct RowRange {
    std::string from;  // inclusive
    std::string to;    // exclusive
    bool reverse = false;
};

/// Sees one row; answers whether to go on.
using RowVisitor = std::function<bool(std::string_view key, std::string_view value)>;

class RowReader {
public:
    virtual ~RowReader() = default;
    virtual Result<std::optional<std::string>> get(const std::string& key) const = 0;
    /// One answer for each key, in their order.
    virtual Result<std::vector<std::optional<std::string>>> get_many(
        const std::vector<std::string>& keys) const = 0;
    /// Visits the rows of the range as they were at one moment.
    virtual Result<void> scan(const RowRange& range, const RowVisitor& visitor) const = 0;
};

class Rows : public RowReader {
public:
    /// All or nothing, durable when it returns. Errors: kIo, kCorrupt.
    virtual Result<void> commit(const std::vector<RowChange>& changes) = 0;
    /// All rows as they are now, for several reads that must agree. Short-lived: it may keep
    /// commits waiting.
    virtual std::unique_ptr<const RowReader> snapshot() const = 0;

    /// Who may commit, and whether anybody still can; shared by all owners of these rows.
    struct Ownership {
        std::mutex mutex;              // held over every commit
        uint64_t epoch = 0;            // as recorded
        std::optional<Error> failure;  // of the first commit that failed
    };
    Ownership& ownership() { return ownership_; }

private:
    Ownership ownership_;
};

}  // namespace tandem
