#include "lang/asl/validate/validate.h"

#include <algorithm>

#include "base/limits.h"
#include "lang/asl/validate/validator.h"

namespace tandem::asl {

namespace {

// One more than anybody is shown: that tells them there are more.
constexpr size_t kMaxDiagnostics = kDiagnosticsMax + 1;
constexpr size_t kMaxBytes = 1000;  // of a message or a location: names may be of any length

/// Not within a character.
std::string clipped(std::string_view text) {
    size_t end = std::min(text.size(), kMaxBytes);
    while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
    return std::string(text.substr(0, end));
}

}  // namespace

bool is_jsonata(const json::Value& json) {
    return json.string_or("QueryLanguage", "JSONPath") == "JSONata";
}

void Validator::report(std::string_view code, std::string message, std::string_view at) {
    if (diagnostics_.size() == kMaxDiagnostics) return;
    diagnostics_.push_back(
        {Diagnostic::Severity::kError, std::string(code), clipped(message), clipped(at)});
}

void Validator::schema(std::string message, const std::string& at) {
    report("SCHEMA_VALIDATION_FAILED", std::move(message), at);
}

void Validator::run(const json::Value& definition) {
    is_jsonata_ = is_jsonata(definition);
    query_language(definition, "/");
    machine(definition, "",
            {"Comment", "StartAt", "States", "Version", "TimeoutSeconds", "QueryLanguage"});
    if (diagnostics_.empty()) integer(definition, "TimeoutSeconds", "/", 1, 99'999'999);
    if (diagnostics_.empty()) transitions(definition, "", true);
}

void Validator::machine(const json::Value& json, const std::string& at, const Names& fields) {
    const std::string here = at.empty() ? "/" : at;
    if (!json.is_object()) return schema("Expected value of type Object", here);
    required(json, here, {"States", "StartAt"});
    supported(json, here, fields);
    const json::Value* states = json.find("States");
    if (states == nullptr) return;
    const std::string inside = at + "/States";
    if (!states->is_object()) return schema("Expected value of type Object", inside);
    if (states->as_object().empty()) return schema("Value cannot be empty", inside);
    for (const auto& [name, member] : states->as_object()) {
        const std::string place = inside + "/" + name;
        if (!names_.insert(name).second)
            report("DUPLICATE_STATE_NAME", "Duplicate State name: " + name, place);
        if (characters_of(name) > kStateNameChars) {
            report("INVALID_STATE_NAME",
                   "Invalid State name: State '" + name + "' exceeds the " +
                       std::to_string(kStateNameChars) + "-character limit allowed by the service",
                   place);
        }
        const bool is_downgrade = (is_jsonata_ || is_jsonata(json)) &&
                                  member.string_or("QueryLanguage", "") == "JSONPath";
        if (is_downgrade) {
            schema(
                "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine",
                place);
        }
        // What a JSONata machine says holds for its states.
        json::Value inherited = member;
        if ((is_jsonata_ || is_jsonata(json)) && member.is_object())
            inherited.set("QueryLanguage", "JSONata");
        state(inherited, place);
    }
}

std::vector<Diagnostic> diagnose_definition(std::string_view text, WorkflowType type) {
    json::SyntaxError where;
    const auto json = json::parse(text, {}, &where);
    if (!json) {
        return {{Diagnostic::Severity::kError,
                 "INVALID_JSON_DESCRIPTION",
                 where.message + " at line: " + std::to_string(where.line) +
                     ", column: " + std::to_string(where.column),
                 {}}};
    }
    Validator validator(type);
    validator.run(*json);
    return std::move(validator).take();
}

Result<void> validate_definition(std::string_view text, WorkflowType type) {
    if (text.size() > kDefinitionBytes)
        return fail(ErrorCode::kTooLarge, "Definition is longer than 1 MiB");
    std::string errors;
    for (const Diagnostic& d : diagnose_definition(text, type)) {
        if (d.severity != Diagnostic::Severity::kError) continue;
        if (!errors.empty()) errors += ", ";
        errors += d.code + ": " + d.message;
        if (!d.location.empty()) errors += " at " + d.location;
    }
    if (!errors.empty()) return fail(ErrorCode::kInvalidArgument, std::move(errors));
    return {};
}

}  // namespace tandem::asl
