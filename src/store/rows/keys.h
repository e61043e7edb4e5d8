// Keys of the rows; docs/formats/rows.md has the table. A key starts with one byte that names its
// table; text in front of other parts carries its length, numbers are big endian, so that byte
// order is the order of the listing. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "model/execution.h"
#include "store/rows/rows.h"
#include "store/store.h"

namespace tandem::keys {

/// The number of the execution with this id, of eight bytes; all its other rows go by the number.
/// Executions that run at the same time have neighbouring numbers, so their rows are written and
/// read close to each other.
std::string number(const ExecutionId& id);
std::string encode_number(uint64_t number);
Result<uint64_t> decode_number(std::string_view value);  // kCorrupt

/// The block of events that begins with `seq`.
std::string event(uint64_t number, uint64_t seq);
/// seq of the first event of a block's key.
uint64_t event_seq(std::string_view key);
/// Blocks that begin with first_seq .. last_seq, both inclusive.
RowRange events(uint64_t number, uint64_t first_seq, uint64_t last_seq);

std::string head(uint64_t number);  // the summary but for input and attributes
std::string message(uint64_t number);
/// Messages with a number above `after`.
RowRange messages(uint64_t after);
uint64_t message_number(std::string_view key);
std::string catalog(std::string_view key);
std::string epoch();
std::string format();
std::string payloads();  // where large ones are: "store bucket"

/// Keys of all index rows of an execution with this summary when its status and stop time are
/// `version`'s, sorted.
std::vector<std::string> index_rows(const ExecutionSummary& summary, const StoredVersion& version);
/// Index rows that match a filter and have this status, newest start first.
RowRange listing(const ExecutionFilter& filter, ExecutionStatus status);
/// The same whatever the status: no rows are here, but the cursors of such listings.
RowRange listing_of_all(const ExecutionFilter& filter);
/// The last bytes of a listing's row, by which rows of different statuses are ordered.
std::string_view listing_place(std::string_view key);
std::string listing_row_at(const ExecutionFilter& filter, ExecutionStatus status,
                           std::string_view place);
std::string listing_row_of_all_at(const ExecutionFilter& filter, std::string_view place);
uint64_t listed_number(std::string_view place);  // the execution there
RowRange open_executions();
/// Index rows of closed executions with a stop time before `before`, oldest first.
RowRange closed_before(Timestamp before);
/// The number of the execution that an index row is about.
uint64_t indexed_number(std::string_view key);

/// The first key after all keys that start with `prefix`; empty when there is none.
std::string after_prefix(std::string_view prefix);

}  // namespace tandem::keys
