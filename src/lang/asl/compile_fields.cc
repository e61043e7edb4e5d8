#include "lang/asl/compile.h"

namespace tandem::asl {

std::string Compiler::text(const Source& source, std::string_view key) {
    const json::Value* value = source.json.find(key);
    if (value != nullptr && value->is_string()) return value->as_string();
    fault("These fields are required: [" + std::string(key) + "]", source.at);
    return {};
}

std::optional<Path> Compiler::path(const json::Value& json, std::string_view key,
                                   const std::string& at) {
    const json::Value* value = json.find(key);
    if (value == nullptr) return std::nullopt;
    if (value->is_string()) {
        if (auto path = Path::compile(value->as_string())) return std::move(*path);
    }
    fault("Value is not a valid JSONPath", at + "/" + std::string(key));
    return std::nullopt;
}

PathField Compiler::path_field(const Source& source, std::string_view key) {
    PathField field;
    const json::Value* value = source.json.find(key);
    if (value != nullptr && value->is_null()) {
        field.is_null = true;
        return field;
    }
    field.path = path(source.json, key, source.at);
    return field;
}

ResultPathField Compiler::result_path(const json::Value& json, const std::string& at) {
    ResultPathField field;
    const json::Value* value = json.find("ResultPath");
    if (value == nullptr) return field;
    if (value->is_null()) {
        field.is_null = true;
        return field;
    }
    if (value->is_string()) {
        if (auto path = ReferencePath::compile(value->as_string())) {
            field.path = std::move(*path);
            return field;
        }
    }
    fault("Value is not a Reference Path: The Reference Path is not valid", at + "/ResultPath");
    return field;
}

std::optional<Template> Compiler::payload(const json::Value& json, std::string_view key,
                                          const std::string& at) {
    const json::Value* value = json.find(key);
    if (value == nullptr) return std::nullopt;
    auto compiled = Template::compile(*value);
    if (compiled) return std::move(*compiled);
    fault(compiled.error().message, at + "/" + std::string(key));
    return std::nullopt;
}

std::optional<Formula> Compiler::formula(const json::Value& json, std::string_view key,
                                         const std::string& at, const std::string& prefix) {
    const json::Value* value = json.find(key);
    if (value == nullptr) return std::nullopt;
    auto compiled = Formula::compile(*value, prefix + std::string(key));
    if (compiled) return std::move(*compiled);
    fault(compiled.error().message, at + "/" + std::string(key));
    return std::nullopt;
}

JsonataExit Compiler::exit(const json::Value& json, const std::string& at,
                           const std::string& prefix) {
    return {formula(json, "Output", at, prefix), formula(json, "Assign", at, prefix)};
}

NumberField Compiler::number(const Source& source, std::string_view key) {
    NumberField field;
    const json::Value* value = source.json.find(key);
    if (value != nullptr && value->is_int()) field.value = value->as_int();
    if (value != nullptr && source.is_jsonata && Formula::is_expression(*value)) {
        field.formula = formula(source.json, key, source.at, "");
        return field;
    }
    if (value != nullptr && !value->is_int())
        fault("Expected value of type Integer", source.at + "/" + std::string(key));
    field.path = path(source.json, std::string(key) + "Path", source.at);
    return field;
}

TextField Compiler::text_field(const Source& source, std::string_view key) {
    TextField field;
    const json::Value* value = source.json.find(key);
    if (value != nullptr && value->is_string()) field.text = value->as_string();
    if (source.is_jsonata) {
        field.formula = formula(source.json, key, source.at, "");
        return field;
    }
    const json::Value* path = source.json.find(std::string(key) + "Path");
    if (path == nullptr) return field;
    // A path or an intrinsic function: what a template's "x.$" member may be.
    auto compiled = Template::compile_expression(std::string(key) + "Path", *path);
    if (compiled) {
        field.expression = std::move(*compiled);
    } else {
        fault(compiled.error().message, source.at + "/" + std::string(key) + "Path");
    }
    return field;
}

std::vector<std::string> Compiler::error_names(const json::Value& json, const std::string& at) {
    std::vector<std::string> names;
    const json::Value* list = json.find("ErrorEquals");
    if (list == nullptr || !list->is_array() || list->as_array().empty()) {
        fault("These fields are required: [ErrorEquals]", at);
        return names;
    }
    for (const json::Value& name : list->as_array()) {
        if (name.is_string()) names.push_back(name.as_string());
    }
    return names;
}

int Compiler::target(const Source& source, const json::Value& json, std::string_view key,
                     const std::string& at) {
    const json::Value* value = json.find(key);
    if (value == nullptr) return kEnd;
    const auto it = source.names.find(value->is_string() ? value->as_string() : std::string());
    if (it != source.names.end()) return it->second;
    fault("Missing '" + std::string(key) + "' target", at + "/" + std::string(key));
    return kEnd;
}

}  // namespace tandem::asl
