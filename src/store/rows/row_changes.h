// The rows that one append changes for an execution it adds to: its number, blocks of events, head
// and index rows. Pure.
#pragma once

#include <vector>

#include "store/rows/references.h"
#include "store/rows/rows.h"
#include "store/store.h"

namespace tandem {

/// `references` of its large payloads; null: it has none.
void write_execution(const ExecutionWrite& write, const References* references,
                     std::vector<RowChange>& changes);

}  // namespace tandem
