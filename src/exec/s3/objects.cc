#include <algorithm>
#include <charconv>

#include "base/encoding.h"
#include "exec/s3/actions.h"

namespace tandem::s3 {

namespace {

constexpr std::string_view kContentType = "binary/octet-stream";  // of an object that has none
constexpr uint64_t kCopyBytes = 8ull * 1024 * 1024;               // moved at a time
constexpr size_t kDeleteKeys = 1'000;                             // of one deleteObjects

std::optional<uint64_t> number_of(std::string_view digits) {
    uint64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
    return value;
}

/// "bytes=FIRST-LAST", "bytes=FIRST-" or "bytes=-LENGTH" of an object of `size` bytes. Whatever
/// else it is, S3 answers with the whole object. An empty range: it cannot be satisfied.
std::optional<ByteRange> read_range(std::string_view text, uint64_t size) {
    constexpr std::string_view kUnit = "bytes=";
    if (!text.starts_with(kUnit)) return std::nullopt;
    text.remove_prefix(kUnit.size());
    const size_t dash = text.find('-');
    if (dash == text.npos) return std::nullopt;
    const std::string_view from = text.substr(0, dash);
    const std::string_view to = text.substr(dash + 1);
    if (from.empty()) {
        const auto length = number_of(to);
        if (!length) return std::nullopt;
        const uint64_t taken = std::min(*length, size);
        return ByteRange{size - taken, taken};
    }
    const auto first = number_of(from);
    if (!first) return std::nullopt;
    if (*first >= size) return ByteRange{0, 0};
    if (to.empty()) return ByteRange{*first, size - *first};
    const auto last = number_of(to);
    if (!last || *last < *first) return std::nullopt;
    return ByteRange{*first, std::min(*last, size - 1) - *first + 1};
}

json::Value described(const ObjectInfo& info, uint64_t length) {
    return json::Value::object(
        {{"AcceptRanges", "bytes"},
         {"ContentLength", length},
         {"ContentType", info.content_type.empty() ? std::string(kContentType) : info.content_type},
         {"ETag", in_quotes(info.etag)},
         {"LastModified", date_of(info.modified)},
         {"Metadata", json::Value::object()}});
}

ServiceAnswer too_large() {
    ServiceAnswer out;
    out.error = "States.DataLimitExceeded";
    out.cause =
        "The state/task 'aws-sdk:s3' returned a result with a size exceeding the maximum number of "
        "bytes service limit.";
    return out;
}

/// Text is written as it is; anything else as compact JSON.
std::string body_of(const Call& call) {
    const json::Value* body = call.parameters.find("Body");
    if (body == nullptr || body->is_null()) return {};
    return body->is_string() ? body->as_string() : json::print(*body);
}

struct CopySource {
    std::string bucket;
    std::string key;
};

/// "bucket/key" or "/bucket/key", percent-encoded.
std::optional<CopySource> read_source(std::string_view text) {
    if (text.starts_with('/')) text.remove_prefix(1);
    if (text.find("?versionId=") != text.npos) return std::nullopt;
    const auto decoded = percent_decode(text);
    if (!decoded) return std::nullopt;
    const size_t slash = decoded->find('/');
    if (slash == std::string::npos || slash + 1 == decoded->size()) return std::nullopt;
    return CopySource{decoded->substr(0, slash), decoded->substr(slash + 1)};
}

/// In pieces: objects are larger than memory.
Result<ObjectInfo> copy(const Bucket& from, const std::string& key, const ObjectInfo& source,
                        Bucket& to, std::string_view target, std::string_view content_type) {
    PutOptions options;
    options.content_type = content_type.empty() ? source.content_type : std::string(content_type);
    auto writer = to.writer(target, options);
    if (!writer) return tl::unexpected<Error>(writer.error());
    for (uint64_t done = 0; done < source.size; done += kCopyBytes) {
        const auto piece = from.get(key, {done, std::min(kCopyBytes, source.size - done)});
        if (!piece) return tl::unexpected<Error>(piece.error());
        if (piece->info.etag != source.etag)
            return fail(ErrorCode::kConflict, "the source changed meanwhile");
        if (auto written = (*writer)->write(piece->bytes); !written)
            return tl::unexpected<Error>(written.error());
    }
    return (*writer)->finish();
}

}  // namespace

ServiceAnswer get_object(const Call& call) {
    const auto bucket = call.bucket();
    if (!bucket) return no_bucket(bucket.error());
    ByteRange wanted{0, call.limits.body_bytes + 1};
    std::optional<ByteRange> range;
    if (call.has("Range")) {
        const auto info = (*bucket)->head(call.text("Key"));
        if (!info) return no_object(info.error());
        range = read_range(call.text("Range"), info->size);
        if (range && range->length == 0)
            return s3_error("S3Exception", "The requested range is not satisfiable", 416);
        if (range) wanted = *range;
    }
    if (range && range->length > call.limits.body_bytes) return too_large();
    const auto got = (*bucket)->get(call.text("Key"), wanted);
    if (!got) return no_object(got.error());
    if (got->bytes.size() > call.limits.body_bytes) return too_large();
    json::Value output = described(got->info, got->bytes.size());
    if (range)
        output.set("ContentRange", "bytes " + std::to_string(wanted.first) + "-" +
                                       std::to_string(wanted.first + wanted.length - 1) + "/" +
                                       std::to_string(got->info.size));
    output.set("Body", to_valid_utf8(got->bytes));
    return answer(std::move(output));
}

ServiceAnswer head_object(const Call& call) {
    // A HEAD's answer has no body, so that the SDK knows no text for the error.
    const ServiceAnswer none = s3_error("NoSuchKeyException", "null", 404);
    const auto bucket = call.bucket();
    if (!bucket)
        return bucket.error().code == ErrorCode::kNotFound ? none : no_bucket(bucket.error());
    const auto info = (*bucket)->head(call.text("Key"));
    if (!info) return info.error().code == ErrorCode::kNotFound ? none : no_object(info.error());
    return answer(described(*info, info->size));
}

ServiceAnswer put_object(const Call& call) {
    const auto bucket = call.bucket();
    if (!bucket) return no_bucket(bucket.error());
    PutOptions options;
    options.content_type = call.text("ContentType");
    if (call.has("IfNoneMatch")) {
        if (call.text("IfNoneMatch") != "*")
            return s3_error("S3Exception",
                            "A header you provided implies functionality that is not implemented",
                            501);
        options.only_if_absent = true;
    }
    const auto info = (*bucket)->put(call.text("Key"), body_of(call), options);
    if (!info && info.error().code == ErrorCode::kAlreadyExists)
        return s3_error("S3Exception",
                        "At least one of the pre-conditions you specified did not hold", 412);
    if (!info) return no_object(info.error());
    return answer(json::Value::object({{"ETag", in_quotes(info->etag)}}));
}

ServiceAnswer copy_object(const Call& call) {
    const auto source = read_source(call.text("CopySource"));
    if (!source) return s3_error("S3Exception", "Invalid copy source object key", 400);
    const auto from = call.buckets.open(source->bucket);
    if (!from) return no_bucket(from.error());
    const auto to = call.bucket();
    if (!to) return no_bucket(to.error());
    const auto info = (*from)->head(source->key);
    if (!info) return no_object(info.error());
    const auto copied =
        copy(**from, source->key, *info, **to, call.text("Key"), call.text("ContentType"));
    if (!copied) return no_object(copied.error());
    return answer(json::Value::object(
        {{"CopyObjectResult",
          json::Value::object(
              {{"ETag", in_quotes(copied->etag)}, {"LastModified", date_of(copied->modified)}})}}));
}

ServiceAnswer delete_object(const Call& call) {
    const auto bucket = call.bucket();
    if (!bucket) return no_bucket(bucket.error());
    if (auto removed = (*bucket)->remove(call.text("Key")); !removed)
        return no_object(removed.error());
    return answer(json::Value::object());
}

ServiceAnswer delete_objects(const Call& call) {
    const json::Value request = *call.parameters.find("Delete");
    const json::Value* objects = request.find("Objects");
    const auto malformed = [] {
        return s3_error("S3Exception",
                        "The XML you provided was not well-formed or did not validate against our "
                        "published schema",
                        400);
    };
    if (objects == nullptr || !objects->is_array() || objects->as_array().empty() ||
        objects->as_array().size() > kDeleteKeys)
        return malformed();
    for (const json::Value& object : objects->as_array()) {
        const json::Value* key = object.find("Key");
        if (key == nullptr || !key->is_string()) return malformed();
    }
    const auto bucket = call.bucket();
    if (!bucket) return no_bucket(bucket.error());
    json::Value deleted = json::Value::array();
    json::Value errors = json::Value::array();
    for (const json::Value& object : objects->as_array()) {
        const std::string key(object.string_or("Key", ""));
        if (auto removed = (*bucket)->remove(key); removed) {
            deleted.push_back(json::Value::object({{"Key", key}}));
        } else {
            errors.push_back(json::Value::object(
                {{"Code", "InternalError"}, {"Key", key}, {"Message", removed.error().message}}));
        }
    }
    json::Value output = json::Value::object();
    if (!deleted.as_array().empty() && !request.bool_or("Quiet", false))
        output.set("Deleted", std::move(deleted));
    if (!errors.as_array().empty()) output.set("Errors", std::move(errors));
    return answer(std::move(output));
}

}  // namespace tandem::s3
