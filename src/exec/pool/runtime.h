// Runtimes: which program runs a function of a given runtime, and the environment that Lambda gives
// every function. Paths are those inside the sandbox: the package is /var/task, our own runtimes
// (workers/) are /var/runtime. No state; safe from every thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/function_spec.h"

namespace tandem::pool {

inline constexpr std::string_view kTaskRoot = "/var/task";
inline constexpr std::string_view kRuntimeRoot = "/var/runtime";

enum class RuntimeKind { kPython, kNode, kProvided };

/// The family of a Lambda runtime name. Error: kInvalidArgument in Lambda's words.
Result<RuntimeKind> runtime_kind(std::string_view runtime);

/// Checks what CreateFunction checks: runtime known, handler given where one is needed.
Result<void> check_runtime(const FunctionSpec& spec);

/// Full path of the interpreter on this machine; empty for kProvided. Error: kUnavailable.
Result<std::string> find_interpreter(RuntimeKind kind);

/// Program and arguments, as seen inside the sandbox.
std::vector<std::string> runtime_command(RuntimeKind kind, const std::string& interpreter);

struct WorkerIdentity {
    std::string region;
    std::string log_group;
    std::string log_stream;
    std::string runtime_api;                      // "127.0.0.1:port"
    std::string initialization_type;              // "on-demand" or "provisioned-concurrency"
    std::map<std::string, std::string> of_place;  // what the machine tells all functions
};

/// Variables of the function, then Lambda's own, which the function's cannot replace.
std::map<std::string, std::string> runtime_environment(const FunctionSpec& spec,
                                                       const WorkerIdentity& identity);

}  // namespace tandem::pool
