// RandomFormula: generated JSONata expressions over the input that RandomMachine gives its
// executions, as they stand in JSONata states. They have a value of the kind that is asked for,
// unless failing() is. Texts without "{% %}", but where it says so. Refers to the random stream of
// its owner. For tests only.
#pragma once

#include <string>
#include <vector>

#include "base/rng.h"
#include "json/value.h"
#include "lang/asl/testing/random_expression.h"

namespace tandem::asl::testing {

/// "{% text %}".
std::string formula(const std::string& text);

class RandomFormula {
public:
    RandomFormula(SplitMix64& random, const Surroundings& around)
        : random_(random), around_(around) {}

    std::string any(int depth);
    std::string number(int depth);
    std::string text(int depth);
    std::string array(int depth);
    std::string object(int depth);
    std::string boolean(int depth);
    /// Fails with States.QueryEvaluationError wherever it stands.
    std::string failing();
    /// An object in which some strings are formulas.
    json::Value payload(int depth);
    /// Members of the input as an object's text: {'n': $states.input.n, ...}, with `extra` behind
    /// them.
    std::string all_of_input(const std::string& root, const std::string& extra = "") const;

private:
    using Texts = std::vector<std::string>;
    uint64_t dice(uint64_t sides) { return random_.next() % sides; }
    std::string pick(const Texts& of) { return of[dice(of.size())]; }
    /// A member of the input, wherever that is to be found.
    std::string in_input(const std::string& steps);

    SplitMix64& random_;
    const Surroundings& around_;
};

}  // namespace tandem::asl::testing
