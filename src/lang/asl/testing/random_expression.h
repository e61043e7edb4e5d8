// RandomExpression: generated paths, intrinsic functions, payload templates and choice rules over
// the input that RandomMachine gives its executions. They never fail, unless failing() is asked
// for. Refers to the random stream of its owner. For tests only.
#pragma once

#include <string>
#include <vector>

#include "base/rng.h"
#include "json/value.h"

namespace tandem::asl::testing {

class RandomExpression {
public:
    /// `is_exact`: values depend on nothing but the input, not on time or entropy.
    RandomExpression(SplitMix64& random, bool is_exact) : random_(random), is_exact_(is_exact) {}

    // What the expressions may refer to where the next ones will stand.
    bool has_input = true;       // $ is the input; else they find it in the context object
    bool has_variables = false;  // $v, an object, and $vn, a number
    bool is_in_map = false;      // $$.Map.Item
    bool can_retry = false;      // $$.State.RetryCount

    /// A path or an intrinsic function, as the value of a member "x.$".
    std::string any();
    /// Fails with States.IntrinsicFailure.
    std::string failing();
    /// A payload template: an object.
    json::Value payload(int depth);
    /// A choice rule without Next.
    json::Value rule(int depth);

    std::string number(int depth);
    std::string text(int depth);
    std::string array(int depth);
    std::string object(int depth);
    std::string boolean(int depth);

private:
    using Texts = std::vector<std::string>;
    uint64_t dice(uint64_t sides) { return random_.next() % sides; }
    std::string pick(const Texts& of) { return of[dice(of.size())]; }
    /// A path below the input, wherever that is to be found.
    std::string in_input(const std::string& steps) const;
    std::string argument(int depth);
    json::Value comparison();
    json::Value type_test();

    SplitMix64& random_;
    const bool is_exact_;
};

}  // namespace tandem::asl::testing
