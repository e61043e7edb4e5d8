#include "base/limits.h"
#include "lang/asl/run.h"

namespace tandem::asl {

void Run::run_fail(Scope& scope, const FailState& state) {
    const json::Value data = parse(scope.input);
    see("afterInputPath", data);
    ScopeEnvironment environment(*this, scope);
    auto error = text_of(state.error, data, environment);
    if (!error) return fail(scope, error.error());
    auto cause = text_of(state.cause, data, environment);
    if (!cause) return fail(scope, cause.error());
    fail(scope, {std::move(*error), std::move(*cause)});
}

Outcome<std::optional<std::string>> Run::text_of(const TextField& field, const json::Value& data,
                                                 Environment& environment) {
    if (field.formula) {
        auto value = field.formula->render_as("string", {&data}, environment);
        if (!value) return tl::unexpected(value.error());
        return value->as_string();
    }
    if (!field.expression) return field.text;
    auto value = field.expression->render(data, environment);
    if (!value) return tl::unexpected(value.error());
    if (value->is_string()) return value->as_string();
    return json::print_clipped(*value, kCauseChars);
}

}  // namespace tandem::asl
