// Which objects hold the items, one after the other, and where in that order a reader is: a
// position, as text. Private to this room.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "exec/items/item_reader.h"

namespace tandem::items {

struct FileRef {
    std::string bucket;
    std::string key;
    std::string position;  // at() finds it again, after() the next one
};

class FileList {
public:
    virtual ~FileList() = default;
    /// Reads a manifest; may set the headers and the format of `source`.
    static Result<std::unique_ptr<FileList>> open(Buckets& buckets, ItemSource& source);
    /// The first file, where `position` is nullopt. nullopt: there is none.
    virtual Result<std::optional<FileRef>> after(const std::optional<std::string>& position) = 0;
    virtual Result<FileRef> at(const std::string& position) = 0;
};

/// Errors say what S3 says.
Result<std::shared_ptr<Bucket>> open_bucket(Buckets& buckets, std::string_view name);

struct Manifest {
    std::vector<FileRef> files;
    std::vector<std::string> headers;  // of an inventory's CSV files
};

/// manifest.json of an S3 inventory in CSV. Errors: kInvalidArgument, kUnsupported.
Result<Manifest> read_inventory(std::string_view text);
/// "s3://bucket/key" a line, perhaps in quotation marks. Error: kInvalidArgument.
Result<Manifest> read_athena_manifest(std::string_view text);

}  // namespace tandem::items
