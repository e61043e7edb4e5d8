// Path: a compiled JSONPath of a definition, with its root: the data ($), the context object ($$)
// or a variable ($name). Immutable after compile. `text` is as written, because error texts quote
// it.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "json/path/path.h"
#include "json/value.h"
#include "lang/asl/data/environment.h"
#include "lang/asl/failure.h"

namespace tandem::asl {

/// What `path` names below `root`: `text` is the path as written, `variable` the name of the root
/// where that is a variable. Errors: those of json::Path, in Jayway's words.
enum class Root : uint8_t { kData, kContext, kVariable };
Result<json::Value> resolve(Root root, std::string_view variable, std::string_view text,
                            const json::Path& path, const json::Value& data,
                            Environment& environment);

class Path {
public:
    /// Error: kInvalidArgument.
    static Result<Path> compile(std::string_view text);

    const std::string& text() const { return text_; }
    /// The name of the root where that is a variable, else empty.
    const std::string& variable() const { return variable_; }
    bool is_identity() const { return root_ == Root::kData && text_ == "$"; }

    /// The value, or Jayway's reason why there is none ("Missing property in path $['x']").
    Result<json::Value> get(const json::Value& data, Environment& environment) const;
    /// get() with the failure of InputPath, OutputPath and the like: States.Runtime, "Invalid path
    /// ...".
    Outcome<json::Value> read(const json::Value& data, Environment& environment) const;

private:
    std::string text_;
    Root root_ = Root::kData;
    std::string variable_;
    json::Path path_;
};

/// A reference path ("$.a.b[0]"), which says where a result goes. Root "$" replaces everything.
class ReferencePath {
public:
    static Result<ReferencePath> compile(std::string_view text);
    const std::string& text() const { return text_; }
    /// `data` with `value` put at the path; levels that are missing are made.
    Outcome<json::Value> put(json::Value data, json::Value value) const;

private:
    std::string text_;
    json::Path path_;
};

}  // namespace tandem::asl
