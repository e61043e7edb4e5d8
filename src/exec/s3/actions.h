// The actions behind call_s3(), one function each. Their parameters have passed the table in
// s3_calls.cc: known names, right types, none that is required is missing. Private to this room.
#pragma once

#include <string>
#include <string_view>

#include "exec/s3/s3_calls.h"

namespace tandem::s3 {

struct Call {
    Buckets& buckets;
    const json::Value& parameters;
    S3CallLimits limits;

    std::string_view text(std::string_view name) const { return parameters.string_or(name, ""); }
    bool has(std::string_view name) const;  // there, and not null
    Result<std::shared_ptr<Bucket>> bucket() const { return buckets.open(text("Bucket")); }
};

ServiceAnswer get_object(const Call& call);
ServiceAnswer head_object(const Call& call);
ServiceAnswer put_object(const Call& call);
ServiceAnswer copy_object(const Call& call);
ServiceAnswer delete_object(const Call& call);
ServiceAnswer delete_objects(const Call& call);
ServiceAnswer list_objects(const Call& call);
ServiceAnswer list_objects_v2(const Call& call);
ServiceAnswer list_buckets(const Call& call);
ServiceAnswer create_bucket(const Call& call);
ServiceAnswer head_bucket(const Call& call);

/// An error as S3 answers it: "`message` (Service: S3, Status Code: `status`, Request ID: ...)".
ServiceAnswer s3_error(std::string_view name, std::string_view message, int status);
ServiceAnswer answer(json::Value output);

/// What a failing bucket is to a caller of S3.
ServiceAnswer no_bucket(const Error& error);
ServiceAnswer no_object(const Error& error);

/// 2026-01-02T03:04:05Z: S3 tells whole seconds.
std::string date_of(Timestamp t);
std::string in_quotes(std::string_view etag);

}  // namespace tandem::s3
