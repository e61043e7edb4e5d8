// Path: a compiled JSONPath, in the dialect of Step Functions (that of Jayway's library):
// properties, indices, slices, wildcards, `..`, filters and functions. Immutable after compile(),
// safe to share between threads. It knows one root only: `$$` and `$variable` are the caller's to
// tell apart (compile what follows as "$..."). Work per evaluation is bounded, whatever the path.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "json/budget.h"
#include "json/value.h"

namespace tandem::json {

namespace path {
struct Program;
}

class Path {
public:
    /// Error: kInvalidArgument, with what is wrong and where.
    static Result<Path> compile(std::string_view text);

    /// As written.
    const std::string& text() const;
    /// Normalised: "$.a[0]" is "$['a'][0]".
    std::string canonical() const;
    /// A definite path names at most one value; an indefinite one evaluates to an array of matches.
    bool is_definite() const;
    /// Only single properties and single indices: fit for ResultPath and Variable.
    bool is_reference_path() const;
    /// Just "$".
    bool is_root() const;

    /// The value named, or the array of values matched (perhaps empty). Errors: kNotFound where a
    /// definite path names nothing ("Missing property in path $['no']", "No results for path:
    /// $['a']"), kInvalidArgument where a function cannot be applied, kTooLarge beyond the work
    /// limit: what the caller's budget allows, or a budget of its own.
    Result<Value> evaluate(const Value& root, Budget& budget) const;
    Result<Value> evaluate(const Value& root) const;

    /// `root` with `value` put at this reference path (CHECKed). Missing members are made, as
    /// objects; an index must exist. Error: kInvalidArgument, "Unable to apply ReferencePath ... to
    /// input ...".
    Result<Value> put(Value root, Value value) const;

private:
    std::shared_ptr<const path::Program> program_;
};

}  // namespace tandem::json
