#include <charconv>

#include "exec/items/item_reader.h"

namespace tandem {

namespace {

constexpr size_t kCsvHeaders = 10'000;  // given in a definition

tl::unexpected<Error> wrong(std::string message) {
    return fail(ErrorCode::kInvalidArgument, std::move(message));
}

Result<std::string> text_in(const json::Value& object, std::string_view name) {
    const json::Value* value = object.find(name);
    if (value == nullptr || !value->is_string())
        return wrong("The field '" + std::string(name) + "' of the ItemReader must be a string.");
    return value->as_string();
}

std::optional<char> delimiter_of(std::string_view name) {
    if (name == "COMMA") return ',';
    if (name == "PIPE") return '|';
    if (name == "SEMICOLON") return ';';
    if (name == "SPACE") return ' ';
    if (name == "TAB") return '\t';
    return std::nullopt;
}

std::optional<ItemFormat> format_of(std::string_view name) {
    if (name == "JSON") return ItemFormat::kJson;
    if (name == "JSONL") return ItemFormat::kJsonLines;
    if (name == "CSV") return ItemFormat::kCsv;
    return std::nullopt;
}

/// A number, or one as text: MaxItemsPath may lead to either. 0 is no limit.
Result<void> read_max_items(const json::Value& config, ItemSource& source) {
    const json::Value* value = config.find("MaxItems");
    if (value == nullptr || value->is_null()) return {};
    std::optional<int64_t> number;
    if (value->is_int()) number = value->as_int();
    if (value->is_string()) {
        const std::string& text = value->as_string();
        int64_t parsed = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), parsed);
        if (error == std::errc() && end == text.data() + text.size()) number = parsed;
    }
    if (!number || *number < 0)
        return wrong("The field 'MaxItems' of the ItemReader must be a positive integer.");
    if (*number > 0) source.max_items = std::min(uint64_t(*number), kMapItems);
    return {};
}

Result<void> read_csv(const json::Value& config, ItemSource& source) {
    const std::string_view delimiter = config.string_or("CSVDelimiter", "COMMA");
    const auto character = delimiter_of(delimiter);
    if (!character)
        return wrong("The field 'CSVDelimiter' of the ItemReader has the unknown value '" +
                     std::string(delimiter) + "'.");
    source.delimiter = *character;
    const std::string_view location = config.string_or("CSVHeaderLocation", "FIRST_ROW");
    if (location == "FIRST_ROW") return {};
    if (location != "GIVEN")
        return wrong("The field 'CSVHeaderLocation' of the ItemReader has the unknown value '" +
                     std::string(location) + "'.");
    const json::Value* headers = config.find("CSVHeaders");
    if (headers == nullptr || !headers->is_array() || headers->as_array().empty() ||
        headers->as_array().size() > kCsvHeaders)
        return wrong("The field 'CSVHeaders' of the ItemReader must be an array of strings.");
    source.headers.emplace();
    for (const json::Value& header : headers->as_array()) {
        if (!header.is_string())
            return wrong("The field 'CSVHeaders' of the ItemReader must be an array of strings.");
        source.headers->push_back(header.as_string());
    }
    return {};
}

/// "InputType" and what goes with it, of objects with items.
Result<void> read_format(const json::Value& config, ItemSource& source) {
    std::string_view type = config.string_or("InputType", "");
    const std::string_view manifest = config.string_or("ManifestType", "");
    if (manifest == "ATHENA_DATA") source.files = ItemFiles::kAthenaManifest;
    if (type == "MANIFEST" || manifest == "S3_INVENTORY") {
        source.files = ItemFiles::kInventory;
        type = "CSV";
    }
    if (type == "PARQUET")
        return fail(ErrorCode::kUnsupported, "Items in Parquet files cannot be read.");
    const auto format = format_of(type);
    if (!format)
        return wrong("The field 'InputType' of the ItemReader has the unknown value '" +
                     std::string(type) + "'.");
    source.format = *format;
    source.pointer = config.string_or("ItemsPointer", "");
    if (!source.pointer.empty() &&
        (source.format != ItemFormat::kJson || source.pointer.front() != '/'))
        return wrong("The field 'ItemsPointer' of the ItemReader must be a JSON pointer.");
    if (source.format != ItemFormat::kCsv) return {};
    if (source.files == ItemFiles::kInventory) return {};  // its manifest names the columns
    return read_csv(config, source);
}

}  // namespace

Result<ItemSource> item_source(std::string_view resource, const json::Value& arguments,
                               const json::Value& config) {
    ItemSource source;
    auto bucket = text_in(arguments, "Bucket");
    if (!bucket) return tl::unexpected<Error>(bucket.error());
    source.bucket = std::move(*bucket);
    if (arguments.find("VersionId") != nullptr)
        return fail(ErrorCode::kUnsupported, "Buckets here have no versions.");
    if (auto ok = read_max_items(config, source); !ok) return tl::unexpected<Error>(ok.error());
    const std::string_view action = resource.substr(resource.rfind(':') + 1);
    if (action == "listObjectsV2") {
        source.key = arguments.string_or("Prefix", "");
        source.start_after = arguments.string_or("StartAfter", "");
        source.files = ItemFiles::kPrefix;
        source.format = ItemFormat::kListing;
        if (config.string_or("Transformation", "NONE") == "NONE") return source;
        // LOAD_AND_FLATTEN: the items are in the objects.
        if (auto ok = read_format(config, source); !ok) return tl::unexpected<Error>(ok.error());
        return source;
    }
    if (action != "getObject")
        return wrong("The ItemReader's resource '" + std::string(resource) + "' reads no items.");
    auto key = text_in(arguments, "Key");
    if (!key) return tl::unexpected<Error>(key.error());
    source.key = std::move(*key);
    if (auto ok = read_format(config, source); !ok) return tl::unexpected<Error>(ok.error());
    return source;
}

}  // namespace tandem
