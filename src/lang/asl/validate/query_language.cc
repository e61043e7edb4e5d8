// What depends on the query language of a state: which fields it may have, and what its
// expressions and the names of its variables must be.
#include <algorithm>

#include "base/limits.h"
#include "json/jsonata/identifier.h"
#include "lang/asl/data/formula.h"
#include "lang/asl/validate/validator.h"

namespace tandem::asl {

namespace {

constexpr std::string_view kJsonPathOnly[] = {"InputPath",
                                              "OutputPath",
                                              "ResultPath",
                                              "Parameters",
                                              "ResultSelector",
                                              "Result",
                                              "ItemsPath",
                                              "SecondsPath",
                                              "TimestampPath",
                                              "TimeoutSecondsPath",
                                              "HeartbeatSecondsPath",
                                              "MaxConcurrencyPath",
                                              "ToleratedFailureCountPath",
                                              "ToleratedFailurePercentagePath",
                                              "ErrorPath",
                                              "CausePath",
                                              "MaxItemsPath",
                                              "MaxItemsPerBatchPath",
                                              "MaxInputBytesPerBatchPath"};
constexpr std::string_view kJsonataOnly[] = {"Arguments", "Output", "Items", "Condition"};

// Members of a state, a catcher or a rule that hold no expressions, whatever their text.
constexpr std::string_view kPlain[] = {
    "Comment", "Type",        "Next",     "Default", "Resource",      "QueryLanguage", "Label",
    "Retry",   "ErrorEquals", "Branches", "End",     "ItemProcessor", "Iterator"};

template <size_t n>
bool is_among(const std::string_view (&names)[n], std::string_view name) {
    return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

}  // namespace

void Validator::other_language(std::string_view field, bool jsonata, const std::string& at) {
    const std::string ours = jsonata ? "JSONata" : "JSONPath";
    const std::string theirs = jsonata ? "JSONPath" : "JSONata";
    schema("The QueryLanguage is set to '" + ours + "', but field '" + std::string(field) +
               "' is only supported for the '" + theirs + "' QueryLanguage",
           at);
}

void Validator::fields_of_language(const json::Value& json, bool jsonata, const std::string& at) {
    if (!json.is_object()) return;
    for (const auto& [name, member] : json.as_object()) {
        const bool is_other =
            jsonata ? is_among(kJsonPathOnly, name) : is_among(kJsonataOnly, name);
        if (is_other) other_language(name, jsonata, at);
    }
}

void Validator::query_language(const json::Value& json, const std::string& at) {
    const json::Value* language = json.find("QueryLanguage");
    if (language == nullptr) return;
    const std::string place = (at == "/" ? std::string() : at) + "/QueryLanguage";
    if (!language->is_string()) return schema("Expected value of type String", place);
    if (language->as_string() != "JSONPath" && language->as_string() != "JSONata") {
        schema("The field 'QueryLanguage' should have one of these values: [JSONPath, JSONata]",
               place);
    }
}

void Validator::expressions(const json::Value& json, const std::string& at) {
    if (json.is_object()) {
        for (const auto& [name, member] : json.as_object()) expressions(member, at + "/" + name);
    }
    if (json.is_array()) {
        size_t number = 0;
        for (const json::Value& item : json.as_array())
            expressions(item, at + "[" + std::to_string(number++) + "]");
    }
    if (!Formula::is_expression(json)) return;
    const auto compiled =
        jsonata::Expression::compile(Formula::expression_in(json), jsonata::Dialect::kStates);
    if (!compiled) return report("INVALID_JSONATA_EXPRESSION", compiled.error().message, at);
    const auto unsupported = [&](const std::string& name) {
        report("UNSUPPORTED_JSONATA_EXPRESSION",
               "Reference to '" + name + "' at the top level is not supported.", at);
    };
    // There is no input that they could mean.
    for (const std::string& name : (*compiled)->uses().fields) unsupported(name);
    for (const std::string& name : (*compiled)->uses().variables) {
        if (name.empty() || name == "$") unsupported("$" + name);
    }
}

void Validator::expressions_of_state(const json::Value& json, const std::string& at) {
    for (const auto& [name, member] : json.as_object()) {
        if (is_among(kPlain, name)) continue;
        const std::string place = at + "/" + name;
        const bool is_list = (name == "Catch" || name == "Choices") && member.is_array();
        if (!is_list) {
            expressions(member, place);
            continue;
        }
        size_t number = 0;
        for (const json::Value& item : member.as_array()) {
            const std::string here = place + "[" + std::to_string(number++) + "]";
            if (item.is_object()) expressions_of_state(item, here);
        }
    }
}

void Validator::variables(const json::Value& json, bool jsonata, const std::string& at) {
    const json::Value* assign = json.find("Assign");
    if (assign == nullptr) return;
    const std::string place = at + "/Assign";
    // As a whole it may be an expression.
    if (jsonata && Formula::is_expression(*assign)) return;
    if (!assign->is_object()) return schema("Expected value of type Object", place);
    for (const auto& [key, value] : assign->as_object()) {
        std::string_view name = key;
        if (!jsonata && name.ends_with(".$")) name.remove_suffix(2);
        const std::string quoted = "The variable name '" + std::string(name) + "'";
        if (name == "states") {
            schema(quoted + " is reserved", place);
        } else if (characters_of(name) > kVariableNameChars) {
            schema(quoted + " exceeds the " + std::to_string(kVariableNameChars) +
                       "-character limit allowed by the service",
                   place);
        } else if (!jsonata::is_identifier(name)) {
            schema(quoted + " is not a valid identifier", place);
        }
    }
}

}  // namespace tandem::asl
