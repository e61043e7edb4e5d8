// Packs a directory into a zip archive in memory, as CreateFunction wants it: regular files with
// their execute permission, names relative to the directory, in sorted order. libzip stays behind
// this.
#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"

namespace tandem::cli {

/// Errors: kIo, kInvalidArgument (nothing to pack).
Result<std::string> package_directory(const std::filesystem::path& directory);

}  // namespace tandem::cli
