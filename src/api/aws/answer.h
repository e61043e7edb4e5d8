// Answer<T>: what an AWS action returns, a value or the exception that the protocol names. One
// table maps the house's ErrorCode to the generic exceptions of AWS; actions name their own where
// AWS does. Plain data; safe from every thread. Not an internal error type: only doors speak it.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

#include "base/result.h"
#include "json/value.h"

namespace tandem::aws {

struct ApiError {
    int status = 400;
    std::string code;  // "ValidationException", "StateMachineDoesNotExist", ...
    std::string message;
    json::Value members;    // further members of the body ("Reason"), an object or null
    int retry_after_s = 0;  // Retry-After header, if positive
};

template <class T>
using Answer = tl::expected<T, ApiError>;

inline tl::unexpected<ApiError> refuse(std::string code, std::string message, int status = 400) {
    return tl::unexpected<ApiError>(ApiError{status, std::move(code), std::move(message), {}, 0});
}

/// The generic exception for an error that the action gives no name of its own.
ApiError generic_error(const Error& error);
inline tl::unexpected<ApiError> refuse(const Error& error) {
    return tl::unexpected<ApiError>(generic_error(error));
}

/// True for exceptions that AWS's service framework answers before the service's own code runs.
bool is_framework_error(std::string_view code);

}  // namespace tandem::aws
