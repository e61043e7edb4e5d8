// Function packages: a zip archive checked as foreign input, then handed out entry by entry.
// Rejected: paths that leave the root (absolute, "..", through a symbolic link), links that point
// out, duplicate names, encryption, methods other than store and deflate, more entries or bytes
// than allowed, sizes that deflate cannot reach. Works on memory only; pure, safe from every
// thread. Errors are in Lambda's words: kInvalidArgument, kTooLarge.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "base/result.h"

namespace tandem::pool {

struct ZipLimits {
    size_t zip_bytes = Limits{}.function_zip_bytes;
    size_t unzipped_bytes = Limits{}.function_unzipped_bytes;
    size_t entries = Limits{}.function_zip_entries;
};

enum class ZipEntryKind { kFile, kDirectory, kSymlink };

struct ZipEntry {
    std::string path;  // normalised: relative, no ".", "..", empty parts or trailing slash
    ZipEntryKind kind = ZipEntryKind::kFile;
    bool executable = false;
    uint64_t size = 0;        // unzipped, as declared
    uint64_t index = 0;       // in the archive
    std::string link_target;  // of a symbolic link
};

/// All entries, checked against `limits` and each other. No file is unzipped yet.
Result<std::vector<ZipEntry>> inspect_zip(std::string_view bytes, const ZipLimits& limits);

/// Receives the parts of a file in order; returns false to give up (then kIo is the answer).
using ZipSink = std::function<bool(const ZipEntry& entry, std::string_view part)>;

/// Unzips every file of `entries` (which inspect_zip returned for the same bytes) into `sink`.
/// Checks the sizes and checksums that the archive declares. A file of no bytes gets one empty
/// part.
Result<void> extract_zip(std::string_view bytes, const std::vector<ZipEntry>& entries,
                         const ZipSink& sink);

}  // namespace tandem::pool
