// A bucket of any endpoint that speaks S3: addressed by path, signed with Signature Version 4.
// Large objects go up in parts. The bucket may be shared with other programs.
#pragma once

#include <memory>
#include <string>

#include "net/sigv4.h"
#include "store/blob/object_store.h"

namespace tandem {

constexpr size_t kS3PartBytes = 8 * 1024 * 1024;  // of a multipart upload; S3 wants 5 MiB
constexpr size_t kS3Parts = 10'000;               // of one upload, as S3

struct S3BucketOptions {
    std::string endpoint;  // "http[s]://host[:port]"
    std::string bucket;
    std::string region = "us-east-1";
    net::Credentials credentials;  // without a key, requests are not signed
    std::string ca_file;           // further trusted certificates (PEM)
    int64_t timeout_ms = 60'000;   // of one request, each way
    int attempts = 6;              // until a busy or lost endpoint is an error
    int64_t pause_ms = 200;        // before the second attempt; then doubled, 12.8 s at most
};

/// Asks the endpoint for nothing: it may be started later. Error: kInvalidArgument.
Result<std::shared_ptr<Bucket>> open_s3_bucket(S3BucketOptions options);

}  // namespace tandem
