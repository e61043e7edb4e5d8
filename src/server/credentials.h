// The access key of a data directory: made on first start, kept in `<data>/credentials` (mode 0600,
// the format of an AWS credentials file, so that AWS_SHARED_CREDENTIALS_FILE may point at it).
// Error: kIo, kCorrupt. Read once at start.
#pragma once

#include <filesystem>

#include "base/result.h"
#include "net/sigv4.h"

namespace tandem {

struct StoredCredentials {
    net::Credentials key;
    bool fresh = false;  // made by this call: show it once
};

Result<StoredCredentials> load_or_make_credentials(const std::filesystem::path& data_directory);

/// Reads `<data>/credentials` without making it. Error: kNotFound.
Result<net::Credentials> read_credentials(const std::filesystem::path& file);

/// Writes `text` to `file` with mode 0600 through a temporary name: whole or absent.
Result<void> write_private_file(const std::filesystem::path& file, std::string_view text);

}  // namespace tandem
