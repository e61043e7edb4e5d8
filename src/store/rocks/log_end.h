// Where a file of RocksDB's write-ahead log ends, if zeros and a torn record may lie behind it.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace tandem {

/// Bytes of `file` up to the end of its last whole record. Nothing if a record begins behind one
/// that does not verify: then that one is damaged. For a record is one append, and none begins
/// before the one ahead of it is on disk: what a crash tears is the last.
std::optional<uint64_t> log_end(std::string_view file);

}  // namespace tandem
