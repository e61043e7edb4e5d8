#include "api/lambda/code_package.h"

#include "api/aws/fields.h"
#include "base/encoding.h"

namespace tandem::lambda {

aws::Answer<std::string> decode_package(const json::Value& code, const Limits& limits,
                                        std::string_view operation) {
    for (const std::string_view other : {"S3Bucket", "S3Key", "ImageUri"}) {
        if (!code.string_or(other, "").empty()) {
            return aws::refuse("InvalidParameterValueException",
                               "This server does not support '" + std::string(other) +
                                   "' yet: send the package as ZipFile.");
        }
    }
    aws::Fields fields(code);
    const json::Value* zip = code.find("ZipFile");
    if (zip && !zip->is_null() && !zip->is_string())
        return aws::refuse("SerializationException", "Unexpected field type");
    if (!zip || zip->is_null()) {
        return aws::refuse("InvalidParameterValueException",
                           "Please provide a source for function code.");
    }
    auto bytes = base64_decode(zip->as_string());
    if (!bytes) return aws::refuse("SerializationException", "ZipFile is not valid base64.");
    if (bytes->size() > limits.function_zip_bytes) {
        // A zip of the limit, in base64, within a little JSON.
        const size_t request = (limits.function_zip_bytes + 2) / 3 * 4;
        return aws::refuse("RequestEntityTooLargeException",
                           "Request must be smaller than " + std::to_string(request) +
                               " bytes for the " + std::string(operation) + " operation",
                           413);
    }
    if (bytes->empty())
        return aws::refuse("InvalidParameterValueException",
                           "Uploaded file must be a non-empty zip");
    return *std::move(bytes);
}

tl::unexpected<aws::ApiError> takes_no_code() {
    return aws::refuse("InvalidParameterValueException",
                       "A function of the runtime 'durable-task' takes no code: its workers have "
                       "the orchestrator.");
}

aws::Answer<bool> apply_package(const aws::Context& context, const std::string& zip, StoreMode mode,
                                FunctionRecord& record) {
    record.facts.code_size = int64_t(zip.size());
    record.facts.code_sha256 = base64_encode(sha256(zip));
    if (mode == StoreMode::kDryRun) return true;
    auto blob = context.engine.put_blob(zip);
    if (!blob) return aws::refuse("ServiceException", "The package could not be stored.", 500);
    record.spec.code_blob = *std::move(blob);
    return true;
}

std::optional<aws::ApiError> apply_architectures(const json::Value& body, FunctionRecord& record) {
    aws::Fields fields(body);
    const json::Value* list = fields.array("Architectures");
    if (const auto error = fields.error()) return error;
    if (!list || list->as_array().empty()) return std::nullopt;
    const json::Value& first = list->as_array()[0];
    if (list->as_array().size() != 1 || !first.is_string() ||
        (first.as_string() != "x86_64" && first.as_string() != "arm64")) {
        fields.violate("architectures", json::print(*list),
                       "Member must satisfy constraint: [Member must satisfy enum value set: "
                       "[x86_64, arm64]]");
        return fields.error();
    }
    record.facts.architecture = first.as_string();
    return std::nullopt;
}

}  // namespace tandem::lambda
