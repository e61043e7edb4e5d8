// Items of a Distributed Map, read from a bucket page by page: memory is bounded by a page, one
// block and one item, however large the data. A cursor is where the next page begins, as text; a
// new reader goes on from it, on another day or in another process, as long as the object is the
// same. Calls block; a reader belongs to one thread at a time. Knows nothing of states.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "json/value.h"
#include "store/blob/object_store.h"

namespace tandem {

// Fixed by Step Functions.
constexpr uint64_t kMapItems = 100'000'000;      // of one map; a MaxItems is no larger
constexpr size_t kItemBytes = 10 * 1024 * 1024;  // of one item in its object
constexpr size_t kCsvHeaderBytes = 10 * 1024;    // of the header row
// Ours.
constexpr size_t kItemBlockBytes = 1024 * 1024;          // read at a time
constexpr size_t kItemManifestBytes = 32 * 1024 * 1024;  // of a manifest: it is held whole

enum class ItemFormat {
    kJson,       // an array
    kJsonLines,  // a value a line
    kCsv,        // a row a line, all fields text
    kListing,    // the objects themselves, as s3:listObjectsV2 names them
};

/// Where the objects with items are named.
enum class ItemFiles {
    kOne,             // `key` is the object
    kInventory,       // `key` is manifest.json of an S3 inventory in CSV
    kAthenaManifest,  // `key` lists objects, "s3://bucket/key" a line
    kPrefix,          // every object below the prefix `key`
};

struct ItemSource {
    ItemFormat format = ItemFormat::kJson;
    ItemFiles files = ItemFiles::kOne;
    std::string bucket;
    std::string key;          // or the prefix
    std::string start_after;  // of a listing
    std::string pointer;      // RFC 6901, to the array in the JSON document; "" is the whole
    char delimiter = ',';
    std::optional<std::vector<std::string>> headers;  // of CSV; nullopt: the first row
    uint64_t max_items = kMapItems;
};

/// `resource` is "arn:aws:states:::s3:getObject" or "...:s3:listObjectsV2"; `arguments` are its
/// Parameters or Arguments, and `config` is ReaderConfig (null: none), all evaluated: no paths.
/// Error: kInvalidArgument, kUnsupported.
Result<ItemSource> item_source(std::string_view resource, const json::Value& arguments,
                               const json::Value& config);

struct ItemPage {
    std::vector<json::Value> items;
    std::string cursor;    // where the page after this one begins
    bool is_last = false;  // nothing is behind; another last page may be empty
};

/// Messages of errors are causes of States.ItemReaderFailed. kUnavailable, kTimeout and kIo may
/// pass: the same page can be asked for again.
class ItemReader {
public:
    virtual ~ItemReader() = default;
    /// An empty cursor is the beginning. `buckets` outlives the reader.
    static Result<std::unique_ptr<ItemReader>> open(Buckets& buckets, ItemSource source,
                                                    std::string_view cursor = {});
    /// At most `max_items`, and no more once they are `max_bytes` of JSON, about; one at least,
    /// where there is one.
    virtual Result<ItemPage> next(size_t max_items, size_t max_bytes) = 0;
};

/// One page, by a reader of its own.
Result<ItemPage> read_items(Buckets& buckets, const ItemSource& source, std::string_view cursor,
                            size_t max_items, size_t max_bytes);

}  // namespace tandem
