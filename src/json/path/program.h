// The compiled form of a JSONPath: a list of steps, and the expression trees of its filters.
// Internal to json/path; path.h is the door. Built once by the compiler, never changed afterwards.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <regex>
#include <string>
#include <vector>

#include "json/budget.h"
#include "json/value.h"

namespace tandem::json::path {

struct Program;
struct Filter;

enum class StepKind : uint8_t {
    kProperty,
    kIndex,
    kSlice,
    kWildcard,
    kDescend,
    kFilter,
    kFunction
};

enum class Function : uint8_t {
    kMin,
    kMax,
    kAvg,
    kStddev,
    kSum,
    kLength,
    kKeys,
    kConcat,
    kAppend,
    kFirst,
    kLast,
    kIndex
};

/// An argument or operand: a constant, or a path from the root or from the current item.
struct Operand {
    enum class Kind : uint8_t { kValue, kPath, kRegex };
    Kind kind = Kind::kValue;
    Value value;
    bool from_root = false;  // `$...` rather than `@...`
    std::shared_ptr<const Program> path;
    std::shared_ptr<const std::regex> regex;
    size_t regex_cost = 0;  // budget to spend per character of the subject
};

struct Step {
    StepKind kind = StepKind::kWildcard;
    std::vector<std::string> names;
    std::vector<int64_t> indices;
    std::optional<int64_t> from, to;
    std::shared_ptr<const Filter> filter;
    Function function = Function::kLength;
    std::vector<Operand> arguments;
    bool upstream_definite = true;  // all steps before this one name one value
    bool is_leaf = false;

    bool is_definite() const;
    std::string text() const;
};

enum class Operator : uint8_t {
    kExists,
    kEq,
    kNe,
    kStrictEq,
    kStrictNe,
    kLt,
    kLe,
    kGt,
    kGe,
    kRegex,
    kIn,
    kNin,
    kSubsetOf,
    kAnyOf,
    kNoneOf,
    kContains,
    kAll,
    kSize,
    kEmpty
};

struct Filter {
    enum class Kind : uint8_t { kAnd, kOr, kNot, kCompare };
    Kind kind = Kind::kCompare;
    std::vector<Filter> children;
    Operator op = Operator::kExists;
    Operand left, right;
};

struct Program {
    std::string text;
    std::vector<Step> steps;
    bool is_definite = true;
    bool aggregates_scan = false;  // "$..x.f()": the function applies to the whole list of matches

    std::string canonical() const;
};

/// `start` is what the path's own `$` or `@` stands for; errors as Path::evaluate().
Result<Value> evaluate(const Program& program, const Value& start, const Value& root,
                       Budget& budget);
/// Whether `item` passes; an operand whose path leads nowhere is undefined, which equals nothing.
bool matches(const Filter& filter, const Value& item, const Value& root, Budget& budget);
/// The function of a step, applied to a value.
Result<Value> apply(const Step& step, const Value& model, const Value& root, Budget& budget);
/// Nothing where the operand's path leads nowhere.
std::optional<Value> operand_value(const Operand& operand, const Value& item, const Value& root,
                                   Budget& budget);

}  // namespace tandem::json::path
