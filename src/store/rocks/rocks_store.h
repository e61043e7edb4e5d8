// The embedded store over RocksDB. One append is one WriteBatch written with sync: one fdatasync of
// the write-ahead log. Recovery mode is kTolerateCorruptedTailRecords' stricter neighbour,
// kPointInTimeRecovery: a torn tail (an append that never returned) is dropped, and damage in the
// middle stops replay there; combined with synced appends nothing acknowledged is in a torn tail.
// Reads from any thread; append from one at a time. RocksDB's headers stay inside this directory.
#pragma once

#include <filesystem>
#include <memory>

#include "store/store.h"

namespace tandem {

struct RocksOptions {
    size_t memtable_bytes = 64 * 1024 * 1024;
    size_t block_cache_bytes = 64 * 1024 * 1024;
};

/// Opens or creates the database in `directory`. Errors: kIo (also: another process has it open),
/// kCorrupt.
Result<std::unique_ptr<Store>> open_rocks_store(const std::filesystem::path& directory, const RocksOptions& options = {});

}  // namespace tandem
