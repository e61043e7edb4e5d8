#include "exec/items/item_reader.h"

#include <charconv>

#include "base/encoding.h"
#include "exec/items/file_list.h"
#include "exec/items/record_reader.h"
#include "exec/s3/s3_calls.h"

namespace tandem {

namespace items {

namespace {

/// Where a page begins. Text: version, items before it, then hex or '-' for each of the file's
/// position, its etag and the offset in it. Without an offset it is behind that file.
struct Cursor {
    uint64_t items = 0;
    std::optional<std::string> position;
    std::string etag;
    std::optional<uint64_t> offset;
};

constexpr std::string_view kVersion = "1";

std::string print(const Cursor& cursor) {
    const std::string position = cursor.position ? "x" + hex(*cursor.position) : "-";
    return std::string(kVersion) + " " + std::to_string(cursor.items) + " " + position + " x" +
           hex(cursor.etag) + " " + (cursor.offset ? std::to_string(*cursor.offset) : "-");
}

std::optional<uint64_t> number_of(std::string_view text) {
    uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

std::optional<std::string> text_of(std::string_view coded) {
    if (!coded.starts_with('x')) return std::nullopt;
    auto text = unhex(coded.substr(1));
    return text ? std::optional<std::string>(std::move(*text)) : std::nullopt;
}

std::optional<Cursor> parse(std::string_view text) {
    std::vector<std::string_view> parts;
    for (size_t pos = 0; pos <= text.size();) {
        const size_t end = std::min(text.find(' ', pos), text.size());
        parts.push_back(text.substr(pos, end - pos));
        pos = end + 1;
    }
    if (parts.size() != 5 || parts[0] != kVersion) return std::nullopt;
    Cursor out;
    const auto items = number_of(parts[1]);
    const auto etag = text_of(parts[3]);
    if (!items || !etag) return std::nullopt;
    out.items = *items;
    out.etag = *etag;
    if (parts[2] != "-") {
        out.position = text_of(parts[2]);
        if (!out.position) return std::nullopt;
    }
    if (parts[4] != "-") {
        out.offset = number_of(parts[4]);
        if (!out.offset || !out.position) return std::nullopt;
    }
    return out;
}

/// Counts what a page may still take.
class PageRoom {
public:
    PageRoom(size_t items, size_t bytes) : items_(items), bytes_(bytes) {}
    bool is_full(const ItemPage& page) const {
        return page.items.size() >= items_ || (!page.items.empty() && used_ >= bytes_);
    }
    void add(ItemPage& page, JsonItem item) {
        used_ += item.bytes;
        page.items.push_back(std::move(item.value));
    }

private:
    size_t items_;
    size_t bytes_;
    size_t used_ = 0;
};

class FileItems final : public ItemReader {
public:
    FileItems(Buckets& buckets, ItemSource source, std::unique_ptr<FileList> files, Cursor cursor)
        : buckets_(buckets),
          source_(std::move(source)),
          files_(std::move(files)),
          cursor_(std::move(cursor)),
          begin_(cursor_) {}

    /// A file that a page ended in must still be there.
    Result<void> resume() {
        if (!cursor_.offset) return {};
        const auto file = files_->at(*cursor_.position);
        if (!file) return tl::unexpected<Error>(file.error());
        return open_file(*file, cursor_.etag, *cursor_.offset);
    }

    Result<ItemPage> next(size_t max_items, size_t max_bytes) override {
        ItemPage page;
        PageRoom room(max_items, max_bytes);
        if (!records_) {
            if (auto ok = resume(); !ok) return retry(ok.error());
        }
        while (!page.is_last && !room.is_full(page)) {
            page.is_last = cursor_.items >= source_.max_items;
            if (page.is_last) break;
            if (!records_) {
                const auto file = files_->after(cursor_.position);
                if (!file) return retry(file.error());
                page.is_last = !*file;
                if (page.is_last) break;
                if (auto ok = open_file(**file, {}, 0); !ok) return retry(ok.error());
            }
            auto item = records_->next();
            if (!item) return retry(item.error());
            if (!*item) {
                records_.reset();
                cursor_.etag.clear();
                cursor_.offset.reset();
                continue;
            }
            room.add(page, std::move(**item));
            ++cursor_.items;
            cursor_.offset = records_->offset();
        }
        page.is_last = page.is_last || cursor_.items >= source_.max_items;
        page.cursor = print(cursor_);
        begin_ = cursor_;
        return page;
    }

private:
    Result<void> open_file(const FileRef& file, std::string_view etag, uint64_t offset) {
        auto bucket = open_bucket(buckets_, file.bucket);
        if (!bucket) return tl::unexpected<Error>(bucket.error());
        auto opened = RecordReader::open(std::move(*bucket), file.key, source_, etag, offset);
        if (!opened) return tl::unexpected<Error>(opened.error());
        records_ = std::move(*opened);
        cursor_.position = file.position;
        cursor_.etag = records_->etag();
        return {};
    }

    /// The next call is for the same page again.
    tl::unexpected<Error> retry(Error error) {
        records_.reset();
        cursor_ = begin_;
        return tl::unexpected<Error>(std::move(error));
    }

    Buckets& buckets_;
    ItemSource source_;
    std::unique_ptr<FileList> files_;
    std::unique_ptr<RecordReader> records_;
    Cursor cursor_;
    Cursor begin_;  // of the page that is being read
};

/// The objects themselves.
class ListingItems final : public ItemReader {
public:
    ListingItems(std::shared_ptr<Bucket> bucket, ItemSource source, Cursor cursor)
        : bucket_(std::move(bucket)), source_(std::move(source)), cursor_(std::move(cursor)) {}

    Result<ItemPage> next(size_t max_items, size_t max_bytes) override {
        ItemPage page;
        PageRoom room(max_items, max_bytes);
        while (!room.is_full(page)) {
            page.is_last = cursor_.items >= source_.max_items;
            if (page.is_last) break;
            if (next_ == listed_.objects.size()) {
                auto more =
                    bucket_->list({.prefix = source_.key,
                                   .delimiter = {},
                                   .after = cursor_.position.value_or(source_.start_after)});
                if (!more) return fail(more.error().code, s3_bucket_cause(more.error()));
                listed_ = std::move(*more);
                next_ = 0;
                page.is_last = listed_.objects.empty();
                if (page.is_last) break;
            }
            const ObjectInfo& object = listed_.objects[next_++];
            room.add(page, described(object));
            ++cursor_.items;
            cursor_.position = object.key;
        }
        page.is_last = page.is_last || cursor_.items >= source_.max_items;
        page.cursor = print(cursor_);
        return page;
    }

private:
    static JsonItem described(const ObjectInfo& object) {
        constexpr size_t kOtherBytes = 120;  // names, numbers and punctuation
        JsonItem item;
        item.value = json::Value::object({{"Etag", "\"" + object.etag + "\""},
                                          {"LastModified", to_micros(object.modified) / 1'000'000},
                                          {"Key", object.key},
                                          {"Size", object.size},
                                          {"StorageClass", "STANDARD"}});
        item.bytes = kOtherBytes + object.key.size() + object.etag.size();
        return item;
    }

    std::shared_ptr<Bucket> bucket_;
    ItemSource source_;
    Cursor cursor_;
    ListPage listed_;
    size_t next_ = 0;
};

}  // namespace

}  // namespace items

Result<std::unique_ptr<ItemReader>> ItemReader::open(Buckets& buckets, ItemSource source,
                                                     std::string_view cursor) {
    items::Cursor from;
    if (!cursor.empty()) {
        auto parsed = items::parse(cursor);
        if (!parsed) return fail(ErrorCode::kInvalidArgument, "The cursor is none of these items.");
        from = std::move(*parsed);
    }
    if (source.format == ItemFormat::kListing) {
        auto bucket = items::open_bucket(buckets, source.bucket);
        if (!bucket) return tl::unexpected<Error>(bucket.error());
        return std::unique_ptr<ItemReader>(std::make_unique<items::ListingItems>(
            std::move(*bucket), std::move(source), std::move(from)));
    }
    auto files = items::FileList::open(buckets, source);
    if (!files) return tl::unexpected<Error>(files.error());
    auto reader = std::make_unique<items::FileItems>(buckets, std::move(source), std::move(*files),
                                                     std::move(from));
    if (auto resumed = reader->resume(); !resumed) return tl::unexpected<Error>(resumed.error());
    return std::unique_ptr<ItemReader>(std::move(reader));
}

Result<ItemPage> read_items(Buckets& buckets, const ItemSource& source, std::string_view cursor,
                            size_t max_items, size_t max_bytes) {
    auto reader = ItemReader::open(buckets, source, cursor);
    if (!reader) return tl::unexpected<Error>(reader.error());
    return (*reader)->next(max_items, max_bytes);
}

}  // namespace tandem
