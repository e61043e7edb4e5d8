// A function's package as a request carries it: base64 of a zip file. Decoding and storing only;
// what is in the zip is the executor's business.
#pragma once

#include <string>
#include <string_view>

#include "api/lambda/function_record.h"

namespace tandem::lambda {

/// Zip bytes from a Code or UpdateFunctionCode object. Exceptions: InvalidParameterValueException
/// (no ZipFile, S3, images), RequestEntityTooLargeException. `operation` is for its text.
aws::Answer<std::string> decode_package(const json::Value& code, const Limits& limits,
                                        std::string_view operation);

/// Puts size, hash and architecture into the record; stores the bytes unless `dry_run`.
enum class StoreMode { kStore, kDryRun };
aws::Answer<bool> apply_package(const aws::Context& context, const std::string& zip, StoreMode mode,
                                FunctionRecord& record);

/// Architectures of a request into the record.
std::optional<aws::ApiError> apply_architectures(const json::Value& body, FunctionRecord& record);

/// Of a function that is an orchestration.
tl::unexpected<aws::ApiError> takes_no_code();

}  // namespace tandem::lambda
