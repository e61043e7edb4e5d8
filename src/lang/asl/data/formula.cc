#include "lang/asl/data/formula.h"

#include <algorithm>

#include "base/limits.h"

namespace tandem::asl {

namespace {

constexpr std::string_view kOpen = "{%", kClose = "%}";
constexpr std::string_view kSpace = " \t\r\n";

std::string_view trimmed(std::string_view text) {
    const size_t begin = text.find_first_not_of(kSpace);
    if (begin == text.npos) return {};
    return text.substr(begin, text.find_last_not_of(kSpace) + 1 - begin);
}

/// False only where every `$states` is followed by a member that is not the context, which costs
/// more to make than the others. Looks at the text: may be true for nothing.
bool may_need_context(std::string_view text) {
    constexpr std::string_view kStates = "$states";
    for (size_t at = text.find(kStates); at != text.npos; at = text.find(kStates, at + 1)) {
        const std::string_view rest = text.substr(at + kStates.size());
        const bool is_cheap = rest.starts_with(".input") || rest.starts_with(".result") ||
                              rest.starts_with(".errorOutput");
        if (!is_cheap) return true;
    }
    return false;
}

std::string_view kind_of(const json::Value& value) {
    switch (value.kind()) {
        case json::Kind::kNull: return "null";
        case json::Kind::kBool: return "boolean";
        case json::Kind::kInt:
        case json::Kind::kDouble: return "number";
        case json::Kind::kString: return "string";
        case json::Kind::kArray: return "array";
        case json::Kind::kObject: return "object";
    }
    return {};
}

}  // namespace

tl::unexpected<Failure> evaluation_failure(std::string text, std::string location) {
    Failure failure{std::string(kQueryEvaluationError), std::move(text), true, false};
    failure.is_evaluation = true;
    failure.location = std::move(location);
    return tl::unexpected<Failure>(std::move(failure));
}

bool Formula::is_expression(const json::Value& value) {
    if (!value.is_string()) return false;
    const std::string_view text = value.as_string();
    return text.size() >= kOpen.size() + kClose.size() && text.starts_with(kOpen) &&
           text.ends_with(kClose);
}

std::string_view Formula::expression_in(const json::Value& value) {
    const std::string_view text = value.as_string();
    return trimmed(text.substr(kOpen.size(), text.size() - kOpen.size() - kClose.size()));
}

Result<Formula> Formula::compile(const json::Value& value, std::string location) {
    Formula formula;
    bool is_dynamic = false;
    if (is_expression(value)) {
        const std::string_view text = expression_in(value);
        auto expression = jsonata::Expression::compile(text, jsonata::Dialect::kStates);
        if (!expression) {
            return fail(ErrorCode::kInvalidArgument,
                        "The JSONata expression '" + std::string(text) + "' is not valid: " +
                            expression.error().code + ": " + expression.error().message);
        }
        formula.expression_ = std::move(*expression);
        formula.needs_context_ = may_need_context(text);
        is_dynamic = true;
    }
    if (value.is_array()) {
        for (const json::Value& item : value.as_array()) {
            auto part = compile(item, location + "[" + std::to_string(formula.items_.size()) + "]");
            if (!part) return part;
            is_dynamic = is_dynamic || part->is_dynamic_;
            formula.items_.push_back(std::move(*part));
        }
    }
    if (value.is_object()) {
        for (const auto& [key, member] : value.as_object()) {
            auto part = compile(member, location + "/" + key);
            if (!part) return part;
            is_dynamic = is_dynamic || part->is_dynamic_;
            formula.members_.emplace_back(key, std::move(*part));
        }
    }
    if (!is_dynamic) {
        formula = Formula();
        formula.constant_ = value;
    }
    formula.is_dynamic_ = is_dynamic;
    formula.location_ = std::move(location);
    return formula;
}

Outcome<json::Value> Formula::render(const StatesData& states, Environment& environment) const {
    if (expression_) return evaluate(states, environment);
    if (!items_.empty()) {
        json::Array items;
        items.reserve(items_.size());
        for (const Formula& part : items_) {
            auto item = part.render(states, environment);
            if (!item) return item;
            items.push_back(std::move(*item));
        }
        return json::Value(std::move(items));
    }
    if (members_.empty()) return constant_;
    json::Value object = json::Value::object();
    for (const auto& [key, part] : members_) {
        auto value = part.render(states, environment);
        if (!value) return value;
        object.set(key, std::move(*value));
    }
    return object;
}

Outcome<json::Value> Formula::render_as(std::string_view kind, const StatesData& states,
                                        Environment& environment) const {
    auto value = render(states, environment);
    if (!value || kind_of(*value) == kind) return value;
    return failure("returned an unexpected result type. Expected '" + std::string(kind) +
                   "', but was '" + std::string(kind_of(*value)) +
                   "' for value: " + json::print_clipped(*value, kCauseChars));
}

tl::unexpected<Failure> Formula::failure(std::string what) const {
    const std::string shown =
        expression_ ? "The JSONata expression '" + expression_->text() + "'" : "The value";
    return evaluation_failure(
        shown + " specified for the field '" + location_ + "' " + std::move(what), location_);
}

Outcome<json::Value> Formula::evaluate(const StatesData& states, Environment& environment) const {
    std::optional<json::Value> made;  // $states
    const auto lookup = [&](std::string_view name) -> const json::Value* {
        if (name != "states") return environment.variable(name);
        if (made) return &*made;
        made = json::Value::object();
        if (states.input) made->set("input", *states.input);
        if (needs_context_) made->set("context", environment.context(true));
        if (states.result) made->set("result", *states.result);
        if (states.error_output) made->set("errorOutput", *states.error_output);
        return &*made;
    };
    json::Budget& budget = environment.budget();
    bool is_function = false;
    uint64_t steps = 0;
    jsonata::Options options;
    options.bounds.steps = std::min<uint64_t>(options.bounds.steps, budget.left);
    options.now = environment.now();
    options.seed = environment.random().next();
    options.steps_used = &steps;
    options.is_function = &is_function;
    auto value = expression_->evaluate(nullptr, lookup, options);
    budget.spend(size_t(steps));
    if (!value) {
        return failure("threw an error during evaluation. " + value.error().code + ": " +
                       value.error().message);
    }
    if (is_function) return failure("returned an unsupported result type.");
    if (!*value) return failure("returned nothing (undefined).");
    return std::move(**value);
}

void Formula::references(std::vector<std::string>& names) const {
    if (expression_) {
        for (const std::string& name : expression_->uses().variables) {
            const bool is_own = name.empty() || name == "$" || name == "states";
            if (!is_own) names.push_back(name);
        }
    }
    for (const auto& [key, part] : members_) part.references(names);
    for (const Formula& part : items_) part.references(names);
}

}  // namespace tandem::asl
