// The bytes of one object in order, as a window that moves over it; what it holds is what was
// loaded and not consumed. An object compressed by gzip is seen decompressed, and to go on in the
// middle of it is to decompress what is before. Private to this room.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "store/blob/object_store.h"

namespace tandem::items {

class ByteWindow {
public:
    virtual ~ByteWindow() = default;
    /// Begins at `offset` of the (decompressed) bytes. `etag`, if given, is what the object must
    /// still have.
    static Result<std::unique_ptr<ByteWindow>> open(std::shared_ptr<Bucket> bucket,
                                                    const std::string& key, std::string_view etag,
                                                    uint64_t offset);

    std::string_view ahead() const { return std::string_view(bytes_).substr(begin_); }
    void consume(size_t count);
    /// Of the first byte ahead.
    uint64_t offset() const { return offset_; }
    /// Nothing is behind what is ahead.
    bool at_end() const { return at_end_; }
    /// Loads more bytes, at least one unless that finds the end. Not at the end.
    virtual Result<void> more() = 0;
    const std::string& etag() const { return etag_; }

protected:
    void append(std::string_view bytes);

    std::string bytes_;
    size_t begin_ = 0;
    uint64_t offset_ = 0;
    bool at_end_ = false;
    std::string etag_;
};

}  // namespace tandem::items
