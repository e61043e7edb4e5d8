// The store on disk: RocksDB's ordered rows in one directory that one process holds at a time.
// Every append is one write batch and one sync of the write-ahead log. RocksDB's own types stay
// behind this header. Thread rules are those of Store. README.md says which options were chosen and
// why.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>

#include "store/rows/rows.h"
#include "store/spill/payload_objects.h"
#include "store/store.h"

namespace tandem {

struct RocksOptions {
    size_t memtable_bytes = 64u << 20;     // each of at most two
    size_t block_cache_bytes = 64u << 20;  // data, index and filter blocks
    size_t log_bytes = 256u << 20;         // write-ahead log above which memtables are flushed
    int background_threads = 2;            // flushes and compactions
    bool counts_syncs = false;             // for rocks_log_syncs(); costs a little
};

/// Creates the directory (mode 0700) if it is not there. Errors: kUnavailable (another process
/// holds it), kUnsupported (written by a newer binary), kIo, kCorrupt.
Result<std::unique_ptr<Store>> open_rocks_store(const std::filesystem::path& directory,
                                                RocksOptions options = {}, SpillOptions spill = {});

/// The rows alone, for several stores in turn over the same data (open_row_store).
Result<std::shared_ptr<Rows>> open_rocks_rows(const std::filesystem::path& directory,
                                              RocksOptions options = {});

/// Number of log syncs since these rows, made by open_rocks_rows() with counts_syncs, were opened.
uint64_t rocks_log_syncs(const Rows& rows);

}  // namespace tandem
