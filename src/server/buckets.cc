#include "server/buckets.h"

#include <cstdlib>

#include "server/credentials.h"
#include "store/s3/s3_bucket.h"

namespace tandem {

namespace {

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr ? value : "";
}

/// The keys given, those of the file given, or those of the environment.
Result<net::Credentials> credentials_of(const BucketConfig& bucket) {
    if (!bucket.access_key.empty())
        return net::Credentials{bucket.access_key, bucket.secret_key, ""};
    if (!bucket.credentials.empty()) return read_credentials(bucket.credentials);
    return net::Credentials{environment("AWS_ACCESS_KEY_ID"), environment("AWS_SECRET_ACCESS_KEY"),
                            environment("AWS_SESSION_TOKEN")};
}

Result<std::shared_ptr<Bucket>> open_bucket(const std::string& name, const BucketConfig& bucket,
                                            const Config& config) {
    if (!bucket.path.empty()) return open_directory(bucket.path);
    auto credentials = credentials_of(bucket);
    if (!credentials) return tl::unexpected<Error>(credentials.error());
    S3BucketOptions options;
    options.endpoint = bucket.endpoint;
    options.bucket = bucket.bucket.empty() ? name : bucket.bucket;
    options.region = bucket.region.empty() ? config.region : bucket.region;
    options.credentials = std::move(*credentials);
    options.ca_file = bucket.ca_file;
    return open_s3_bucket(std::move(options));
}

}  // namespace

Result<std::unique_ptr<DirectoryBuckets>> open_buckets(const Config& config) {
    auto buckets = std::make_unique<DirectoryBuckets>(config.data / config.buckets_directory);
    for (const auto& [name, bucket] : config.buckets) {
        auto opened = open_bucket(name, bucket, config);
        if (!opened)
            return fail(opened.error().code, "[buckets." + name + "]: " + opened.error().message);
        buckets->add(name, std::move(*opened));
    }
    return buckets;
}

}  // namespace tandem
