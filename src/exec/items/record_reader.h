// The items of one object, whatever its format. Private to this room.
#pragma once

#include <memory>
#include <optional>

#include "exec/items/byte_window.h"
#include "exec/items/item_reader.h"
#include "exec/items/json_items.h"

namespace tandem::items {

class RecordReader {
public:
    virtual ~RecordReader() = default;
    /// `offset` 0 is the beginning; another one is where next() left the window.
    static Result<std::unique_ptr<RecordReader>> open(std::shared_ptr<Bucket> bucket,
                                                      const std::string& key,
                                                      const ItemSource& source,
                                                      std::string_view etag, uint64_t offset);
    /// nullopt: there are no more.
    virtual Result<std::optional<JsonItem>> next() = 0;
    uint64_t offset() const { return window_->offset(); }
    const std::string& etag() const { return window_->etag(); }

protected:
    explicit RecordReader(std::unique_ptr<ByteWindow> window) : window_(std::move(window)) {}
    std::unique_ptr<ByteWindow> window_;
};

}  // namespace tandem::items
