#include "lang/asl/data/path.h"

namespace tandem::asl {

namespace {

/// False where only State, Map or Task are looked at: then Execution.Input need not be parsed.
bool may_need_execution_input(std::string_view text) {
    for (const std::string_view cheap : {"$$.State.", "$$.Map.", "$$.Task.", "$$.StateMachine."}) {
        if (text.starts_with(cheap)) return false;
    }
    return true;
}

}  // namespace

Result<json::Value> resolve(Root root, std::string_view variable, std::string_view text,
                            const json::Path& path, const json::Value& data,
                            Environment& environment) {
    switch (root) {
        case Root::kData: return path.evaluate(data, environment.budget());
        case Root::kContext:
            return path.evaluate(environment.context(may_need_execution_input(text)),
                                 environment.budget());
        case Root::kVariable: break;
    }
    const json::Value* value = environment.variable(variable);
    if (value == nullptr) {
        return fail(ErrorCode::kNotFound,
                    "The variable '" + std::string(variable) + "' is not defined");
    }
    return path.evaluate(*value, environment.budget());
}

Result<Path> Path::compile(std::string_view text) {
    Path path;
    path.text_ = std::string(text);
    std::string rest(text);
    if (text.starts_with("$$")) {
        path.root_ = Root::kContext;
        rest.erase(0, 1);
    } else if (text.size() > 1 && text[0] == '$' && text[1] != '.' && text[1] != '[') {
        const size_t end = std::min(text.find_first_of(".["), text.size());
        path.root_ = Root::kVariable;
        path.variable_ = std::string(text.substr(1, end - 1));
        rest = "$" + std::string(text.substr(end));
    }
    auto compiled = json::Path::compile(rest);
    if (!compiled) return tl::unexpected(compiled.error());
    path.path_ = std::move(*compiled);
    return path;
}

Result<json::Value> Path::get(const json::Value& data, Environment& environment) const {
    return resolve(root_, variable_, text_, path_, data, environment);
}

Outcome<json::Value> Path::read(const json::Value& data, Environment& environment) const {
    auto value = get(data, environment);
    if (value) return std::move(*value);
    return state_failure(kRuntime, "Invalid path '" + text_ + "' : " + value.error().message);
}

Result<ReferencePath> ReferencePath::compile(std::string_view text) {
    auto path = json::Path::compile(text);
    if (!path) return tl::unexpected(path.error());
    if (!path->is_reference_path())
        return fail(ErrorCode::kInvalidArgument, "not a reference path");
    ReferencePath reference;
    reference.text_ = std::string(text);
    reference.path_ = std::move(*path);
    return reference;
}

Outcome<json::Value> ReferencePath::put(json::Value data, json::Value value) const {
    auto result = path_.put(std::move(data), std::move(value));
    if (result) return std::move(*result);
    return state_failure(kResultPathMatchFailure, result.error().message);
}

}  // namespace tandem::asl
