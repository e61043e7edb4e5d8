// Buckets of objects: bytes under keys, as S3 has them. A Bucket is a directory (open_directory) or
// whatever else passes conformance/bucket_conformance.h. Every call blocks; safe from every thread
// (an ObjectWriter belongs to one).
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace tandem {

constexpr size_t kObjectKeyBytes = 1'024;                        // of a key, as S3
constexpr size_t kListKeysMax = 1'000;                           // keys and prefixes of a page
constexpr uint64_t kObjectReadBytes = 256ull * 1024 * 1024;      // of one get()
constexpr int64_t kAbandonedUploadSeconds = int64_t(24) * 3600;  // then a directory forgets it

struct ObjectInfo {
    std::string key;
    std::string etag;  // opaque, without quotes; other bytes have another one
    uint64_t size = 0;
    Timestamp modified;
    std::string content_type;  // empty: not known here, as in a directory
};

struct ByteRange {
    uint64_t first = 0;
    uint64_t length = UINT64_MAX;  // to the end
};

struct ObjectBytes {
    ObjectInfo info;  // of the whole object
    std::string bytes;
};

struct PutOptions {
    bool only_if_absent = false;  // kAlreadyExists where the key is taken; not of a writer
    std::string content_type;     // kept where the bucket can
};

struct ListRequest {
    std::string prefix;
    std::string delimiter;  // empty: none
    std::string after;      // keys and prefixes greater than this; a page's `next`
    size_t max_keys = kListKeysMax;
};

struct ListPage {
    std::vector<ObjectInfo> objects;    // in the order of their keys' bytes
    std::vector<std::string> prefixes;  // that end with the delimiter
    std::string next;                   // empty: this is the last page
};

/// Writes an object of unknown length. Nobody sees it before finish(); without that it is dropped.
class ObjectWriter {
public:
    virtual ~ObjectWriter() = default;
    virtual Result<void> write(std::string_view bytes) = 0;
    /// Called once; the object is durable afterwards.
    virtual Result<ObjectInfo> finish() = 0;
};

/// Errors of every call: kInvalidArgument (a key that cannot be), kNotFound, kIo, and kUnavailable
/// or kTimeout where the bucket is elsewhere.
class Bucket {
public:
    virtual ~Bucket() = default;
    /// Bytes of `range`, cut at the object's end. kInvalidArgument where it begins behind the end
    /// (an empty object has a range from 0); kTooLarge above kObjectReadBytes.
    virtual Result<ObjectBytes> get(std::string_view key, ByteRange range = {}) const = 0;
    /// Whole or not at all, and durable. Also kAlreadyExists.
    virtual Result<ObjectInfo> put(std::string_view key, std::string_view bytes,
                                   PutOptions options = {}) = 0;
    virtual Result<std::unique_ptr<ObjectWriter>> writer(std::string_view key,
                                                         PutOptions options = {}) = 0;
    virtual Result<ObjectInfo> head(std::string_view key) const = 0;
    /// A key that is not there is removed already.
    virtual Result<void> remove(std::string_view key) = 0;
    virtual Result<ListPage> list(const ListRequest& request) const = 0;
};

/// Buckets by name.
class Buckets {
public:
    virtual ~Buckets() = default;
    /// Error: kNotFound.
    virtual Result<std::shared_ptr<Bucket>> open(std::string_view name) = 0;
    /// In order.
    virtual Result<std::vector<std::string>> names() = 0;
    /// Errors: kAlreadyExists, kInvalidArgument (no such name can be), kIo.
    virtual Result<void> create(std::string_view name) = 0;
};

/// 3 to 63 lower-case letters, digits, dots and hyphens, as S3 has it; never "..".
bool is_bucket_name(std::string_view name);

/// A bucket in a directory that exists: keys are relative paths below it. A key with an empty, "."
/// or ".." segment, a NUL byte or a '/' at an end is kInvalidArgument, and one that needs a file
/// where a directory is (or the reverse) kConflict. Links that the directory's owner laid are
/// followed, except by list() into directories. Errors: kNotFound, kIo.
Result<std::shared_ptr<Bucket>> open_directory(std::filesystem::path directory);

/// The named buckets, and for every other name the directory `root`/NAME where there is one.
class DirectoryBuckets final : public Buckets {
public:
    explicit DirectoryBuckets(std::filesystem::path root) : root_(std::move(root)) {}
    /// Before the first use by several threads.
    void add(std::string name, std::shared_ptr<Bucket> bucket);
    /// Takes the bucket out, for one owner: nobody else finds it. `makes`: a directory of `root` if
    /// it is not there. Before the first use by several threads. Errors: those of open(), create().
    Result<std::shared_ptr<Bucket>> take(const std::string& name, bool makes);
    Result<std::shared_ptr<Bucket>> open(std::string_view name) override;
    Result<std::vector<std::string>> names() override;
    Result<void> create(std::string_view name) override;

private:
    std::filesystem::path root_;
    std::map<std::string, std::shared_ptr<Bucket>, std::less<>> named_;
    std::set<std::string, std::less<>> taken_;
};

}  // namespace tandem
