// Brings the rows of an older format to today's, in place, when a store is opened;
// docs/formats/rows.md says what the formats were. The caller is the only one who commits.
#pragma once

#include "base/result.h"
#include "store/rows/rows.h"

namespace tandem {

/// Format 1 named the rows of an execution by its id, format 2 names them by a number: numbers all
/// executions and moves their rows. May end anywhere: the format row is the last to change, and the
/// next call goes on from there. Errors: kIo, kCorrupt.
Result<void> upgrade_format_1(Rows& rows);

}  // namespace tandem
