// Template: a compiled payload template (Parameters, ItemSelector, ResultSelector, Assign): JSON in
// which members named "x.$" are paths or intrinsic functions. Immutable after compile. Constant
// parts are kept as one shared value.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "json/value.h"
#include "lang/asl/data/environment.h"
#include "lang/asl/data/path.h"
#include "lang/asl/failure.h"

namespace tandem::asl {

class Intrinsic;

class Template {
public:
    /// Error: kInvalidArgument, names the member that is no path and no intrinsic.
    static Result<Template> compile(const json::Value& value);
    /// One path or intrinsic, as the value of the member `name` (ErrorPath, CausePath).
    static Result<Template> compile_expression(std::string_view name, const json::Value& value);

    Outcome<json::Value> render(const json::Value& data, Environment& environment) const;

private:
    enum class Kind : uint8_t { kConstant, kObject, kArray, kPath, kIntrinsic };
    Outcome<json::Value> render_path(const json::Value& data, Environment& environment) const;

    Kind kind_ = Kind::kConstant;
    std::string name_;  // member it is the value of, as written ("x.$")
    json::Value constant_;
    std::vector<std::pair<std::string, Template>> members_;
    std::vector<Template> items_;
    std::shared_ptr<const Path> path_;
    std::shared_ptr<const Intrinsic> intrinsic_;
};

}  // namespace tandem::asl
