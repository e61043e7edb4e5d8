// Map states in distributed mode: what only they have.
#include <algorithm>

#include "base/limits.h"
#include "lang/asl/validate/validator.h"

namespace tandem::asl {

namespace {

/// As in names of state machines: a label is part of ARNs.
bool is_label(std::string_view text) {
    constexpr std::string_view kForbidden = " <>{}[]?*\"#%\\^|~`$&,;:/";
    return !text.empty() && characters_of(text) <= kMapLabelChars &&
           std::all_of(text.begin(), text.end(), [&](char c) {
               return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f &&
                      kForbidden.find(c) == std::string_view::npos;
           });
}

}  // namespace

void Validator::distributed(const json::Value& json, const json::Value& processor,
                            const std::string& at, const std::string& processor_at) {
    const json::Value* config = processor.find("ProcessorConfig");
    if (config == nullptr) return;
    const std::string config_at = processor_at + "/ProcessorConfig";
    const std::string_view mode = config->string_or("Mode", "INLINE");
    if (mode != "INLINE" && mode != "DISTRIBUTED")
        return schema("The field 'Mode' should have one of these values: [INLINE, DISTRIBUTED]",
                      config_at + "/Mode");
    if (mode == "INLINE") return;
    if (type_ == WorkflowType::kExpress)
        schema("Express state machine does not support Map states in DISTRIBUTED mode",
               config_at + "/Mode");
    const std::string_view type = config->string_or("ExecutionType", "STANDARD");
    if (type != "STANDARD" && type != "EXPRESS")
        schema("The field 'ExecutionType' should have one of these values: [STANDARD, EXPRESS]",
               config_at + "/ExecutionType");
    const json::Value* label = json.find("Label");
    if (label == nullptr) return;
    if (!label->is_string() || !is_label(label->as_string()))
        return schema(
            "Value is not a valid Label: it has at most 40 characters, none of them "
            "whitespace, control characters or one of <>{}[]?*\"#%\\^|~`$&,;:/",
            at + "/Label");
    if (!labels_.insert(label->as_string()).second)
        schema("Duplicate Label: " + label->as_string(), at + "/Label");
}

}  // namespace tandem::asl
