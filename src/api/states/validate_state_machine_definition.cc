#include <algorithm>

#include "api/aws/json_errors.h"
#include "api/states/actions.h"
#include "api/states/machine.h"

namespace tandem::states {

namespace {

json::Value shown(const Diagnostic& diagnostic, const std::string& definition) {
    const bool is_error = diagnostic.severity == Diagnostic::Severity::kError;
    std::string message = diagnostic.message;
    // Of a text that is no JSON, AWS says what its parser says.
    if (diagnostic.code == "INVALID_JSON_DESCRIPTION") {
        if (auto located = aws::locate_json_error(definition); !located.empty())
            message = std::move(located);
    }
    json::Value out = json::Value::object({{"severity", is_error ? "ERROR" : "WARNING"},
                                           {"code", diagnostic.code},
                                           {"message", std::move(message)}});
    if (!diagnostic.location.empty()) out.set("location", diagnostic.location);
    return out;
}

}  // namespace

Answer<json::Value> validate_state_machine_definition(const Context& context, const Input& input) {
    aws::Fields fields(input);
    const auto definition = fields.string(
        "definition", {.required = true, .min = 1, .max = kDefinitionBytes, .sensitive = true});
    const auto type = fields.string("type", {.values = {"STANDARD", "EXPRESS"}});
    const auto severity = fields.string("severity", {.values = {"ERROR", "WARNING"}});
    const auto wanted = fields.integer("maxResults", {.min = 0, .max = int64_t(kDiagnosticsMax)});
    if (const auto error = fields.error()) return tl::unexpected(*error);
    const auto found = context.engine.diagnose(
        type == "EXPRESS" ? kExpressLanguage : kStandardLanguage, *definition);
    if (!found) return aws::refuse(found.error());
    const bool with_warnings = severity == "WARNING";
    const size_t limit = wanted.value_or(0) == 0 ? kDiagnosticsMax : size_t(*wanted);
    bool is_ok = true, is_truncated = false;
    json::Value diagnostics = json::Value::array();
    for (const Diagnostic& diagnostic : *found) {
        const bool is_error = diagnostic.severity == Diagnostic::Severity::kError;
        is_ok &= !is_error;
        if (!is_error && !with_warnings) continue;
        if (diagnostics.as_array().size() == limit) is_truncated = true;
        else diagnostics.push_back(shown(diagnostic, *definition));
    }
    return json::Value::object({{"result", is_ok ? "OK" : "FAIL"},
                                {"diagnostics", std::move(diagnostics)},
                                {"truncated", is_truncated}});
}

}  // namespace tandem::states
