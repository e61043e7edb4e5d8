#include "exec/pool/runtime.h"

#include <stdlib.h>
#include <unistd.h>

#include <memory>

namespace tandem::pool {
namespace {

/// True for `prefix` digits [suffix], e.g. nodejs20.x.
bool is_versioned(std::string_view runtime, std::string_view prefix, std::string_view suffix) {
    if (!runtime.starts_with(prefix) || !runtime.ends_with(suffix)) return false;
    if (runtime.size() <= prefix.size() + suffix.size()) return false;
    const std::string_view version =
        runtime.substr(prefix.size(), runtime.size() - prefix.size() - suffix.size());
    return version.find_first_not_of("0123456789") == std::string_view::npos;
}

std::string real_path(const std::string& path) {
    const std::unique_ptr<char, void (*)(void*)> resolved(::realpath(path.c_str(), nullptr),
                                                          ::free);
    return resolved ? std::string(resolved.get()) : std::string();
}

/// The system's own first: a shim elsewhere on PATH may need its user's home directory.
std::string find_program(const std::string& name) {
    std::string directories = "/usr/bin:/usr/local/bin:";
    if (const char* path = ::getenv("PATH")) directories += path;
    size_t at = 0;
    while (at <= directories.size()) {
        const size_t colon = std::min(directories.find(':', at), directories.size());
        const std::string candidate = directories.substr(at, colon - at) + "/" + name;
        at = colon + 1;
        if (candidate.front() == '/' && ::access(candidate.c_str(), X_OK) == 0)
            return real_path(candidate);
    }
    return {};
}

}  // namespace

Result<RuntimeKind> runtime_kind(std::string_view runtime) {
    if (is_versioned(runtime, "python3.", "")) return RuntimeKind::kPython;
    if (is_versioned(runtime, "nodejs", ".x")) return RuntimeKind::kNode;
    if (runtime == "provided" || runtime == "provided.al2" || runtime == "provided.al2023")
        return RuntimeKind::kProvided;
    return fail(
        ErrorCode::kInvalidArgument,
        "Value '" + std::string(runtime) +
            "' at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: "
            "[nodejs24.x, nodejs22.x, nodejs20.x, nodejs18.x, python3.14, python3.13, python3.12, "
            "python3.11, python3.10, "
            "python3.9, provided.al2023, provided.al2, provided] or be a valid ARN");
}

Result<void> check_runtime(const FunctionSpec& spec) {
    if (spec.runtime.empty() || spec.handler.empty()) {
        return fail(ErrorCode::kInvalidArgument,
                    "Runtime and Handler are mandatory parameters for functions created with "
                    "deployment packages.");
    }
    const Result<RuntimeKind> kind = runtime_kind(spec.runtime);
    if (!kind) return tl::unexpected(kind.error());
    return {};
}

Result<std::string> find_interpreter(RuntimeKind kind) {
    if (kind == RuntimeKind::kProvided) return std::string();
    const std::string name = kind == RuntimeKind::kPython ? "python3" : "node";
    std::string path = find_program(name);
    if (path.empty())
        return fail(ErrorCode::kUnavailable,
                    "this server has no " + name + " to run the function with");
    return path;
}

std::vector<std::string> runtime_command(RuntimeKind kind, const std::string& interpreter) {
    const std::string runtime(kRuntimeRoot);
    switch (kind) {
        // -s: no user site directory; the function's own packages come from its package.
        case RuntimeKind::kPython: return {interpreter, "-s", runtime + "/python/bootstrap.py"};
        case RuntimeKind::kNode: return {interpreter, runtime + "/node/bootstrap.mjs"};
        case RuntimeKind::kProvided: break;
    }
    return {std::string(kTaskRoot) + "/bootstrap"};
}

std::map<std::string, std::string> runtime_environment(const FunctionSpec& spec,
                                                       const WorkerIdentity& identity) {
    std::map<std::string, std::string> own = {
        {"LANG", "en_US.UTF-8"},
        {"TZ", ":UTC"},
        {"PATH", "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin"},
        {"LD_LIBRARY_PATH",
         "/var/lang/lib:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib"},
        {"NODE_PATH", "/opt/nodejs/node_modules:/var/runtime/node_modules:/var/task"},
        {"HOME", "/tmp"},
    };
    for (const auto& [name, value] : identity.of_place) own[name] = value;
    // These a function may set for itself, as in Lambda; those below are reserved.
    for (const auto& [name, value] : spec.environment) own[name] = value;
    const std::map<std::string, std::string> reserved = {
        {"_HANDLER", spec.handler},
        {"AWS_REGION", identity.region},
        {"AWS_DEFAULT_REGION", identity.region},
        {"AWS_EXECUTION_ENV", "AWS_Lambda_" + spec.runtime},
        {"AWS_LAMBDA_FUNCTION_NAME", spec.name},
        {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE", std::to_string(spec.memory_mb)},
        {"AWS_LAMBDA_FUNCTION_VERSION", spec.version},
        {"AWS_LAMBDA_INITIALIZATION_TYPE", identity.initialization_type},
        {"AWS_LAMBDA_LOG_GROUP_NAME", identity.log_group},
        {"AWS_LAMBDA_LOG_STREAM_NAME", identity.log_stream},
        {"AWS_LAMBDA_LOG_FORMAT", "Text"},
        {"AWS_LAMBDA_RUNTIME_API", identity.runtime_api},
        {"LAMBDA_TASK_ROOT", std::string(kTaskRoot)},
        {"LAMBDA_RUNTIME_DIR", std::string(kRuntimeRoot)},
    };
    for (const auto& [name, value] : reserved) own[name] = value;
    return own;
}

}  // namespace tandem::pool
