// RandomExpression: generated paths, intrinsic functions, payload templates and choice rules over
// the input that RandomMachine gives its executions. They never fail, unless failing() is asked
// for. Refers to the random stream of its owner. For tests only.
#pragma once

#include <string>
#include <vector>

#include "base/rng.h"
#include "json/value.h"

namespace tandem::asl::testing {

/// Members of the input but for its list.
inline constexpr const char* kInputFields[] = {"n", "far", "x", "s",   "b", "nil",
                                               "t", "e",   "c", "doc", "o", "none"};

/// What expressions may refer to where the next ones will stand.
struct Surroundings {
    bool is_exact = false;       // values depend on nothing but the input: no time, no entropy
    bool has_input = true;       // $ is the input; else they find it in the context object
    bool has_variables = false;  // $v, an object, and $vn, a number
    bool is_in_map = false;      // $$.Map.Item
    bool has_index = false;      // its Index: not where the items come in any order
    bool can_retry = false;      // $$.State.RetryCount
    bool is_child = false;       // of a map run, whose name and time are never the same
    std::string local;           // a variable of the branch, without $: a text; may be empty

    bool may_name_execution() const { return !(is_exact && is_child); }
};

class RandomExpression {
public:
    RandomExpression(SplitMix64& random, const Surroundings& around)
        : random_(random), around_(around) {}

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
    const Surroundings& around_;
};

}  // namespace tandem::asl::testing
