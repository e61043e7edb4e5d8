// Placement: functions that are placed on a pool of agents run there, all others on this machine.
// Which it is, their definition says. Both write the same logs. No state.
#pragma once

#include "exec/executor.h"

namespace tandem {

class Placement final : public Executor {
public:
    /// Both outlive it.
    Placement(Executor& local, Executor& agents) : local_(local), agents_(agents) {}

    std::string_view name() const override { return local_.name(); }
    Result<void> admit(const Callable& callable) override;
    void activate(std::shared_ptr<const Callable> callable) override;
    void retire(std::string_view name) override;
    void run(Task task, TaskCallbacks callbacks) override;
    void cancel(std::string_view key) override;
    Result<std::string> logs(std::string_view function, size_t limit_bytes) const override;
    void stop() override;

private:
    Executor& local_;
    Executor& agents_;
};

}  // namespace tandem
