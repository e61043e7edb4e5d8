// Redrive: an execution that ended without success goes on where it stopped. Its scopes are still
// there (ADR 0004); the fold of ExecutionRedriven makes each one due at once that can act, and here
// they act, as scopes do whose timer is due. What is too much for one decision is left to the next.
#include <algorithm>

#include "lang/asl/run.h"

namespace tandem::asl {

namespace {

/// Between two states, or behind the last one, only the full history stops a scope: where such a
/// scope would go on is not recorded.
bool is_torn(const Scope& scope) {
    if (scope.phase == Phase::kDone) return true;
    return scope.phase == Phase::kBetween && (scope.id == 0 || scope.state != kEnd);
}

}  // namespace

void Run::redrive() {
    if (execution_.is_open() || execution_.has_succeeded()) return;
    // Room for ExecutionRedriven and one event more.
    if (execution_.last_id() + 2 > options_.history_events) return;
    const auto& scopes = execution_.scopes();
    if (std::any_of(scopes.begin(), scopes.end(), [](const auto& s) { return is_torn(s.second); }))
        return;
    Event event;
    event.type = EventType::kExecutionRedriven;
    event.previous_id = execution_.last_id();
    event.index = execution_.redrives() + 1;
    event.name = input_.attributes.str();
    emit(std::move(event));
    due_scopes();
}

}  // namespace tandem::asl
