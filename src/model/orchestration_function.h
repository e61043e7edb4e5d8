// A function whose work is an orchestration: its runtime says so, its handler names the
// orchestrator, a variable of its environment the task hub. It has no code of its own.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "model/callable.h"
#include "model/function_spec.h"

namespace tandem {

constexpr std::string_view kOrchestrationRuntime = "durable-task";
constexpr const char* kTaskHubVariable = "TANDEM_TASK_HUB";

constexpr size_t kTaskHubChars = 64;

/// [A-Za-z0-9._-]+
inline bool is_task_hub_name(std::string_view name) {
    return !name.empty() && name.size() <= kTaskHubChars &&
           std::all_of(name.begin(), name.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '-' || c == '_' || c == '.';
           });
}

/// Mostly without decoding its spec: asked for each call of each function.
inline bool is_orchestration(const Callable& function) {
    constexpr std::string_view kMark = R"("runtime":"durable-task")";  // as the spec is encoded
    if (function.definition.view().find(kMark) == std::string_view::npos) return false;
    const auto spec = decode_function_spec(function.definition.view());  // it may be a variable
    return spec && spec->runtime == kOrchestrationRuntime;
}

inline std::string task_hub_of(const FunctionSpec& spec) {
    const auto named = spec.environment.find(kTaskHubVariable);
    return named == spec.environment.end() ? "default" : named->second;
}

}  // namespace tandem
