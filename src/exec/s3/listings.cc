#include <algorithm>

#include "base/encoding.h"
#include "exec/s3/actions.h"

namespace tandem::s3 {

namespace {

int64_t max_keys_of(const Call& call) {
    return call.has("MaxKeys") ? call.parameters.int_or("MaxKeys", int64_t(kListKeysMax))
                               : int64_t(kListKeysMax);
}

/// What both listings say of the page.
json::Value described(const Call& call, const ListPage& page, int64_t max_keys) {
    json::Value contents = json::Value::array();
    for (const ObjectInfo& object : page.objects) {
        contents.push_back(json::Value::object({{"ETag", in_quotes(object.etag)},
                                                {"Key", object.key},
                                                {"LastModified", date_of(object.modified)},
                                                {"Size", object.size},
                                                {"StorageClass", "STANDARD"}}));
    }
    json::Value prefixes = json::Value::array();
    for (const std::string& prefix : page.prefixes)
        prefixes.push_back(json::Value::object({{"Prefix", prefix}}));
    json::Value out = json::Value::object();
    if (!page.prefixes.empty()) out.set("CommonPrefixes", std::move(prefixes));
    if (!page.objects.empty()) out.set("Contents", std::move(contents));
    if (call.has("Delimiter")) out.set("Delimiter", call.text("Delimiter"));
    out.set("IsTruncated", !page.next.empty());
    out.set("MaxKeys", max_keys);
    out.set("Name", call.text("Bucket"));
    out.set("Prefix", call.text("Prefix"));
    return out;
}

Result<ListPage> page_of(const Call& call, const Bucket& bucket, std::string after,
                         int64_t max_keys) {
    ListRequest request;
    request.prefix = call.text("Prefix");
    request.delimiter = call.text("Delimiter");
    request.after = std::move(after);
    request.max_keys = size_t(std::min<int64_t>(max_keys, kListKeysMax));
    return bucket.list(request);
}

ServiceAnswer bad_max_keys() {
    return s3_error("S3Exception", "Argument maxKeys must be an integer between 0 and 2147483647",
                    400);
}

}  // namespace

ServiceAnswer list_objects(const Call& call) {
    const auto bucket = call.bucket();
    if (!bucket) return no_bucket(bucket.error());
    const int64_t max_keys = max_keys_of(call);
    if (max_keys < 0) return bad_max_keys();
    const auto page = page_of(call, **bucket, std::string(call.text("Marker")), max_keys);
    if (!page) return no_bucket(page.error());
    json::Value output = described(call, *page, max_keys);
    output.set("Marker", call.text("Marker"));
    // Without a delimiter the last key is the next marker, and S3 leaves it at that.
    if (!page->next.empty() && call.has("Delimiter")) output.set("NextMarker", page->next);
    return answer(std::move(output));
}

ServiceAnswer list_objects_v2(const Call& call) {
    const auto bucket = call.bucket();
    if (!bucket) return no_bucket(bucket.error());
    const int64_t max_keys = max_keys_of(call);
    if (max_keys < 0) return bad_max_keys();
    const std::string_view token = call.text("ContinuationToken");
    std::string after(call.text("StartAfter"));
    if (call.has("ContinuationToken")) {
        // Ours is the key in hex: opaque enough, and no token of a stranger is mistaken for one.
        auto key = unhex(token);
        if (!key || key->empty())
            return s3_error("S3Exception", "The continuation token provided is incorrect", 400);
        after = std::move(*key);
    }
    const auto page = page_of(call, **bucket, std::move(after), max_keys);
    if (!page) return no_bucket(page.error());
    json::Value output = described(call, *page, max_keys);
    output.set("KeyCount", int64_t(page->objects.size() + page->prefixes.size()));
    if (call.has("ContinuationToken")) output.set("ContinuationToken", token);
    if (call.has("StartAfter")) output.set("StartAfter", call.text("StartAfter"));
    if (!page->next.empty()) output.set("NextContinuationToken", hex(page->next));
    return answer(std::move(output));
}

ServiceAnswer list_buckets(const Call& call) {
    const auto names = call.buckets.names();
    if (!names) return no_bucket(names.error());
    json::Value buckets = json::Value::array();
    for (const std::string& name : *names) buckets.push_back(json::Value::object({{"Name", name}}));
    return answer(json::Value::object({{"Buckets", std::move(buckets)}}));
}

ServiceAnswer create_bucket(const Call& call) {
    const auto created = call.buckets.create(call.text("Bucket"));
    if (created)
        return answer(json::Value::object({{"Location", "/" + std::string(call.text("Bucket"))}}));
    if (created.error().code == ErrorCode::kAlreadyExists)
        return s3_error("BucketAlreadyOwnedByYouException",
                        "Your previous request to create the named bucket succeeded and you "
                        "already own it.",
                        409);
    if (created.error().code == ErrorCode::kInvalidArgument)
        return s3_error("S3Exception", "The specified bucket is not valid.", 400);
    return no_bucket(created.error());
}

ServiceAnswer head_bucket(const Call& call) {
    const auto bucket = call.bucket();
    if (bucket) return answer(json::Value::object());
    if (bucket.error().code == ErrorCode::kNotFound)
        return s3_error("NoSuchBucketException", "null", 404);
    return no_bucket(bucket.error());
}

}  // namespace tandem::s3
