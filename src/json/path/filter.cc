// Comparison of operands, with the rules of the dialect: a number and a text are equal where the
// text reads as that number, order exists only within numbers and within texts, undefined equals
// nothing.
#include <algorithm>
#include <charconv>
#include <cstring>

#include "json/path/program.h"

namespace tandem::json::path {

namespace {

std::optional<double> as_number(const std::string& text) {
    double d = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), d);
    if (ec != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return d;
}

/// a == b, paid for; false without a budget.
bool same(const Value& a, const Value& b, Budget& budget) {
    if (!budget.spend()) return false;
    if (a.is_string() && b.is_string()) {
        const std::string &x = a.as_string(), &y = b.as_string();
        return x.size() == y.size() && budget.spend_on_text(x.size()) && x == y;
    }
    if (a.is_array() && b.is_array()) {
        const Array &x = a.as_array(), &y = b.as_array();
        return std::equal(x.begin(), x.end(), y.begin(), y.end(),
                          [&](const Value& m, const Value& n) { return same(m, n, budget); });
    }
    if (a.is_object() && b.is_object()) {
        const Object &x = a.as_object(), &y = b.as_object();
        return x.size() == y.size() && std::all_of(x.begin(), x.end(), [&](const Member& member) {
                   const Value* other = y.find(member.first);
                   return other != nullptr && same(member.second, *other, budget);
               });
    }
    return a == b;
}

bool equal(const Value& a, const Value& b, Budget& budget) {
    if (a.is_number() && b.is_string()) return as_number(b.as_string()) == a.as_double();
    if (a.is_string() && b.is_number()) return a.as_string() == print(b);
    return same(a, b, budget);
}

/// -1, 0 or 1; nothing where there is no order.
std::optional<int> order(const Value& a, const Value& b, Budget& budget) {
    if (a.is_number() && b.is_number()) {
        if (a.is_int() && b.is_int()) return a.as_int() < b.as_int() ? -1 : a.as_int() > b.as_int();
        return a.as_double() < b.as_double() ? -1 : a.as_double() > b.as_double();
    }
    if (a.is_string() && b.is_string()) {
        if (!budget.spend_on_text(std::min(a.as_string().size(), b.as_string().size())))
            return std::nullopt;
        const int c = a.as_string().compare(b.as_string());
        return c < 0 ? -1 : c > 0;
    }
    return std::nullopt;
}

/// In linear time, which std::string's own search does not promise.
bool contains(const std::string& text, const std::string& part, Budget& budget) {
    return budget.spend_on_text(text.size() + part.size()) &&
           ::memmem(text.data(), text.size(), part.data(), part.size()) != nullptr;
}

bool holds(const Value& list, const Value& wanted, Budget& budget) {
    return std::any_of(list.as_array().begin(), list.as_array().end(), [&](const Value& item) {
        return budget.spend() && equal(item, wanted, budget);
    });
}

size_t common(const Value& items, const Value& list, Budget& budget) {
    return size_t(std::count_if(items.as_array().begin(), items.as_array().end(),
                                [&](const Value& item) { return holds(list, item, budget); }));
}

std::optional<size_t> size_of(const Value& v) {
    if (v.is_string()) return v.as_string().size();
    if (v.is_array()) return v.as_array().size();
    if (v.is_object()) return v.as_object().size();
    return std::nullopt;
}

/// The operators over lists: one side or both must be an array.
bool compare_lists(Operator op, const Value& left, const Value& right, Budget& budget) {
    if (op == Operator::kIn) return right.is_array() && holds(right, left, budget);
    if (op == Operator::kNin) return right.is_array() && !holds(right, left, budget);
    if (!left.is_array() || !right.is_array()) return false;
    const size_t found = common(left, right, budget);
    if (op == Operator::kSubsetOf) return found == left.as_array().size();
    return op == Operator::kAnyOf ? found > 0 : found == 0;
}

bool compare(Operator op, const Value& left, const Value& right, Budget& budget) {
    switch (op) {
        case Operator::kEq: return equal(left, right, budget);
        case Operator::kNe: return !equal(left, right, budget);
        case Operator::kStrictEq:
            return left.is_number() == right.is_number() && same(left, right, budget);
        case Operator::kStrictNe:
            return left.is_number() != right.is_number() || !same(left, right, budget);
        case Operator::kLt: return order(left, right, budget).value_or(0) < 0;
        case Operator::kGt: return order(left, right, budget).value_or(0) > 0;
        case Operator::kLe: return order(left, right, budget).value_or(1) <= 0;
        case Operator::kGe: return order(left, right, budget).value_or(-1) >= 0;
        case Operator::kIn:
        case Operator::kNin:
        case Operator::kSubsetOf:
        case Operator::kAnyOf:
        case Operator::kNoneOf: return compare_lists(op, left, right, budget);
        case Operator::kContains:
            if (left.is_array()) return holds(left, right, budget);
            return left.is_string() && right.is_string() &&
                   contains(left.as_string(), right.as_string(), budget);
        case Operator::kAll:
            return left.is_array() && right.is_array() &&
                   common(right, left, budget) == right.as_array().size();
        case Operator::kSize:
            return right.is_int() && !left.is_object() && size_of(left) == size_t(right.as_int());
        case Operator::kEmpty:
            return right.is_bool() && size_of(left) && (size_of(left) == 0u) == right.as_bool();
        case Operator::kExists:
        case Operator::kRegex: return false;  // no comparison of two values
    }
    return false;
}

bool matches_regex(const Operand& pattern, const Operand& subject, const Value& item,
                   const Value& root, Budget& budget) {
    const auto value = operand_value(subject, item, root, budget);
    if (!value || !(value->is_string() || value->is_number() || value->is_bool())) return false;
    const std::string text = value->is_string() ? value->as_string() : print(*value);
    if (!budget.spend(text.size() * pattern.regex_cost)) return false;
    try {
        return std::regex_match(text, *pattern.regex);
    } catch (const std::regex_error&) {
        return false;
    }
}

bool compares(const Filter& filter, const Value& item, const Value& root, Budget& budget) {
    if (filter.op == Operator::kRegex) {
        const bool right = filter.right.kind == Operand::Kind::kRegex;
        return matches_regex(right ? filter.right : filter.left, right ? filter.left : filter.right,
                             item, root, budget);
    }
    const auto left = operand_value(filter.left, item, root, budget);
    if (filter.op == Operator::kExists) return left.has_value();
    const auto right = operand_value(filter.right, item, root, budget);
    if (!left || !right) {
        const bool differs = filter.op == Operator::kNe || filter.op == Operator::kStrictNe;
        return differs || (filter.op == Operator::kNin && right && right->is_array());
    }
    return compare(filter.op, *left, *right, budget);
}

}  // namespace

std::optional<Value> operand_value(const Operand& operand, const Value& item, const Value& root,
                                   Budget& budget) {
    switch (operand.kind) {
        case Operand::Kind::kValue: return operand.value;
        case Operand::Kind::kRegex: return std::nullopt;
        case Operand::Kind::kPath: break;
    }
    auto value = evaluate(*operand.path, operand.from_root ? root : item, root, budget);
    if (!value) return std::nullopt;
    return std::move(*value);
}

bool matches(const Filter& filter, const Value& item, const Value& root, Budget& budget) {
    const auto child = [&](size_t i) { return matches(filter.children[i], item, root, budget); };
    switch (filter.kind) {
        case Filter::Kind::kAnd: return child(0) && child(1);
        case Filter::Kind::kOr: return child(0) || child(1);
        case Filter::Kind::kNot: return !child(0);
        case Filter::Kind::kCompare: return compares(filter, item, root, budget);
    }
    return false;
}

}  // namespace tandem::json::path
