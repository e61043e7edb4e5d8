#include "api/aws/answer.h"

#include <algorithm>
#include <array>

namespace tandem::aws {

namespace {

struct Row {
    int status;
    std::string_view code;
};

constexpr Row row(ErrorCode code) {
    switch (code) {
        case ErrorCode::kInvalidArgument: return {400, "ValidationException"};
        case ErrorCode::kNotFound: return {400, "ResourceNotFound"};
        case ErrorCode::kAlreadyExists:
        case ErrorCode::kConflict: return {400, "ConflictException"};
        case ErrorCode::kTooLarge: return {400, "ValidationException"};
        case ErrorCode::kOverloaded: return {429, "ThrottlingException"};
        case ErrorCode::kUnauthenticated: return {403, "UnrecognizedClientException"};
        case ErrorCode::kPermissionDenied: return {403, "AccessDeniedException"};
        case ErrorCode::kUnsupported: return {400, "UnsupportedOperation"};
        case ErrorCode::kUnavailable:
        case ErrorCode::kTimeout: return {503, "ServiceUnavailable"};
        case ErrorCode::kIo:
        case ErrorCode::kCorrupt:
        case ErrorCode::kInternal: return {500, "InternalFailure"};
    }
    return {500, "InternalFailure"};
}

}  // namespace

ApiError generic_error(const Error& error) {
    const Row r = row(error.code);
    // What broke inside is for the log, not for callers.
    std::string message =
        r.status == 500 ? "The server could not process the request." : error.message;
    return ApiError{r.status, std::string(r.code), std::move(message), {}, 0};
}

bool is_framework_error(std::string_view code) {
    constexpr std::array<std::string_view, 12> kFramework = {"ValidationException",
                                                             "SerializationException",
                                                             "UnknownOperationException",
                                                             "UnsupportedOperation",
                                                             "MissingAuthenticationTokenException",
                                                             "IncompleteSignatureException",
                                                             "UnrecognizedClientException",
                                                             "InvalidSignatureException",
                                                             "AccessDeniedException",
                                                             "ThrottlingException",
                                                             "ServiceUnavailable",
                                                             "InternalFailure"};
    return std::find(kFramework.begin(), kFramework.end(), code) != kFramework.end();
}

}  // namespace tandem::aws
