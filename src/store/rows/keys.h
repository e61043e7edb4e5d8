// Keys of the rows; docs/formats/rows.md has the table. A key starts with one byte that names its
// table; text in front of other parts carries its length, numbers are big endian, so that byte
// order is the order of the listing. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "model/execution.h"
#include "store/rows/rows.h"
#include "store/store.h"

namespace tandem::keys {

/// The block of events that begins with `seq`.
std::string event(const ExecutionId& id, uint64_t seq);
/// seq of the first event of a block's key.
uint64_t event_seq(std::string_view key);
/// Blocks that begin with first_seq .. last_seq, both inclusive.
RowRange events(const ExecutionId& id, uint64_t first_seq, uint64_t last_seq);

std::string head(const ExecutionId& id);  // the summary but for input and attributes
std::string catalog(std::string_view key);
std::string epoch();
std::string format();

/// Keys of all index rows of an execution with this summary when its status and stop time are
/// `version`'s, sorted.
std::vector<std::string> index_rows(const ExecutionSummary& summary, const StoredVersion& version);
/// Index rows that match a filter, newest start first.
RowRange listing(const ExecutionFilter& filter);
RowRange open_executions();
/// Index rows of closed executions with a stop time before `before`, oldest first.
RowRange closed_before(Timestamp before);
/// The execution that an index row is about; empty when the key is no index row.
ExecutionId indexed_id(std::string_view key);

/// The first key after all keys that start with `prefix`; empty when there is none.
std::string after_prefix(std::string_view prefix);

}  // namespace tandem::keys
