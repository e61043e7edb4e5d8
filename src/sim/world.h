// World: the clock and the workers of a run, which live outside the server and over its crashes.
// Workers answer a payload always in the same way, after a random time; faults answer twice, or as
// lost. One thread.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/rng.h"
#include "exec/executor.h"
#include "sim/scenario.h"

namespace tandem::sim {

class WorldClock final : public Clock {
public:
    Timestamp now() const override { return now_; }
    /// The latest time that was ever shown: nothing recorded may be later.
    Timestamp latest() const { return latest_; }
    void set(Timestamp now) {
        now_ = now;
        latest_ = std::max(latest_, now);
    }

private:
    Timestamp now_ = from_millis(1'700'000'000'000);
    Timestamp latest_ = now_;
};

/// The error document of a task that fails, and so its cause: always the same, because which of two
/// branches fails first may depend on the faults.
constexpr const char* kFailure = R"({"errorType":"E","errorMessage":"as ever"})";

/// What a function answers to a payload: a value that depends on it alone, or error "E".
TaskResult answer_to(const Payload& payload);

class Workers final : public Executor {
public:
    Workers(const WorldClock& clock, const Faults& faults, uint64_t seed)
        : clock_(clock), faults_(faults), random_(seed) {}

    std::string_view name() const override { return "simulated"; }
    Result<void> admit(const Callable&) override { return {}; }
    void activate(std::shared_ptr<const Callable>) override {}
    void retire(std::string_view) override {}
    void run(Task task, TaskCallbacks callbacks) override;
    void cancel(std::string_view key) override;
    Result<std::string> logs(std::string_view, size_t) const override { return std::string(); }
    void stop() override {}

    /// Called for each task as it arrives: (key, payload).
    std::function<void(const std::string&, const Payload&)> on_run;
    /// When the next answer is due; kNever when nothing runs.
    Timestamp next_due() const;
    /// Gives the answers that are due.
    void answer_due();
    /// The server crashed: nobody waits for what runs.
    void forget_all();
    bool is_running(const std::string& key) const { return running_.count(key) != 0; }
    std::set<std::string> running() const;
    const Faults& faults() const { return faults_; }
    void set_faults(const Faults& faults) { faults_ = faults; }

private:
    struct Running {
        TaskCallbacks callbacks;
        Payload payload;
        Timestamp due;
        bool lost = false;
        bool cancelled = false;
    };
    const WorldClock& clock_;
    Faults faults_;
    SplitMix64 random_;
    std::map<std::string, Running> running_;
};

}  // namespace tandem::sim
