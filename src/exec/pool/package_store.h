// PackageStore: function packages unpacked below one directory, each once, named by the SHA-256 of
// its zip. A package is whole or absent (unpacked beside, then renamed) and read-only in practice:
// workers get it mounted read-only or run as another user. Safe from every thread.
#pragma once

#include <filesystem>
#include <mutex>
#include <string>

#include "base/result.h"
#include "exec/pool/zip_package.h"
#include "store/blob/blob_store.h"

namespace tandem::pool {

class PackageStore {
public:
    PackageStore(BlobStore& blobs, std::filesystem::path directory, ZipLimits limits)
        : blobs_(blobs), directory_(std::move(directory)), limits_(limits) {}

    /// The directory of an unpacked package; unpacks it first if needed, which may take seconds.
    /// Errors: kNotFound (no such blob), kInvalidArgument, kTooLarge (see zip_package.h), kIo.
    Result<std::filesystem::path> unpack(const std::string& blob);

private:
    Result<void> write(std::string_view zip, const std::filesystem::path& target);

    BlobStore& blobs_;
    std::filesystem::path directory_;
    ZipLimits limits_;
    std::mutex unpacking_;  // one at a time: two tasks may need the same package
};

}  // namespace tandem::pool
