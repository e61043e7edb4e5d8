// Environment: what an expression may look at while a state runs: the data ($), the context object
// ($$), variables ($name) and the entropy of the decision. Implemented by the decision (run.h) and
// by tests. Not thread-safe; lives for one evaluation.
#pragma once

#include <string_view>

#include "base/clock.h"
#include "base/rng.h"
#include "json/budget.h"
#include "json/value.h"

namespace tandem::asl {

class Environment {
public:
    virtual ~Environment() = default;
    /// The context object. Execution.Input costs a parse, so it is there only when asked for.
    virtual json::Value context(bool with_execution_input) = 0;
    /// The variable as seen from the state's scope, or nullptr.
    virtual const json::Value* variable(std::string_view name) = 0;
    /// The decision's stream of randomness, a function of its input.
    virtual SplitMix64& random() = 0;
    /// The decision's time.
    virtual Timestamp now() const = 0;
    /// What all expressions of one state may cost together.
    virtual json::Budget& budget() = 0;
};

}  // namespace tandem::asl
