#include "lang/asl/run.h"

namespace tandem::asl {

void Run::run_pass(Scope& scope, const PassState& pass) {
    auto data = effective_input(scope);
    if (data) data = with_parameters(scope, std::move(*data));
    if (!data) return fail(scope, data.error());
    const StateDefinition& state = definition_of(scope);
    if (state.is_jsonata) return leave_by(scope, state.exit, state.next, {&*data}, *data);
    if (pass.result) see("result", *pass.result);
    finish(scope, pass.result ? *pass.result : std::move(*data));
}

void Run::run_succeed(Scope& scope) {
    const auto data = effective_input(scope);
    if (!data) return fail(scope, data.error());
    finish_with(scope, *data, std::nullopt, kEnd, *data);
}

}  // namespace tandem::asl
