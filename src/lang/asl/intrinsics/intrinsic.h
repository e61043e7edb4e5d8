// Intrinsic: a compiled intrinsic function expression of the States Language, such as
// `States.Format('{}: {}', $.name, States.ArrayLength($.items))`. Immutable after compile(), shared
// between threads. It does not know where paths lead: the caller resolves them. Randomness
// (States.MathRandom, States.UUID) comes from the caller's stream, so that a decision can be
// replayed.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/rng.h"
#include "json/path/path.h"
#include "json/value.h"

namespace tandem::asl {

namespace intrinsics {
struct Call;
}

/// A path among the arguments: `$.a`, `$$.Execution.Id` or `$variable.b`.
struct IntrinsicPath {
    enum class Root : uint8_t { kData, kContext, kVariable };
    Root root = Root::kData;
    std::string text;      // as written
    std::string variable;  // its name, for kVariable
    json::Path path;       // relative to the root
};

class Intrinsic {
public:
    using Resolver = std::function<Result<json::Value>(const IntrinsicPath&)>;

    /// Error: kInvalidArgument (unknown function, wrong number of arguments, nested deeper
    /// than 10...).
    static Result<Intrinsic> compile(std::string_view text);
    /// Whether `text` is meant as an intrinsic ("States." in front), be it valid or not.
    static bool is_intrinsic(std::string_view text) { return text.substr(0, 7) == "States."; }

    const std::string& text() const { return text_; }
    void for_each_path(const std::function<void(const IntrinsicPath&)>& visit) const;

    /// The function's value. Errors: kInvalidArgument is a States.IntrinsicFailure; kTooLarge is
    /// more data than the budget allows; any other code is the resolver's own, passed on. All
    /// messages say which function: "The function '...' had the following error: ...".
    Result<json::Value> evaluate(const Resolver& resolve, SplitMix64& rng,
                                 json::Budget& budget) const;

private:
    std::string text_;
    std::shared_ptr<const intrinsics::Call> call_;
};

}  // namespace tandem::asl
