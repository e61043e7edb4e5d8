#include <algorithm>
#include <cmath>
#include <limits>

#include "json/path/program.h"

namespace tandem::json::path {

namespace {

/// The numbers that an aggregate is over: those of the array it is applied to, then its arguments'.
std::vector<double> numbers_of(const Value& model, const std::vector<Value>& arguments) {
    std::vector<double> out;
    const auto add = [&](const Value& v) {
        if (v.is_number()) out.push_back(v.as_double());
    };
    const auto add_all = [&](const Value& v) {
        if (v.is_array()) std::for_each(v.as_array().begin(), v.as_array().end(), add);
    };
    add_all(model);
    for (const Value& argument : arguments) {
        add(argument);
        add_all(argument);
    }
    return out;
}

Result<Value> aggregate(Function function, const std::vector<double>& numbers) {
    if (numbers.empty()) {
        return fail(ErrorCode::kInvalidArgument,
                    "Aggregation function attempted to calculate value using empty array");
    }
    double sum = 0, squares = 0;
    for (const double d : numbers) {
        sum += d;
        squares += d * d;
    }
    const double count = double(numbers.size());
    double out = sum;
    if (function == Function::kMin) out = *std::min_element(numbers.begin(), numbers.end());
    if (function == Function::kMax) out = *std::max_element(numbers.begin(), numbers.end());
    if (function == Function::kAvg) out = sum / count;
    if (function == Function::kStddev) {
        out = std::sqrt(std::max(0.0, squares / count - sum * sum / count / count));
    }
    if (!std::isfinite(out))
        return fail(ErrorCode::kInvalidArgument, "the result is not a finite number");
    return Value(out);
}

Result<Value> element(const Value& model, int64_t index) {
    if (!model.is_array() || model.as_array().empty()) {
        return fail(ErrorCode::kInvalidArgument, "the function needs an array that is not empty");
    }
    const int64_t length = int64_t(model.as_array().size());
    if (index < 0) index += length;
    if (index < 0 || index >= length) {
        return fail(ErrorCode::kInvalidArgument, "the index is outside the array");
    }
    return model.as_array()[size_t(index)];
}

Value concat(const Value& model, const std::vector<Value>& arguments) {
    std::string out;
    const auto add = [&](const Value& v) {
        if (v.is_string()) out += v.as_string();
    };
    if (model.is_array()) std::for_each(model.as_array().begin(), model.as_array().end(), add);
    for (const Value& argument : arguments) {
        add(argument);
        if (argument.is_array())
            std::for_each(argument.as_array().begin(), argument.as_array().end(), add);
    }
    return Value(std::move(out));
}

Value length(const Value& model) {
    if (model.is_array()) return Value(uint64_t(model.as_array().size()));
    if (model.is_object()) return Value(uint64_t(model.as_object().size()));
    return Value();
}

/// What `function` looks at: `value` itself and, unless it needs just one or their number, each
/// member of an array or object.
bool pay_for(Function function, const Value& value, Budget& budget) {
    const bool is_quick = function == Function::kLength || function == Function::kFirst ||
                          function == Function::kLast || function == Function::kIndex;
    if (is_quick) return budget.spend();
    if (value.is_string()) return budget.spend_on_text(value.as_string().size());
    if (value.is_object()) return budget.spend(1 + value.as_object().size());
    if (!value.is_array()) return budget.spend();
    const Array& items = value.as_array();
    return budget.spend(1 + items.size()) &&
           std::all_of(items.begin(), items.end(), [&](const Value& item) {
               return !item.is_string() || budget.spend_on_text(item.as_string().size());
           });
}

}  // namespace

Result<Value> apply(const Step& step, const Value& model, const Value& root, Budget& budget) {
    std::vector<Value> arguments;
    bool paid = pay_for(step.function, model, budget);
    for (const Operand& operand : step.arguments) {
        auto value = operand_value(operand, root, root, budget);
        if (!value)
            return fail(ErrorCode::kNotFound, "an argument of " + step.text() + " leads nowhere");
        paid = paid && pay_for(step.function, *value, budget);
        arguments.push_back(std::move(*value));
    }
    if (!paid) return fail(ErrorCode::kTooLarge, "the path visits too many values");
    switch (step.function) {
        case Function::kMin:
        case Function::kMax:
        case Function::kAvg:
        case Function::kStddev:
        case Function::kSum: return aggregate(step.function, numbers_of(model, arguments));
        case Function::kLength: return length(arguments.empty() ? model : arguments[0]);
        case Function::kConcat: return concat(model, arguments);
        case Function::kFirst: return element(model, 0);
        case Function::kLast: return element(model, -1);
        case Function::kIndex:
            if (!arguments[0].is_int())
                return fail(ErrorCode::kInvalidArgument, "index() needs an integer");
            return element(model, arguments[0].as_int());
        case Function::kKeys: {
            if (!model.is_object()) return Value();
            Array keys;
            for (const auto& [name, member] : model.as_object()) keys.emplace_back(name);
            return Value(std::move(keys));
        }
        case Function::kAppend: {
            if (!model.is_array()) return model;
            Array items = model.as_array();
            for (Value& argument : arguments) items.push_back(std::move(argument));
            return Value(std::move(items));
        }
    }
    return Value();
}

}  // namespace tandem::json::path
