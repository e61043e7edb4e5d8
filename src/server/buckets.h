// Opens the buckets that the configuration names; all others are directories of one directory.
#pragma once

#include <memory>

#include "server/config.h"
#include "store/blob/object_store.h"

namespace tandem {

/// Errors name the bucket: kNotFound, kIo, kInvalidArgument.
Result<std::unique_ptr<DirectoryBuckets>> open_buckets(const Config& config);

}  // namespace tandem
