#include "lang/asl/run.h"

namespace tandem::asl {

void Run::run_parallel(Scope& scope, const ParallelState& parallel) {
    auto data = effective_input(scope);
    if (data) data = with_parameters(scope, std::move(*data));
    if (!data) return fail(scope, data.error());
    const Payload input = print(*data);
    if (is_too_large(input)) return fail(scope, too_large(definition_of(scope).name));
    if (emit(event_in(scope, EventType::kStateStarted)) == 0) return;
    const ScopeId base = scope.children->base;
    for (uint32_t i = 0; i < parallel.machines.size(); ++i) {
        const int start = definition_.machines[size_t(parallel.machines[i])].start;
        if (const Scope* branch = execution_.find(base + i)) go_later(*branch, start, input);
    }
}

void Run::branch_finished(Scope& parent) {
    if (parent.children->finished == parent.children->count) finish_children(parent);
}

void Run::finish_children(Scope& scope) {
    if (emit(event_in(scope, EventType::kStateSucceeded)) == 0) return;
    json::Array results;
    results.reserve(scope.children->results.size());
    size_t bytes = 2;
    for (const Payload& result : scope.children->results) {
        bytes += result.size();
        auto value = json::parse(result.view());
        results.push_back(value ? std::move(*value) : json::Value());
    }
    if (bytes > options_.payload_bytes) return fail(scope, too_large(definition_of(scope).name));
    finish(scope, json::Value(std::move(results)));
}

}  // namespace tandem::asl
