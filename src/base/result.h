// Result<T>: a value or the reason why the outside world did not allow it.
// Errors are data: one closed ErrorCode, a message for people. Doors map codes to their own names
// in one constexpr table each. A bug is not an Error (see check.h); user work that fails is an
// event.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace tandem {

enum class ErrorCode {
    kInvalidArgument,   // the caller's input is malformed or out of range
    kNotFound,          // no such callable, execution, revision, blob
    kAlreadyExists,     // a different thing with that name exists
    kConflict,          // the request contradicts the state of what it addresses
    kTooLarge,          // a named limit of limits.h was exceeded
    kOverloaded,        // a bounded queue is full; try later
    kUnauthenticated,   // signature, key or token missing or wrong
    kPermissionDenied,  // known caller, not allowed
    kTimeout,           // a deadline passed
    kUnsupported,       // valid, but this build does not do it
    kUnavailable,       // shutting down, fenced, or a peer is gone
    kIo,                // a system call or the store failed
    kCorrupt,           // stored bytes do not verify
    kInternal,          // a library failed in a way its contract does not name
};

std::string_view to_string(ErrorCode code);

struct Error {
    ErrorCode code = ErrorCode::kInternal;
    std::string message;
};

/// A class of its own only so that ignoring one is a compile error.
template <class T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
public:
    using tl::expected<T, Error>::expected;
};

/// Shorthand for the failing half of a Result: `return fail(ErrorCode::kNotFound, "...")`.
inline tl::unexpected<Error> fail(ErrorCode code, std::string message) {
    return tl::unexpected<Error>(Error{code, std::move(message)});
}

}  // namespace tandem
