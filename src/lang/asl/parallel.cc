#include "lang/asl/run.h"

namespace tandem::asl {

void Run::run_mocked(Scope& scope) {
    auto result = probe_->mocked();
    if (!result) return fail(scope, result.error());
    finish(scope, std::move(*result));
}

void Run::run_parallel(Scope& scope, const ParallelState& parallel) {
    if (is_mocked()) return run_mocked(scope);
    const auto input = branch_input(scope);
    if (!input) return fail(scope, input.error());
    if (emit(event_in(scope, EventType::kStateStarted)) == 0) return;
    const ScopeId base = scope.children->base;
    for (uint32_t i = 0; i < parallel.machines.size(); ++i) {
        const int start = definition_.machines[size_t(parallel.machines[i])].start;
        if (const Scope* branch = execution_.find(base + i)) go_later(*branch, start, *input);
    }
}

Outcome<Payload> Run::branch_input(Scope& scope) {
    auto data = effective_input(scope);
    if (data) data = with_parameters(scope, std::move(*data));
    if (!data) return tl::unexpected(data.error());
    return print(*data, definition_of(scope).name);
}

/// Begins the branches that an earlier decision left to later ones, or that a redrive found
/// without one: those get an input that is made again.
void Run::begin_deferred_branches(Scope& scope, const ParallelState& parallel) {
    const ScopeId id = scope.id, base = scope.children->base;
    Payload input = scope.output;
    if (input.is_null()) {
        auto made = branch_input(scope);
        if (!made) return fail(scope, made.error());
        input = std::move(*made);
    }
    for (uint32_t i = 0, begun = 0; i < parallel.machines.size(); ++i) {
        const Scope* branch = execution_.find(base + i);
        const bool has_begun = branch == nullptr || branch->state != kEnd;
        if (has_begun || branch->phase != Phase::kBetween) continue;
        if (begun++ > 0 && is_spent()) return defer_children(scope, input);
        // At once, not through the queue: each decision must bring at least one further.
        step({branch->id, definition_.machines[size_t(parallel.machines[i])].start, input});
        walk();
        const Scope* parent = execution_.find(id);
        if (parent == nullptr || !parent->children || parent->children->base != base) return;
    }
}

void Run::branch_finished(Scope& parent) {
    if (parent.children->finished == parent.children->count) finish_children(parent);
}

void Run::finish_children(Scope& scope) {
    if (emit(event_in(scope, EventType::kStateSucceeded)) == 0) return;
    if (scope.children->result_bytes + 2 > options_.payload_bytes)
        return fail(scope, too_large(definition_of(scope).name));
    json::Array results;
    results.reserve(scope.children->results.size());
    for (const Payload& result : scope.children->results) {
        auto value = json::parse(result.view());
        results.push_back(value ? std::move(*value) : json::Value());
    }
    finish(scope, json::Value(std::move(results)));
}

}  // namespace tandem::asl
