#include <algorithm>

#include "lang/asl/data/path.h"
#include "lang/asl/data/template.h"
#include "lang/asl/validate/validator.h"

namespace tandem::asl {

namespace {

std::string list(const std::vector<std::string_view>& names) {
    std::string out = "[";
    for (const std::string_view name : names) out.append(out.size() > 1 ? ", " : "").append(name);
    return out + "]";
}

std::string below(const std::string& at, std::string_view name) {
    return (at == "/" ? std::string() : at) + "/" + std::string(name);
}

}  // namespace

size_t characters_of(std::string_view text) {
    const auto begins_one = [](char c) { return (uint8_t(c) & 0xC0) != 0x80; };
    return size_t(std::count_if(text.begin(), text.end(), begins_one));
}

void Validator::required(const json::Value& json, const std::string& at, const Names& names) {
    Names missing;
    for (const std::string_view name : names) {
        if (json.find(name) == nullptr) missing.push_back(name);
    }
    if (!missing.empty()) schema("These fields are required: " + list(missing), at);
}

void Validator::supported(const json::Value& json, const std::string& at, const Names& names) {
    for (const auto& [name, value] : json.as_object()) {
        if (std::find(names.begin(), names.end(), name) == names.end())
            schema("Field '" + name + "' is not supported", at);
    }
}

void Validator::only_one_of(const json::Value& json, const std::string& at, const Names& names) {
    const auto there = std::count_if(names.begin(), names.end(), [&json](std::string_view name) {
        return json.find(name) != nullptr;
    });
    if (there > 1) schema("There should only be one of the following fields: " + list(names), at);
}

void Validator::path(const json::Value& json, std::string_view name, const std::string& at) {
    const json::Value* value = json.find(name);
    if (value == nullptr) return;
    if (!value->is_string() || !value->as_string().starts_with("$") ||
        !Path::compile(value->as_string()))
        schema("Value must be a valid JSONPath.", below(at, name));
}

void Validator::path_or_null(const json::Value& json, std::string_view name,
                             const std::string& at) {
    const json::Value* value = json.find(name);
    if (value != nullptr && !value->is_null()) path(json, name, at);
}

void Validator::reference_path(const json::Value& json, std::string_view name,
                               const std::string& at) {
    const json::Value* value = json.find(name);
    if (value == nullptr || value->is_null()) return;
    if (!value->is_string() || !ReferencePath::compile(value->as_string()))
        schema("Value is not a Reference Path", below(at, name));
}

void Validator::payload(const json::Value& json, std::string_view name, const std::string& at) {
    const json::Value* value = json.find(name);
    if (value == nullptr) return;
    const auto compiled = Template::compile(*value);
    if (!compiled) schema(compiled.error().message, below(at, name));
}

void Validator::integer(const json::Value& json, std::string_view name, const std::string& at,
                        int64_t least, int64_t most) {
    const json::Value* value = json.find(name);
    if (value == nullptr) return;
    const std::string where = below(at, name);
    if (!value->is_int()) return schema("Expected value of type Integer", where);
    if (value->as_int() < least) schema("Minimum value is " + std::to_string(least), where);
    if (value->as_int() > most) schema("Maximum value is " + std::to_string(most), where);
}

}  // namespace tandem::asl
