#include "exec/items/byte_window.h"

#include <zlib.h>

#include "base/check.h"
#include "exec/items/item_reader.h"
#include "exec/s3/s3_calls.h"

namespace tandem::items {

namespace {

constexpr std::string_view kGzipMagic("\x1f\x8b", 2);
constexpr int kAnyGzip = 15 + 16;  // zlib: the largest window, gzip's header

tl::unexpected<Error> object_error(const Error& error) {
    return fail(error.code, s3_object_cause(error));
}

tl::unexpected<Error> changed() {
    return fail(ErrorCode::kConflict, "The object changed while its items were read.");
}

/// Reads an object block by block, all of the same version.
class Blocks {
public:
    Blocks(std::shared_ptr<Bucket> bucket, ObjectInfo object, uint64_t offset)
        : bucket_(std::move(bucket)), object_(std::move(object)), next_(offset) {}

    /// Not at the end.
    Result<std::string> read() {
        auto got = bucket_->get(object_.key, {next_, kItemBlockBytes});
        // What was cut off behind the cursor is a change as well.
        if (!got && got.error().code == ErrorCode::kInvalidArgument) return changed();
        if (!got) return object_error(got.error());
        if (got->info.etag != object_.etag || got->bytes.empty()) return changed();
        next_ += got->bytes.size();
        return std::move(got->bytes);
    }
    bool at_end() const { return next_ >= object_.size; }

private:
    std::shared_ptr<Bucket> bucket_;
    ObjectInfo object_;
    uint64_t next_;
};

class PlainWindow final : public ByteWindow {
public:
    PlainWindow(Blocks blocks, uint64_t offset) : blocks_(std::move(blocks)) {
        offset_ = offset;
        at_end_ = blocks_.at_end();
    }

    Result<void> more() override {
        const auto block = blocks_.read();
        if (!block) return tl::unexpected<Error>(block.error());
        append(*block);
        at_end_ = blocks_.at_end();
        return {};
    }

private:
    Blocks blocks_;
};

class GzipWindow final : public ByteWindow {
public:
    explicit GzipWindow(Blocks blocks) : blocks_(std::move(blocks)) {
        CHECK(::inflateInit2(&stream_, kAnyGzip) == Z_OK);
    }
    ~GzipWindow() override { ::inflateEnd(&stream_); }
    GzipWindow(const GzipWindow&) = delete;
    GzipWindow& operator=(const GzipWindow&) = delete;

    /// Decompresses and drops what is before `offset`.
    Result<void> skip_to(uint64_t offset) {
        while (offset_ < offset) {
            if (ahead().empty() && at_end_) return changed();
            if (ahead().empty()) {
                if (auto ok = more(); !ok) return ok;
            }
            consume(size_t(std::min<uint64_t>(ahead().size(), offset - offset_)));
        }
        return {};
    }

    Result<void> more() override {
        std::string out(kItemBlockBytes, '\0');
        size_t made = 0;
        while (made == 0 && !at_end_) {
            if (used_ == input_.size() && !blocks_.at_end()) {
                auto block = blocks_.read();
                if (!block) return tl::unexpected<Error>(block.error());
                input_ = std::move(*block);
                used_ = 0;
            }
            const bool dry = used_ == input_.size();
            if (dry && between_members_) {
                at_end_ = true;
                break;
            }
            if (dry) return fail(ErrorCode::kInvalidArgument, "The gzip data ends too soon.");
            auto inflated = inflate_into(out);
            if (!inflated) return tl::unexpected<Error>(inflated.error());
            made = *inflated;
        }
        out.resize(made);
        append(out);
        return {};
    }

private:
    Result<size_t> inflate_into(std::string& out) {
        // Members of one file follow each other, as `cat a.gz b.gz` makes them.
        if (between_members_) ::inflateReset(&stream_);
        between_members_ = false;
        stream_.next_in = reinterpret_cast<Bytef*>(input_.data() + used_);
        stream_.avail_in = uInt(input_.size() - used_);
        stream_.next_out = reinterpret_cast<Bytef*>(out.data());
        stream_.avail_out = uInt(out.size());
        const int status = ::inflate(&stream_, Z_NO_FLUSH);
        used_ = input_.size() - stream_.avail_in;
        if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR)
            return fail(ErrorCode::kInvalidArgument, "The gzip data cannot be decompressed.");
        between_members_ = status == Z_STREAM_END;
        return out.size() - stream_.avail_out;
    }

    Blocks blocks_;
    std::string input_;  // compressed
    size_t used_ = 0;    // of input_
    bool between_members_ = false;
    z_stream stream_{};
};

}  // namespace

void ByteWindow::consume(size_t count) {
    CHECK(count <= bytes_.size() - begin_);
    begin_ += count;
    offset_ += count;
}

void ByteWindow::append(std::string_view bytes) {
    bytes_.erase(0, begin_);
    begin_ = 0;
    bytes_ += bytes;
}

Result<std::unique_ptr<ByteWindow>> ByteWindow::open(std::shared_ptr<Bucket> bucket,
                                                     const std::string& key, std::string_view etag,
                                                     uint64_t offset) {
    const auto magic = bucket->get(key, {0, kGzipMagic.size()});
    if (!magic) return object_error(magic.error());
    const ObjectInfo& object = magic->info;
    if (!etag.empty() && object.etag != etag) return changed();
    std::unique_ptr<ByteWindow> window;
    if (magic->bytes == kGzipMagic) {
        auto unpacked = std::make_unique<GzipWindow>(Blocks(std::move(bucket), object, 0));
        if (auto ok = unpacked->skip_to(offset); !ok) return tl::unexpected<Error>(ok.error());
        window = std::move(unpacked);
    } else {
        if (offset > object.size) return changed();
        window = std::make_unique<PlainWindow>(Blocks(std::move(bucket), object, offset), offset);
    }
    window->etag_ = object.etag;
    return window;
}

}  // namespace tandem::items
