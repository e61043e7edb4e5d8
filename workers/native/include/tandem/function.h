// Functions in C++, for Tandem's native workers and for AWS Lambda: the same program runs on both.
//
//     int main() {
//         return tandem::serve([](const tandem::Invocation& call) { return
//         std::string(call.text()); });
//     }
//
// Build it with the sources of this directory as an executable named `bootstrap` (runtime
// provided.al2023). Under Tandem invocations come through the function channel
// (docs/formats/function-channel.md), elsewhere through the Lambda Runtime API 2018-06-01. One
// invocation at a time, on the thread that called serve(); no library but the system's is needed.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace tandem {

/// What one invocation brings. All views are valid until the handler returns.
struct Invocation {
    std::span<const std::byte> payload;              // the event: JSON text, UTF-8, at most 6 MiB
    std::string_view request_id;                     // a UUID
    std::string_view function_arn;                   // as it was invoked, with the qualifier
    std::string_view trace_id;                       // X-Ray trace header, or empty
    std::string_view client_context;                 // JSON text, or empty
    std::chrono::system_clock::time_point deadline;  // then the process is killed

    std::string_view text() const {
        return {reinterpret_cast<const char*>(payload.data()), payload.size()};
    }
    /// Time until the deadline; negative when it has passed.
    std::chrono::milliseconds remaining() const {
        return std::chrono::duration_cast<std::chrono::milliseconds>(
            deadline - std::chrono::system_clock::now());
    }
};

/// Fails an invocation with an errorType of the function's choice. Any other exception that leaves
/// a handler fails it as "Runtime.Exception", with what() as the message.
class FunctionError : public std::runtime_error {
public:
    FunctionError(std::string type, const std::string& message)
        : std::runtime_error(message), type_(std::move(type)) {}
    const std::string& type() const { return type_; }

private:
    std::string type_;
};

/// Returns the result: JSON text, UTF-8, at most 6 MiB.
using Handler = std::function<std::string(const Invocation&)>;

/// Registers a handler by name: a program may hold several functions, and each is deployed with its
/// name as the function's Handler setting. A name that is taken is replaced.
void handle(std::string name, Handler handler);

/// Writes a line to the function's log, in one piece whatever other threads write.
void log(std::string_view line);

/// Answers invocations until the server is gone; returns the exit status for main(). Runs the
/// registered handler that the environment variable _HANDLER names, or the only one there is;
/// reports Runtime.NoSuchHandler where there is none.
int serve();

/// The same with this handler, whatever the Handler setting says.
int serve(Handler handler);

}  // namespace tandem
