// The runtimes of workers/ as part of the binary, so that one file is the whole installation.
// Written out under the data directory at start, where the process pool finds them.
#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tandem {

struct EmbeddedFile {
    std::string_view name;  // "python/bootstrap.py"
    std::string_view bytes;
};

const std::vector<EmbeddedFile>& embedded_workers();
/// "ranks.so": see exec/slurm/ranks.c.
const std::vector<EmbeddedFile>& embedded_ranks();

/// Writes them below `directory`, readable by everyone (sandboxed users run them). Error: kIo.
Result<void> write_embedded_workers(const std::filesystem::path& directory);
/// Puts ranks.so into `directory`, readable by everyone, in place of an older one that jobs may
/// have in use. Its path. Error: kIo.
Result<std::filesystem::path> write_embedded_ranks(const std::filesystem::path& directory);

}  // namespace tandem
