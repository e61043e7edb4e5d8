#include "lang/asl/compile.h"

namespace tandem::asl {

namespace {

struct NamedOperand {
    std::string_view name;
    Operand operand;
};
constexpr NamedOperand kOperands[] = {
    {"String", Operand::kString},
    {"Numeric", Operand::kNumeric},
    {"Boolean", Operand::kBoolean},
    {"Timestamp", Operand::kTimestamp},
};

struct NamedComparison {
    std::string_view name;
    Comparison comparison;
};
constexpr NamedComparison kComparisons[] = {
    {"Equals", Comparison::kEquals},
    {"LessThan", Comparison::kLessThan},
    {"GreaterThan", Comparison::kGreaterThan},
    {"LessThanEquals", Comparison::kLessThanEquals},
    {"GreaterThanEquals", Comparison::kGreaterThanEquals},
    {"Matches", Comparison::kMatches},
};

struct NamedType {
    std::string_view name;
    TypeTest type;
};
constexpr NamedType kTypes[] = {
    {"IsNull", TypeTest::kNull},       {"IsPresent", TypeTest::kPresent},
    {"IsNumeric", TypeTest::kNumeric}, {"IsString", TypeTest::kString},
    {"IsBoolean", TypeTest::kBoolean}, {"IsTimestamp", TypeTest::kTimestamp},
};

/// The comparison that is left of `key` after its operand's name; for booleans only Equals, for
/// patterns only strings.
std::optional<Comparison> comparison_of(std::string_view name, Operand operand, bool is_path) {
    for (const auto& [text, comparison] : kComparisons) {
        if (text != name) continue;
        if (operand == Operand::kBoolean && comparison != Comparison::kEquals) return std::nullopt;
        if (comparison == Comparison::kMatches && (operand != Operand::kString || is_path))
            return std::nullopt;
        return comparison;
    }
    return std::nullopt;
}

bool is_operand(const json::Value& value, Operand operand) {
    switch (operand) {
        case Operand::kString: return value.is_string();
        case Operand::kNumeric: return value.is_number();
        case Operand::kBoolean: return value.is_bool();
        case Operand::kTimestamp: return value.is_string();
    }
    return false;
}

}  // namespace

ChoiceState Compiler::choice(const Source& source) {
    ChoiceState state;
    const json::Value* choices = source.json.find("Choices");
    if (choices == nullptr || !choices->is_array() || choices->as_array().empty()) {
        fault("Value cannot be empty", source.at + "/Choices");
        return state;
    }
    for (const json::Value& json : choices->as_array()) {
        const std::string at = source.at + "/Choices[" + std::to_string(state.choices.size()) + "]";
        Choice choice;
        choice.next = target(source, json, "Next", at);
        if (source.is_jsonata) {
            const std::string place = "Choices[" + std::to_string(state.choices.size()) + "]/";
            choice.condition = formula(json, "Condition", at, place);
            if (!choice.condition) fault("These fields are required: [Condition]", at);
            choice.exit = exit(json, at, place);
        } else {
            choice.rule = rule(json, at);
            choice.assign = payload(json, "Assign", at);
        }
        if (choice.next == kEnd) fault("These fields are required: [Next]", at);
        state.choices.push_back(std::move(choice));
    }
    state.default_next = target(source, source.json, "Default", source.at);
    return state;
}

Rule Compiler::rule(const json::Value& json, const std::string& at) {
    Rule rule;
    if (!json.is_object()) {
        fault("Expected value of type Object", at);
        return rule;
    }
    for (const auto& [name, kind] :
         {std::pair("And", Rule::Kind::kAnd), std::pair("Or", Rule::Kind::kOr)}) {
        const json::Value* children = json.find(name);
        if (children == nullptr) continue;
        rule.kind = kind;
        if (!children->is_array() || children->as_array().empty()) {
            fault("Value cannot be empty", at + "/" + name);
            return rule;
        }
        for (const json::Value& child : children->as_array()) {
            rule.children.push_back(this->rule(
                child, at + "/" + name + "[" + std::to_string(rule.children.size()) + "]"));
        }
        return rule;
    }
    if (const json::Value* child = json.find("Not")) {
        rule.kind = Rule::Kind::kNot;
        rule.children.push_back(this->rule(*child, at + "/Not"));
        return rule;
    }
    rule.variable = path(json, "Variable", at);
    if (!rule.variable) fault("These fields are required: [Variable]", at);
    int operators = 0;
    for (const auto& [key, value] : json.as_object()) {
        if (key == "Variable" || key == "Next" || key == "Comment" || key == "Assign") continue;
        comparison(rule, key, value, at);
        ++operators;
    }
    if (operators != 1) fault("A Choice Rule must have exactly one comparison operator", at);
    return rule;
}

void Compiler::comparison(Rule& rule, std::string_view key, const json::Value& value,
                          const std::string& at) {
    const std::string where = at + "/" + std::string(key);
    for (const auto& [name, type] : kTypes) {
        if (name != key) continue;
        rule.kind = Rule::Kind::kType;
        rule.type = type;
        if (!value.is_bool()) return fault("Expected value of type Boolean", where);
        rule.wanted = value.as_bool();
        return;
    }
    const std::string whole(key);
    const bool is_path = key.ends_with("Path");
    if (is_path) key.remove_suffix(4);
    for (const auto& [name, operand] : kOperands) {
        if (!key.starts_with(name)) continue;
        const auto comparison = comparison_of(key.substr(name.size()), operand, is_path);
        if (!comparison) break;
        rule.kind = Rule::Kind::kCompare;
        rule.operand = operand;
        rule.comparison = *comparison;
        if (is_path && value.is_string()) {
            if (auto path = Path::compile(value.as_string())) rule.operand_path = std::move(*path);
        }
        if (is_path && !rule.operand_path) fault("Value is not a valid JSONPath", where);
        if (!is_path && !is_operand(value, operand)) fault("Value has the wrong type", where);
        rule.literal = value;
        return;
    }
    fault("Field '" + whole + "' is not supported", where);
}

}  // namespace tandem::asl
