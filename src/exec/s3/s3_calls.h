// What a Task state asks of S3 (arn:aws:states:::aws-sdk:s3:ACTION), done on the house's buckets:
// parameters in, the answer in the shape of AWS's SDK for Java 2 out, as Step Functions shows it.
// Blocks while the bucket works; safe from every thread. Not a wire protocol: nobody speaks S3
// here.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "json/value.h"
#include "store/blob/object_store.h"

namespace tandem {

/// The end of a call of a service: exactly one of `output`, `error` and `refused` counts.
struct ServiceAnswer {
    json::Value output;
    std::string error;  // "S3.NoSuchKeyException"; empty: none
    std::string cause;
    /// The parameters are none that the action has; nothing was called. The task's failure is
    /// States.Runtime and ends in "could not be used to start the Task: [" + refused + "]".
    std::string refused;
};

struct S3CallLimits {
    size_t body_bytes = Limits{}.payload_bytes;  // of an object in an answer
};

/// "getObject", "listObjectsV2", ...
std::vector<std::string_view> s3_actions();

bool is_s3_action(std::string_view action);

/// Error of a call whose object is above the limit: States.DataLimitExceeded.
ServiceAnswer call_s3(Buckets& buckets, std::string_view action, const json::Value& parameters,
                      S3CallLimits limits = {});

/// What S3 says of a bucket, or of an object in it, that gave this error.
std::string s3_bucket_cause(const Error& error);
std::string s3_object_cause(const Error& error);

}  // namespace tandem
