// OrchestrationFunctions: runs functions that are orchestrations, and hands all others to the
// executor of processes. An orchestration is begun and waited for by a service; here nothing waits.
#pragma once

#include "exec/executor.h"
#include "exec/services.h"

namespace tandem {

class OrchestrationFunctions final : public Executor {
public:
    /// Both outlive it.
    OrchestrationFunctions(Executor& processes, Services& services, const Clock& clock)
        : processes_(processes), services_(services), clock_(clock) {}

    std::string_view name() const override { return processes_.name(); }
    Result<void> admit(const Callable& callable) override;
    void activate(std::shared_ptr<const Callable> callable) override;
    void retire(std::string_view name) override { processes_.retire(name); }
    void run(Task task, TaskCallbacks callbacks) override;
    /// The orchestration is terminated.
    void cancel(std::string_view key) override;
    Result<std::string> logs(std::string_view function, size_t limit_bytes) const override {
        return processes_.logs(function, limit_bytes);
    }
    void stop() override { processes_.stop(); }

private:
    Executor& processes_;
    Services& services_;
    const Clock& clock_;
};

}  // namespace tandem
