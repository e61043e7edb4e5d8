// An event block: the value of an event row, one or more records of consecutive events, each behind
// its length (a varint). What one append adds to one execution becomes one block, or several when
// it is long, so that a step costs one row. Pure.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/spilled.h"

namespace tandem {

/// A block that has reached this size takes no further event.
constexpr size_t kEventBlockBytes = 64 * 1024;

/// Appends one event's record to a block; `spilled` says which of its payloads are references.
void append_to_block(const Event& event, uint8_t spilled, std::string& block);

/// Decodes the events of a block in order; seq counts from `first_seq`. `visit` also gets which
/// payloads are references, and answers whether to go on. Error: kCorrupt.
Result<void> read_block(std::string_view block, uint64_t first_seq,
                        const std::function<bool(Event, uint8_t)>& visit);

/// Whether a record of the block may refer to an object; of a malformed block, perhaps.
bool has_references(std::string_view block);

}  // namespace tandem
