// A store in memory: for tests, the simulator and `serve` without a data directory. It keeps the
// same rows as a store on disk, so that codecs and indexes are the same; durable means: until the
// last store over the rows is gone. Thread rules are those of Store.
#pragma once

#include <atomic>
#include <memory>

#include "store/rows/rows.h"
#include "store/store.h"

namespace tandem {

/// What a test makes go wrong; may be changed from any thread.
struct MemoryFaults {
    std::atomic<bool> fail_appends{false};  // the next append fails with kIo, and all after it
};

std::unique_ptr<Store> make_memory_store(std::shared_ptr<const MemoryFaults> faults = nullptr);

/// The rows alone, for several stores in turn over the same data (open_row_store).
std::shared_ptr<Rows> make_memory_rows(std::shared_ptr<const MemoryFaults> faults = nullptr);

}  // namespace tandem
