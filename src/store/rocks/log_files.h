// The files of RocksDB's write-ahead log: their room is claimed ahead as zeros and written over, so
// that a sync need not write a new size of the file. What a dead process leaves behind the last
// whole record, those zeros and a record it had not finished, is cut off before RocksDB looks.
#pragma once

#include <rocksdb/env.h>

#include <memory>

namespace tandem {

/// The operating system's files, with logs as above. They are cut when RocksDB has locked the
/// directory; a damaged one keeps it closed (Corruption).
std::unique_ptr<rocksdb::Env> log_files_env();

}  // namespace tandem
