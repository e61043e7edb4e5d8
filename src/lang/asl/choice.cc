// Choice: rules are tried in order; the first that holds decides. A comparison of different types
// is false; a variable that is not there fails the execution unless IsPresent asks for it.
#include "lang/asl/run.h"

namespace tandem::asl {

namespace {

Failure invalid_path(const Path& path) {
    return {std::string(kRuntime),
            "Invalid path '" + path.text() +
                "': The choice state's condition path references an invalid value.",
            true};
}

/// Why a rule cannot be decided, if its variable has no value.
Failure no_value(const Path& path, const Error& error) {
    if (error.code != ErrorCode::kTooLarge) return invalid_path(path);
    return {std::string(kRuntime), "Invalid path '" + path.text() + "': " + error.message, true};
}

/// '*' stands for any characters; '\' before it takes it literally. Quadratic for some patterns,
/// hence the budget.
bool matches_pattern(std::string_view text, std::string_view pattern, json::Budget& budget) {
    size_t t = 0, p = 0, star = std::string_view::npos, resume = 0;
    for (size_t steps = 1; t < text.size(); ++steps) {
        if (steps % 16 == 0 && !budget.spend()) return false;
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            resume = t;
            continue;
        }
        size_t width = 1;
        if (p + 1 < pattern.size() && pattern[p] == '\\') width = 2;
        if (p < pattern.size() && pattern[p + width - 1] == text[t]) {
            p += width;
            ++t;
            continue;
        }
        if (star == std::string_view::npos) return false;
        p = star + 1;
        t = ++resume;
    }
    while (p < pattern.size() && pattern[p] == '*') ++p;
    return p == pattern.size();
}

template <class T>
bool holds(Comparison comparison, const T& a, const T& b) {
    switch (comparison) {
        case Comparison::kEquals: return a == b;
        case Comparison::kLessThan: return a < b;
        case Comparison::kGreaterThan: return b < a;
        case Comparison::kLessThanEquals: return !(b < a);
        case Comparison::kGreaterThanEquals: return !(a < b);
        case Comparison::kMatches: return false;
    }
    return false;
}

bool compare_numbers(Comparison comparison, const json::Value& a, const json::Value& b) {
    if (!a.is_number() || !b.is_number()) return false;
    if (a.is_int() && b.is_int()) return holds(comparison, a.as_int(), b.as_int());
    const double x = a.as_double(), y = b.as_double();
    return holds(comparison, x, y);
}

bool compare_timestamps(Comparison comparison, const json::Value& a, const json::Value& b) {
    if (!a.is_string() || !b.is_string()) return false;
    const auto x = parse_rfc3339(a.as_string());
    const auto y = parse_rfc3339(b.as_string());
    return x && y && holds(comparison, *x, *y);
}

bool compare(const Rule& rule, const json::Value& a, const json::Value& b, json::Budget& budget) {
    switch (rule.operand) {
        case Operand::kString:
            if (!a.is_string() || !b.is_string()) return false;
            if (rule.comparison == Comparison::kMatches)
                return matches_pattern(a.as_string(), b.as_string(), budget);
            budget.spend_on_text(std::min(a.as_string().size(), b.as_string().size()));
            return holds(rule.comparison, a.as_string(), b.as_string());
        case Operand::kNumeric: return compare_numbers(rule.comparison, a, b);
        case Operand::kBoolean: return a.is_bool() && b.is_bool() && a.as_bool() == b.as_bool();
        case Operand::kTimestamp: return compare_timestamps(rule.comparison, a, b);
    }
    return false;
}

bool is_of(TypeTest type, const json::Value& value) {
    switch (type) {
        case TypeTest::kNull: return value.is_null();
        case TypeTest::kPresent: return true;
        case TypeTest::kNumeric: return value.is_number();
        case TypeTest::kString: return value.is_string();
        case TypeTest::kBoolean: return value.is_bool();
        case TypeTest::kTimestamp: return value.is_string() && parse_rfc3339(value.as_string());
    }
    return false;
}

Outcome<bool> test_type(const Rule& rule, const json::Value& data, Environment& environment) {
    const auto value = rule.variable->get(data, environment);
    if (!value && (rule.type != TypeTest::kPresent || value.error().code == ErrorCode::kTooLarge))
        return tl::unexpected(no_value(*rule.variable, value.error()));
    if (rule.type == TypeTest::kPresent) return value.has_value() == rule.wanted;
    return is_of(rule.type, *value) == rule.wanted;
}

Outcome<bool> test_comparison(const Rule& rule, const json::Value& data, Environment& environment) {
    const auto value = rule.variable->get(data, environment);
    if (!value) return tl::unexpected(no_value(*rule.variable, value.error()));
    Result<json::Value> operand = rule.literal;
    if (rule.operand_path) operand = rule.operand_path->get(data, environment);
    if (!operand) return tl::unexpected(no_value(*rule.operand_path, operand.error()));
    const bool holds = compare(rule, *value, *operand, environment.budget());
    if (environment.budget().is_spent())
        return state_failure(kRuntime, "The rules of the state compare too much data.");
    return holds;
}

Outcome<bool> test(const Rule& rule, const json::Value& data, Environment& environment) {
    switch (rule.kind) {
        case Rule::Kind::kType: return test_type(rule, data, environment);
        case Rule::Kind::kCompare: return test_comparison(rule, data, environment);
        case Rule::Kind::kNot: {
            auto result = test(rule.children[0], data, environment);
            if (result) *result = !*result;
            return result;
        }
        case Rule::Kind::kAnd:
        case Rule::Kind::kOr: {
            // Short-circuit, so that And can guard a path by IsPresent.
            const bool stops_at = rule.kind == Rule::Kind::kOr;
            for (const Rule& child : rule.children) {
                const auto result = test(child, data, environment);
                if (!result || *result == stops_at) return result;
            }
            return !stops_at;
        }
    }
    return false;
}

Failure no_choice() {
    return {std::string(kNoChoiceMatched),
            "Failed to transition out of the state. The state does not point to a next state.",
            true};
}

}  // namespace

void Run::choose_by_condition(Scope& scope, const ChoiceState& choice, const json::Value& data) {
    ScopeEnvironment environment(*this, scope);
    const StatesData states{&data};
    for (const Choice& option : choice.choices) {
        const auto result = option.condition->render_as("boolean", states, environment);
        if (!result) return fail(scope, result.error());
        if (result->as_bool()) return leave_by(scope, option.exit, option.next, states, data);
    }
    if (choice.default_next == kEnd) return fail(scope, no_choice());
    leave_by(scope, definition_of(scope).exit, choice.default_next, states, data);
}

void Run::run_choice(Scope& scope, const ChoiceState& choice) {
    const auto data = effective_input(scope);
    if (!data) return fail(scope, data.error());
    if (definition_of(scope).is_jsonata) return choose_by_condition(scope, choice, *data);
    ScopeEnvironment environment(*this, scope);
    for (const Choice& option : choice.choices) {
        const auto result = test(option.rule, *data, environment);
        if (!result) return fail(scope, result.error());
        if (*result) return finish_with(scope, *data, option.assign, option.next, *data);
    }
    if (choice.default_next == kEnd) return fail(scope, no_choice());
    finish_with(scope, *data, definition_of(scope).assign, choice.default_next, *data);
}

}  // namespace tandem::asl
