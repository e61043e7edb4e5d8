// BlobStore: immutable files named by the hex SHA-256 of their bytes, under one directory (mode
// 0700). Written to a temporary name, synced, then renamed: a blob is whole or absent. Used for
// function packages. Safe from every thread.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"

namespace tandem {

class BlobStore {
public:
    /// Creates the directory if needed. Error: kIo.
    static Result<BlobStore> open(std::filesystem::path directory);

    /// Stores bytes durably; returns their id. Storing the same bytes again is cheap. Error: kIo.
    Result<std::string> put(std::string_view bytes);
    /// Errors: kNotFound, kIo, kCorrupt (bytes do not match the id).
    Result<std::string> get(std::string_view id) const;
    /// Forgets a blob; one that is not there is forgotten already.
    void remove(std::string_view id);
    /// Where the blob is; it may not exist.
    std::filesystem::path path(std::string_view id) const;

private:
    explicit BlobStore(std::filesystem::path directory) : directory_(std::move(directory)) {}
    std::filesystem::path directory_;
};

}  // namespace tandem
