#include "exec/items/file_list.h"

#include <charconv>

#include "base/encoding.h"
#include "exec/items/csv.h"
#include "exec/s3/s3_calls.h"

namespace tandem::items {

namespace {

constexpr size_t kManifestValues = 1'000'000;

tl::unexpected<Error> bad_manifest(std::string_view what) {
    return fail(ErrorCode::kInvalidArgument,
                "The manifest cannot be read: " + std::string(what) + ".");
}

tl::unexpected<Error> bad_position() {
    return fail(ErrorCode::kInvalidArgument, "The cursor is none of these items.");
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

/// The files of a manifest, or the one that needs none.
class FixedList final : public FileList {
public:
    explicit FixedList(std::vector<FileRef> files) : files_(std::move(files)) {
        for (size_t i = 0; i < files_.size(); ++i) files_[i].position = std::to_string(i);
    }

    Result<std::optional<FileRef>> after(const std::optional<std::string>& position) override {
        size_t index = 0;
        if (position) {
            const auto known = index_of(*position);
            if (!known) return bad_position();
            index = *known + 1;
        }
        if (index == files_.size()) return std::optional<FileRef>();
        return std::optional<FileRef>(files_[index]);
    }

    Result<FileRef> at(const std::string& position) override {
        const auto index = index_of(position);
        if (!index) return bad_position();
        return files_[*index];
    }

private:
    std::optional<size_t> index_of(const std::string& position) const {
        size_t index = 0;
        const char* const end = position.data() + position.size();
        const auto [stop, error] = std::from_chars(position.data(), end, index);
        if (error != std::errc() || stop != end || index >= files_.size()) return std::nullopt;
        return index;
    }

    std::vector<FileRef> files_;
};

/// Every object below a prefix; its position is its key.
class PrefixList final : public FileList {
public:
    PrefixList(std::shared_ptr<Bucket> bucket, const ItemSource& source)
        : bucket_(std::move(bucket)),
          name_(source.bucket),
          prefix_(source.key),
          start_after_(source.start_after) {}

    Result<std::optional<FileRef>> after(const std::optional<std::string>& position) override {
        const std::string& from = position ? *position : start_after_;
        if (next_ == page_.objects.size() || listed_from_ != from) {
            auto page = bucket_->list({.prefix = prefix_, .delimiter = {}, .after = from});
            if (!page) return fail(page.error().code, s3_bucket_cause(page.error()));
            page_ = std::move(*page);
            next_ = 0;
        }
        if (next_ == page_.objects.size()) return std::optional<FileRef>();
        const std::string& key = page_.objects[next_++].key;
        listed_from_ = key;
        return std::optional<FileRef>(FileRef{name_, key, key});
    }

    Result<FileRef> at(const std::string& position) override {
        if (!position.starts_with(prefix_)) return bad_position();
        return FileRef{name_, position, position};
    }

private:
    std::shared_ptr<Bucket> bucket_;
    std::string name_;
    std::string prefix_;
    std::string start_after_;
    ListPage page_;
    size_t next_ = 0;
    std::string listed_from_;  // the key before page_.objects[next_]
};

}  // namespace

Result<std::shared_ptr<Bucket>> open_bucket(Buckets& buckets, std::string_view name) {
    auto bucket = buckets.open(name);
    if (!bucket) return fail(bucket.error().code, s3_bucket_cause(bucket.error()));
    return bucket;
}

Result<Manifest> read_inventory(std::string_view text) {
    json::SyntaxError where;
    const auto document = json::parse(text, {.max_values = kManifestValues}, &where);
    if (!document) return bad_manifest(where.message + " at byte " + std::to_string(where.offset));
    if (document->string_or("fileFormat", "") != "CSV")
        return fail(ErrorCode::kUnsupported, "Only an inventory in CSV can be read.");
    constexpr std::string_view kArn = ":s3:::";
    std::string_view bucket = document->string_or("destinationBucket", "");
    if (const size_t at = bucket.find(kArn); at != bucket.npos)
        bucket.remove_prefix(at + kArn.size());
    if (bucket.empty()) return bad_manifest("it lacks 'destinationBucket'");
    Manifest out;
    std::string_view schema = document->string_or("fileSchema", "");
    while (!schema.empty()) {
        const size_t comma = std::min(schema.find(','), schema.size());
        out.headers.emplace_back(trimmed(schema.substr(0, comma)));
        schema.remove_prefix(std::min(comma + 1, schema.size()));
    }
    if (out.headers.empty()) return bad_manifest("it lacks 'fileSchema'");
    const json::Value* files = document->find("files");
    if (files == nullptr || !files->is_array()) return bad_manifest("it lacks 'files'");
    for (const json::Value& file : files->as_array()) {
        const std::string_view key = file.string_or("key", "");
        if (key.empty()) return bad_manifest("a file lacks its 'key'");
        out.files.push_back({std::string(bucket), std::string(key), {}});
    }
    return out;
}

Result<Manifest> read_athena_manifest(std::string_view text) {
    constexpr std::string_view kScheme = "s3://";
    Manifest out;
    while (!text.empty()) {
        const auto row = read_csv_row(text, true, ',');
        if (!row) return bad_manifest(row.error().message);
        text.remove_prefix(row->length);
        if (row->is_blank()) continue;
        const std::string_view address = trimmed(row->fields[0]);
        const size_t slash =
            address.starts_with(kScheme) ? address.find('/', kScheme.size()) : address.npos;
        if (slash == address.npos || slash == kScheme.size() || slash + 1 == address.size())
            return bad_manifest("a line is no s3://bucket/key");
        out.files.push_back({std::string(address.substr(kScheme.size(), slash - kScheme.size())),
                             std::string(address.substr(slash + 1)),
                             {}});
    }
    return out;
}

Result<std::unique_ptr<FileList>> FileList::open(Buckets& buckets, ItemSource& source) {
    auto bucket = open_bucket(buckets, source.bucket);
    if (!bucket) return tl::unexpected<Error>(bucket.error());
    if (source.files == ItemFiles::kPrefix)
        return std::unique_ptr<FileList>(std::make_unique<PrefixList>(std::move(*bucket), source));
    if (source.files == ItemFiles::kOne) {
        std::vector<FileRef> files = {{source.bucket, source.key, {}}};
        return std::unique_ptr<FileList>(std::make_unique<FixedList>(std::move(files)));
    }
    const auto text = (*bucket)->get(source.key, {0, kItemManifestBytes + 1});
    if (!text) return fail(text.error().code, s3_object_cause(text.error()));
    if (text->bytes.size() > kItemManifestBytes)
        return fail(ErrorCode::kTooLarge, "The manifest is larger than " +
                                              std::to_string(kItemManifestBytes) + " bytes.");
    auto manifest = source.files == ItemFiles::kInventory ? read_inventory(text->bytes)
                                                          : read_athena_manifest(text->bytes);
    if (!manifest) return tl::unexpected<Error>(manifest.error());
    if (source.files == ItemFiles::kInventory) source.headers = std::move(manifest->headers);
    return std::unique_ptr<FileList>(std::make_unique<FixedList>(std::move(manifest->files)));
}

}  // namespace tandem::items
