#include "lang/asl/waiting.h"

namespace tandem::asl {

namespace {

/// "Sweep[3]/Train": the states around, with the number of the iteration or branch.
std::string path_of(const Definition& definition, const Execution& execution, const Scope& scope) {
    std::string path = definition.state(scope.state).name;
    const Scope* inner = &scope;
    while (inner->id != 0) {
        const Scope* outer = execution.find(inner->parent);
        path =
            definition.state(outer->state).name + "[" + std::to_string(inner->index) + "]/" + path;
        inner = outer;
    }
    return path;
}

}  // namespace

std::vector<Waiting> waiting(const Definition& definition, const Execution& execution) {
    std::vector<Waiting> list;
    if (!execution.is_open()) return list;
    for (const auto& [id, scope] : execution.scopes()) {
        const bool is_task = scope.phase == Phase::kTask;
        const bool is_retry = scope.phase == Phase::kRetry;
        if (!is_task && !is_retry && scope.phase != Phase::kWait) continue;
        Waiting entry;
        entry.what = is_task    ? Waiting::For::kTask
                     : is_retry ? Waiting::For::kRetry
                                : Waiting::For::kTimer;
        entry.state = definition.state(scope.state).name;
        entry.path = path_of(definition, execution, scope);
        entry.since = scope.since;
        entry.due = scope.due;
        const auto* task = std::get_if<TaskState>(&definition.state(scope.state).body);
        if (is_task) entry.detail = task ? task->resource : scope.map_run()->arn;
        if (is_retry) entry.detail = scope.retried_error;
        list.push_back(std::move(entry));
    }
    return list;
}

json::Value awaited_children(const Definition& definition, const Execution& execution) {
    json::Value out = json::Value::object();
    for (const auto& [id, scope] : execution.scopes()) {
        if (scope.phase != Phase::kTask || scope.task == nullptr || scope.task->child.empty())
            continue;
        out.set(path_of(definition, execution, scope), scope.task->child.str());
    }
    return out;
}

}  // namespace tandem::asl
