// Inside the native runtime: where invocations come from, and what answers them.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "tandem/function.h"

namespace tandem::runtime {

/// Where invocations come from. Views in an Invocation hold until it is answered. All verbs throw
/// std::runtime_error when the server is gone or speaks nonsense.
class Source {
public:
    virtual ~Source() = default;
    /// Called once, when the program is ready.
    virtual void open() = 0;
    /// Waits for the next invocation. False: the server is gone.
    virtual bool next(Invocation& invocation) = 0;
    virtual void succeed(std::string_view request_id, std::string_view payload) = 0;
    /// `document` is {"errorMessage", "errorType", "stackTrace"}.
    virtual void fail(std::string_view request_id, std::string_view error_type,
                      std::string_view document) = 0;
    /// The program cannot serve. Instead of open().
    virtual void fail_init(std::string_view error_type, std::string_view document) = 0;
};

/// The function channel that the variable describes: "<socket>,<requests>,<answers>", descriptors.
std::unique_ptr<Source> open_channel(const char* descriptors);

/// The Lambda Runtime API at "host:port".
std::unique_ptr<Source> open_runtime_api(std::string endpoint);

}  // namespace tandem::runtime
