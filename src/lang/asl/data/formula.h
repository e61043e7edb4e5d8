// Formula: a field of a JSONata state: JSON in which every string "{% ... %}" is an expression.
// Immutable after compile; knows where in the state it stands, because error texts say so.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "json/jsonata/jsonata.h"
#include "json/value.h"
#include "lang/asl/data/environment.h"
#include "lang/asl/failure.h"

namespace tandem::asl {

/// What `$states` holds beside the context; null where the field may not see it.
struct StatesData {
    const json::Value* input = nullptr;
    const json::Value* result = nullptr;
    const json::Value* error_output = nullptr;
};

class Formula {
public:
    /// Error: kInvalidArgument, a syntax error. `location` is as in "Output" or
    /// "Choices[0]/Condition".
    static Result<Formula> compile(const json::Value& value, std::string location);
    static bool is_expression(const json::Value& value);
    /// What stands between the braces of one.
    static std::string_view expression_in(const json::Value& value);

    /// Failures: States.QueryEvaluationError, also where an expression has no value.
    Outcome<json::Value> render(const StatesData& states, Environment& environment) const;
    /// render(), whose value must be of this kind: "array", "boolean", "number", "string".
    Outcome<json::Value> render_as(std::string_view kind, const StatesData& states,
                                   Environment& environment) const;
    /// Why `what` (a value of this formula) cannot be used.
    tl::unexpected<Failure> failure(std::string what) const;

    /// Adds the names of variables that it refers to.
    void references(std::vector<std::string>& names) const;

private:
    Outcome<json::Value> evaluate(const StatesData& states, Environment& environment) const;

    std::string location_;
    json::Value constant_;
    std::vector<std::pair<std::string, Formula>> members_;
    std::vector<Formula> items_;
    std::shared_ptr<const jsonata::Expression> expression_;
    bool is_dynamic_ = false;
    bool needs_context_ = false;
};

/// A failure of evaluation: the history has an EvaluationFailed event for it.
tl::unexpected<Failure> evaluation_failure(std::string text, std::string location = {});

}  // namespace tandem::asl
