#include "base/result.h"

namespace tandem {

std::string_view to_string(ErrorCode code) {
    switch (code) {
        case ErrorCode::kInvalidArgument: return "invalid_argument";
        case ErrorCode::kNotFound: return "not_found";
        case ErrorCode::kAlreadyExists: return "already_exists";
        case ErrorCode::kConflict: return "conflict";
        case ErrorCode::kTooLarge: return "too_large";
        case ErrorCode::kOverloaded: return "overloaded";
        case ErrorCode::kUnauthenticated: return "unauthenticated";
        case ErrorCode::kPermissionDenied: return "permission_denied";
        case ErrorCode::kTimeout: return "timeout";
        case ErrorCode::kUnsupported: return "unsupported";
        case ErrorCode::kUnavailable: return "unavailable";
        case ErrorCode::kIo: return "io";
        case ErrorCode::kCorrupt: return "corrupt";
        case ErrorCode::kInternal: return "internal";
    }
    return "internal";
}

}  // namespace tandem
