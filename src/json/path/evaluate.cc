#include <algorithm>

#include "base/check.h"
#include "base/limits.h"
#include "json/path/compiler.h"
#include "json/path/path.h"
#include "json/path/program.h"

namespace tandem::json::path {

namespace {

constexpr size_t kErrorTextBytes = kCauseChars;  // of the value that an error shows

/// Steps from one value to the next, depth first. What is missing is an error only while the path
/// is definite; beyond a wildcard or the like it is just no match.
class Walker {
public:
    Walker(const Program& program, const Value& root, Budget& budget, size_t steps)
        : program_(program), root_(root), budget_(budget), end_(steps) {}

    /// False after an error.
    bool walk(size_t i, const Value& model) {
        if (!budget_.spend()) return error(ErrorCode::kTooLarge, "the path visits too many values");
        if (i == end_) return results_.push_back(model), true;
        const Step& step = program_.steps[i];
        switch (step.kind) {
            case StepKind::kProperty: return property(i, model);
            case StepKind::kIndex:
            case StepKind::kSlice: return elements(i, model);
            case StepKind::kWildcard: return children(i, model);
            case StepKind::kDescend: return descend(i + 1, model);
            case StepKind::kFilter: return filter(i, model);
            case StepKind::kFunction: break;
        }
        auto value = apply(step, model, root_, budget_);
        return value ? walk(i + 1, *value) : error(value.error().code, value.error().message);
    }

    Array& results() { return results_; }
    const Error& error() const { return error_; }

private:
    bool error(ErrorCode code, std::string message) {
        error_ = Error{code, std::move(message)};
        return false;
    }

    /// The normalised path up to step `i`; exact where errors happen, as the path is definite
    /// there.
    std::string here(size_t i) const {
        std::string out = "$";
        for (size_t n = 0; n < i; ++n) out += program_.steps[n].text();
        return out;
    }

    /// Recoverable "nothing here" for a definite path.
    bool missing(size_t i, std::string message) {
        if (!program_.steps[i].upstream_definite) return true;
        return error(ErrorCode::kNotFound, std::move(message));
    }

    bool property(size_t i, const Value& model) {
        const Step& step = program_.steps[i];
        if (!model.is_object()) {
            return missing(i, "Expected to find an object with property " + step.text() +
                                  " in path " + here(i) + " but found '" +
                                  print_clipped(model, kErrorTextBytes) + "'");
        }
        if (step.names.size() > 1 && step.is_leaf) {
            Object merged;
            for (const std::string& name : step.names) {
                if (const Value* member = model.find(name)) merged.set(name, *member);
            }
            return walk(i + 1, Value(std::move(merged)));
        }
        for (const std::string& name : step.names) {
            const Value* member = model.find(name);
            if (member != nullptr) {
                if (!walk(i + 1, *member)) return false;
            } else if (!step.is_leaf && step.names.size() == 1) {
                if (!missing(i, "Missing property in path " + here(i + 1))) return false;
            }
        }
        return true;
    }

    bool elements(size_t i, const Value& model) {
        const Step& step = program_.steps[i];
        if (model.is_null()) return missing(i, "The path " + here(i) + " is null");
        if (!model.is_array()) {
            return missing(i, "Filter: " + step.text() +
                                  " can only be applied to arrays. Current context is: " +
                                  print_clipped(model, kErrorTextBytes));
        }
        const Array& items = model.as_array();
        const int64_t length = int64_t(items.size());
        const auto visit = [&](int64_t index) {
            if (index < 0) index += length;
            return index < 0 || index >= length || walk(i + 1, items[size_t(index)]);
        };
        if (step.kind == StepKind::kIndex)
            return std::all_of(step.indices.begin(), step.indices.end(), visit);
        int64_t from = step.from.value_or(0);
        int64_t to = std::min(step.to.value_or(length), length);
        if (!step.to && from < 0) from = std::max<int64_t>(0, length + from);
        if (!step.from && to < 0) to += length;
        for (int64_t n = std::max(from, -length); n < to; ++n) {
            if (!visit(n)) return false;
        }
        return true;
    }

    bool children(size_t i, const Value& model) {
        if (model.is_array()) {
            for (const Value& item : model.as_array()) {
                if (!walk(i + 1, item)) return false;
            }
        } else if (model.is_object()) {
            for (const auto& [name, member] : model.as_object()) {
                if (!walk(i + 1, member)) return false;
            }
        }
        return true;
    }

    bool filter(size_t i, const Value& model) {
        const Filter& filter = *program_.steps[i].filter;
        if (model.is_object()) return !matches(filter, model, root_, budget_) || walk(i + 1, model);
        if (!model.is_array()) {
            if (!program_.steps[i].upstream_definite) return true;
            return error(ErrorCode::kInvalidArgument,
                         "Filter: [?] can not be applied to primitives. Current context is: " +
                             print_clipped(model, kErrorTextBytes));
        }
        for (const Value& item : model.as_array()) {
            if (matches(filter, item, root_, budget_) && !walk(i + 1, item)) return false;
        }
        return true;
    }

    /// Applies step `i` to `model` and to every container below it, outermost first.
    bool descend(size_t i, const Value& model) {
        if (!model.is_object() && !model.is_array()) return true;
        if (!budget_.spend()) return error(ErrorCode::kTooLarge, "the path visits too many values");
        if (begins_at(program_.steps[i], model) && !walk(i, model)) return false;
        if (model.is_array()) {
            for (const Value& item : model.as_array()) {
                if (!descend(i, item)) return false;
            }
            return true;
        }
        for (const auto& [name, member] : model.as_object()) {
            if (!descend(i, member)) return false;
        }
        return true;
    }

    bool begins_at(const Step& step, const Value& model) {
        switch (step.kind) {
            case StepKind::kProperty:
                return model.is_object() && std::all_of(step.names.begin(), step.names.end(),
                                                        [&](const std::string& name) {
                                                            return model.find(name) != nullptr;
                                                        });
            case StepKind::kIndex:
            case StepKind::kSlice: return model.is_array();
            case StepKind::kWildcard: return true;
            case StepKind::kFilter: return matches(*step.filter, model, root_, budget_);
            case StepKind::kDescend:
            case StepKind::kFunction: return false;
        }
        return false;
    }

    const Program& program_;
    const Value& root_;
    Budget& budget_;
    const size_t end_;
    Array results_;
    Error error_;
};

}  // namespace

Result<Value> evaluate(const Program& program, const Value& start, const Value& root,
                       Budget& budget) {
    const size_t steps = program.steps.size() - (program.aggregates_scan ? 1 : 0);
    Walker walker(program, root, budget, steps);
    if (!walker.walk(0, start)) return tl::unexpected(walker.error());
    if (program.aggregates_scan) {
        return apply(program.steps.back(), Value(std::move(walker.results())), root, budget);
    }
    if (!program.is_definite) return Value(std::move(walker.results()));
    if (walker.results().empty())
        return fail(ErrorCode::kNotFound, "No results for path: " + program.canonical());
    return std::move(walker.results().back());
}

}  // namespace tandem::json::path

namespace tandem::json {

Result<Path> Path::compile(std::string_view text) {
    auto program = path::Compiler(text).compile();
    if (!program) return tl::unexpected(program.error());
    Path out;
    out.program_ = std::move(*program);
    return out;
}

const std::string& Path::text() const { return program_->text; }
std::string Path::canonical() const { return program_->canonical(); }
bool Path::is_definite() const { return program_->is_definite; }
bool Path::is_root() const { return program_->steps.empty(); }

bool Path::is_reference_path() const {
    return std::all_of(program_->steps.begin(), program_->steps.end(), [](const path::Step& step) {
        return (step.kind == path::StepKind::kProperty && step.names.size() == 1) ||
               (step.kind == path::StepKind::kIndex && step.indices.size() == 1);
    });
}

Result<Value> Path::evaluate(const Value& root, Budget& budget) const {
    auto value = path::evaluate(*program_, root, root, budget);
    // A filter that ran out of budget only fails to match: tell.
    if (budget.is_spent()) return fail(ErrorCode::kTooLarge, "the path visits too many values");
    return value;
}

Result<Value> Path::evaluate(const Value& root) const {
    Budget budget;
    return evaluate(root, budget);
}

namespace {

/// False where the step cannot be taken in `target`.
bool put_at(Value& target, const std::vector<path::Step>& steps, size_t i, Value& value) {
    if (i == steps.size()) return target = std::move(value), true;
    const path::Step& step = steps[i];
    if (step.kind == path::StepKind::kProperty) {
        if (!target.is_object()) return false;
        Object& object = target.mutable_object();
        Value* member = object.find(step.names[0]);
        if (member == nullptr) {
            object.set(step.names[0], i + 1 == steps.size() ? Value() : Value::object());
            member = object.find(step.names[0]);
        }
        return put_at(*member, steps, i + 1, value);
    }
    if (!target.is_array()) return false;
    const int64_t length = int64_t(target.as_array().size());
    const int64_t index = step.indices[0] < 0 ? step.indices[0] + length : step.indices[0];
    if (index < 0 || index >= length) return false;
    return put_at(target.mutable_array()[size_t(index)], steps, i + 1, value);
}

}  // namespace

Result<Value> Path::put(Value root, Value value) const {
    CHECK(is_reference_path());
    Value changed = root;
    if (put_at(changed, program_->steps, 0, value)) return changed;
    return fail(ErrorCode::kInvalidArgument, "Unable to apply ReferencePath " + text() +
                                                 " to input " + print_clipped(root, kCauseChars));
}

}  // namespace tandem::json
