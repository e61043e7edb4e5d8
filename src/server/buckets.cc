#include "server/buckets.h"

namespace tandem {

namespace {

Result<std::shared_ptr<Bucket>> open_bucket(const BucketConfig& bucket) {
    if (!bucket.path.empty()) return open_directory(bucket.path);
    return fail(ErrorCode::kUnsupported, "buckets at an endpoint are not built in");
}

}  // namespace

Result<std::unique_ptr<Buckets>> open_buckets(const Config& config) {
    auto buckets = std::make_unique<DirectoryBuckets>(config.data / config.buckets_directory);
    for (const auto& [name, bucket] : config.buckets) {
        auto opened = open_bucket(bucket);
        if (!opened)
            return fail(opened.error().code, "[buckets." + name + "]: " + opened.error().message);
        buckets->add(name, std::move(*opened));
    }
    return std::unique_ptr<Buckets>(std::move(buckets));
}

}  // namespace tandem
