// Foreign bytes as the object that a Distributed Map reads its items from, in every format (the
// first byte) and also as a manifest that names other objects: no crash, bounded pages, and the
// same items whether they come in one page or in many, each by a reader of its own.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "exec/items/item_reader.h"

namespace {

using namespace tandem;

constexpr size_t kPagesMax = 64;

/// Has the same bytes under every key.
class OneObject final : public Bucket {
public:
    explicit OneObject(std::string_view bytes) : bytes_(bytes) {}
    Result<ObjectBytes> get(std::string_view key, ByteRange range) const override {
        const bool is_behind =
            range.first >= bytes_.size() && !(bytes_.empty() && range.first == 0);
        if (is_behind) return fail(ErrorCode::kInvalidArgument, "the range is behind the end");
        return ObjectBytes{info(key), std::string(bytes_.substr(range.first, range.length))};
    }
    Result<ObjectInfo> put(std::string_view, std::string_view, PutOptions) override {
        return fail(ErrorCode::kIo, "it is read only");
    }
    Result<std::unique_ptr<ObjectWriter>> writer(std::string_view, PutOptions) override {
        return fail(ErrorCode::kIo, "it is read only");
    }
    Result<ObjectInfo> head(std::string_view key) const override { return info(key); }
    Result<void> remove(std::string_view) override { return {}; }
    Result<ListPage> list(const ListRequest& request) const override {
        ListPage page;
        for (const char* key : {"a", "b"}) {
            if (request.after < key) page.objects.push_back(info(key));
        }
        return page;
    }

private:
    ObjectInfo info(std::string_view key) const {
        ObjectInfo out;
        out.key = key;
        out.etag = "e";
        out.size = bytes_.size();
        return out;
    }
    std::string_view bytes_;
};

class OneBucket final : public Buckets {
public:
    explicit OneBucket(std::string_view bytes) : bucket_(std::make_shared<OneObject>(bytes)) {}
    Result<std::shared_ptr<Bucket>> open(std::string_view) override {
        return std::shared_ptr<Bucket>(bucket_);
    }
    Result<std::vector<std::string>> names() override { return std::vector<std::string>{"b"}; }
    Result<void> create(std::string_view) override { return fail(ErrorCode::kIo, "no"); }

private:
    std::shared_ptr<OneObject> bucket_;
};

/// All items as text, or nothing where they cannot be read or are very many.
std::optional<std::string> read(Buckets& buckets, const ItemSource& source, size_t page_items) {
    std::string all, cursor;
    for (size_t pages = 0; pages < kPagesMax; ++pages) {
        const auto page = read_items(buckets, source, cursor, page_items, 1 << 20);
        if (!page) {
            if (page.error().message.empty()) std::abort();
            return std::nullopt;
        }
        if (page->items.size() > page_items) std::abort();
        if (page->items.empty() && !page->is_last) std::abort();
        for (const json::Value& item : page->items) all += json::print(item) + "\n";
        if (page->is_last) return all;
        cursor = page->cursor;
    }
    return std::nullopt;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size < 2) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
    ItemSource source;
    source.bucket = source.key = "b";
    source.format = ItemFormat(data[0] % 3);
    source.files = ItemFiles(data[0] / 3 % 4);
    if (data[0] >= 128) source.pointer = "/a/0";
    if (data[0] >= 64) source.headers = std::vector<std::string>{"x", "y"};
    source.max_items = 300;
    OneBucket buckets(bytes);
    const auto whole = read(buckets, source, 1'000);
    const auto paged = read(buckets, source, data[1] % 7 + 5);
    if (whole && paged && *whole != *paged) std::abort();
    // A cursor is no secret: it may come back as anything.
    (void)read_items(buckets, source, bytes.substr(0, 100), 3, 1'000);
    return 0;
}
