#include <algorithm>

#include "base/clock.h"
#include "lang/asl/data/formula.h"
#include "lang/asl/validate/validator.h"

namespace tandem::asl {

namespace {

const std::vector<std::string>& operators() {
    static const std::vector<std::string> all = [] {
        std::vector<std::string> names = {"IsNull",        "IsPresent",     "IsNumeric",
                                          "IsString",      "IsBoolean",     "IsTimestamp",
                                          "StringMatches", "BooleanEquals", "BooleanEqualsPath"};
        for (const char* operand : {"String", "Numeric", "Timestamp"}) {
            for (const char* comparison :
                 {"Equals", "LessThan", "GreaterThan", "LessThanEquals", "GreaterThanEquals"}) {
                names.push_back(std::string(operand) + comparison);
                names.push_back(names.back() + "Path");
            }
        }
        return names;
    }();
    return all;
}

}  // namespace

void Validator::choice(const json::Value& json, const std::string& at) {
    required(json, at, {"Choices"});
    const json::Value* choices = json.find("Choices");
    if (choices == nullptr) return;
    if (!choices->is_array()) return schema("Expected value of type Array", at + "/Choices");
    if (choices->as_array().empty()) return schema("Value cannot be empty", at + "/Choices");
    size_t number = 0;
    for (const json::Value& item : choices->as_array()) {
        const std::string place = at + "/Choices[" + std::to_string(number++) + "]";
        if (!item.is_object()) {
            schema("Expected value of type Object", place);
            continue;
        }
        required(item, place, {"Next"});
        if (is_jsonata(json)) condition(item, place);
        else rule(item, place, true);
        variables(item, is_jsonata(json), place);
    }
}

void Validator::condition(const json::Value& json, const std::string& at) {
    required(json, at, {"Condition"});
    const std::vector<std::string>& comparisons = operators();
    Names names = {"Condition", "Next", "Comment", "Assign", "Output"};
    for (const auto& [name, member] : json.as_object()) {
        const bool is_rule =
            name == "Variable" || name == "And" || name == "Or" || name == "Not" ||
            std::find(comparisons.begin(), comparisons.end(), name) != comparisons.end();
        if (!is_rule) continue;
        other_language(name, true, at);
        names.push_back(name);
    }
    supported(json, at, names);
    const json::Value* condition = json.find("Condition");
    if (condition != nullptr && !condition->is_bool() && !Formula::is_expression(*condition))
        schema("Expected value of type Boolean", at + "/Condition");
}

void Validator::rule(const json::Value& json, const std::string& at, bool is_top) {
    if (!json.is_object()) return schema("Expected value of type Object", at);
    Names fields = {"Comment"};
    if (is_top) fields.insert(fields.end(), {"Next", "Assign"});
    fields_of_language(json, false, at);
    for (const std::string_view name : {"And", "Or"}) {
        const json::Value* rules = json.find(name);
        if (rules == nullptr) continue;
        const std::string inside = at + "/" + std::string(name);
        if (!rules->is_array()) return schema("Expected value of type Array", inside);
        if (rules->as_array().empty()) return schema("Value cannot be empty", inside);
        size_t number = 0;
        for (const json::Value& inner : rules->as_array())
            rule(inner, inside + "[" + std::to_string(number++) + "]", false);
        fields.push_back(name);
    }
    if (const json::Value* inner = json.find("Not")) {
        rule(*inner, at + "/Not", false);
        fields.push_back("Not");
    }
    if (fields.size() == (is_top ? 3u : 1u)) {
        required(json, at, {"Variable"});
        path(json, "Variable", at);
        fields.push_back("Variable");
        fields.insert(fields.end(), operators().begin(), operators().end());
    }
    fields.insert(fields.end(), {"Condition", "Output"});  // said above
    supported(json, at, fields);
    for (const std::string& name : operators()) {
        if (name.ends_with("Path")) path(json, name, at);
        const json::Value* value = json.find(name);
        const bool is_timestamp = name.starts_with("Timestamp") && !name.ends_with("Path");
        if (value == nullptr || !is_timestamp) continue;
        if (!value->is_string() || !parse_rfc3339(value->as_string()))
            schema("String does not match RFC3339 timestamp", at + "/" + name);
    }
    if (is_top) payload(json, "Assign", at);
}

}  // namespace tandem::asl
