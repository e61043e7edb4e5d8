#include "exec/agent/placement.h"

#include "model/function_spec.h"

namespace tandem {

namespace {

bool is_placed(const Callable& callable) {
    const std::string_view definition = callable.definition.view();
    // Most are not, and are not read for it.
    if (definition.find("\"pool\"") == std::string_view::npos) return false;
    const auto spec = decode_function_spec(definition);
    return spec && !spec->pool.empty();
}

}  // namespace

Result<void> Placement::admit(const Callable& callable) {
    if (is_placed(callable)) {
        auto placed = agents_.admit(callable);
        if (!placed) return placed;
    }
    return local_.admit(callable);  // looks at the package, too
}

void Placement::activate(std::shared_ptr<const Callable> callable) {
    const bool placed = is_placed(*callable);
    // Where it ran before, its processes end.
    (placed ? local_ : agents_).retire(callable->name);
    (placed ? agents_ : local_).activate(std::move(callable));
}

void Placement::retire(std::string_view name) {
    local_.retire(name);
    agents_.retire(name);
}

void Placement::run(Task task, TaskCallbacks callbacks) {
    Executor& executor = is_placed(*task.callable) ? agents_ : local_;
    executor.run(std::move(task), std::move(callbacks));
}

void Placement::cancel(std::string_view key) {
    local_.cancel(key);
    agents_.cancel(key);
}

Result<std::string> Placement::logs(std::string_view function, size_t limit_bytes) const {
    // Writes what it still holds to the files that both have.
    if (auto flushed = agents_.logs(function, 0); !flushed) return flushed;
    return local_.logs(function, limit_bytes);
}

void Placement::stop() {
    agents_.stop();
    local_.stop();
}

}  // namespace tandem
