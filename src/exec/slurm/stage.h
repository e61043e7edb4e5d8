// Staging: objects of the server's buckets as files of a job, before it is submitted and after it
// has succeeded, in pieces. Files are below the directory `files` of an attempt, objects whole or
// not there, so that both may be done again after a crash. Blocks; what is done to files is done as
// the attempt's owner. Errors: kConflict (it cannot be, however often it is tried), kUnavailable.
#pragma once

#include <atomic>
#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "exec/slurm/request.h"
#include "store/blob/object_store.h"

namespace tandem::slurm {

constexpr size_t kStagePieceBytes = 4 * 1024 * 1024;

/// `buckets` may be null: there are none. What is there already is left as it is. kUnavailable soon
/// after `ends` is set.
Result<void> stage_in(Buckets* buckets, const std::vector<Staged>& list,
                      const std::filesystem::path& attempt, const std::atomic<bool>& ends);
Result<void> stage_out(Buckets* buckets, const std::vector<Staged>& list,
                       const std::filesystem::path& attempt, const std::atomic<bool>& ends);

}  // namespace tandem::slurm
