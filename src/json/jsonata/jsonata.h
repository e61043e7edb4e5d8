// Expression: a compiled JSONata 2 expression. Immutable, shared between threads, no global state.
// Evaluation is pure: time and randomness come in through Options; it is bounded in depth, steps
// and memory. Not a language of the house: lang/asl uses it, as does `tandem jsonata`.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "base/clock.h"
#include "json/value.h"

namespace tandem::jsonata {

/// An error with the reference implementation's code ("S0201", "T0410", "D1002", "U1001" ...).
struct Failure {
    std::string code;
    std::string message;  // the reference implementation's words, with its values filled in
    size_t position = 0;  // in bytes from the beginning of the text, where known
    std::string token;    // what stands there, where known
};

template <class T>
using Outcome = tl::expected<T, Failure>;

/// Whoever runs into one gets U1001.
struct Bounds {
    size_t depth = 1000;          // nested evaluations, counted as the reference's tests count them
    uint64_t steps = 10'000'000;  // evaluated nodes and visited values
    size_t bytes = 64u << 20;     // held at one time by what the evaluation made
};

enum class Dialect {
    kReference,  // everything of the reference implementation
    kStates,     // also $partition $range $hash $random(seed) $uuid $parse; no $eval
};

struct Options {
    Bounds bounds;
    Timestamp now{};                 // $now(), $millis()
    uint64_t seed = 0;               // $random, $shuffle, $uuid
    std::function<bool()> expired;   // asked now and then; true ends the evaluation with U1001
    bool* is_function = nullptr;     // receives whether the value is undefined for being one
    uint64_t* steps_used = nullptr;  // receives what the evaluation took of bounds.steps
};

/// Where an expression finds a `$name` that it does not bind itself (`name` is without the `$`).
/// Null: not bound. The values must outlive the evaluation. Goes before the built-in functions.
using Lookup = std::function<const json::Value*(std::string_view name)>;

/// What an expression asks of its surroundings.
struct Uses {
    // Each name once, in order of appearance, without `$`; "" is `$` and "$" is `$$`, where they
    // mean the expression's input. Names of built-in functions are not among the variables.
    std::vector<std::string> variables;
    std::vector<std::string> functions;  // called as $name(...), bound inside or not
    std::vector<std::string> fields;     // names and wildcards applied to the input itself
};

class Expression {
public:
    /// Errors: S0xxx with a position; U1001 where the text is nested too deeply.
    static Outcome<std::shared_ptr<const Expression>> compile(
        std::string_view text, Dialect dialect = Dialect::kReference);
    virtual ~Expression() = default;

    /// The value, or nothing where it is undefined (a function is, outside). `input` null: no
    /// input, `$` is undefined. `input` and what `variables` gives must outlive the call.
    virtual Outcome<std::optional<json::Value>> evaluate(const json::Value* input,
                                                         const Lookup& variables,
                                                         const Options& options) const = 0;
    virtual const std::string& text() const = 0;
    virtual const Uses& uses() const = 0;
};

}  // namespace tandem::jsonata
