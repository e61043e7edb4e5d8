#include "lang/durable/callee.h"

#include <vector>

#include "lang/durable/events.h"

namespace tandem::durable {

namespace {

/// The parts of an ARN "arn:PARTITION:SERVICE:REGION:ACCOUNT:TYPE:NAME[:QUALIFIER]"; else nothing.
std::vector<std::string_view> parts_of(std::string_view text) {
    std::vector<std::string_view> parts;
    if (!text.starts_with("arn:")) return parts;
    for (size_t colon = 0; colon != std::string_view::npos;) {
        colon = text.find(':');
        parts.push_back(text.substr(0, colon));
        if (colon != std::string_view::npos) text.remove_prefix(colon + 1);
    }
    const bool is_named = parts.size() >= 7 && parts.size() <= 8 && !parts[6].empty();
    if (!is_named) parts.clear();
    return parts;
}

}  // namespace

std::string resource_of(const std::string& activity, const Callables* callables,
                        const LanguageOptions& options) {
    if (const auto parts = parts_of(activity); !parts.empty()) {
        if (parts[2] == "lambda" && parts[5] == "function") return std::string(kFunction);
        if (parts[2] == "states" && parts[5] == "stateMachine") return activity;
    }
    if (callables == nullptr) return {};
    if (callables->has({CallableKind::kFunction, activity, {}})) return std::string(kFunction);
    if (callables->has({CallableKind::kWorkflow, activity, {}}))
        return "arn:aws:states:" + options.region + ":" + options.account +
               ":stateMachine:" + activity;
    return {};
}

CallableRef function_of(const std::string& activity) {
    const auto parts = parts_of(activity);
    if (parts.empty()) return {CallableKind::kFunction, activity, {}};
    return {CallableKind::kFunction, std::string(parts[6]),
            std::string(parts.size() > 7 ? parts[7] : std::string_view())};
}

}  // namespace tandem::durable
