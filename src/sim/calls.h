// Calls: the services that tasks call, with a delay before a call is made and one before it is
// answered; both may be long, so that calls overtake each other, and what is made may be made
// twice. A crash of the server takes all of them. One thread.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>

#include "base/rng.h"
#include "exec/services.h"
#include "sim/world.h"

namespace tandem::sim {

class Calls final : public Services {
public:
    Calls(const WorldClock& clock, const Workers& workers, uint64_t seed)
        : clock_(clock), workers_(workers), random_(seed) {}

    void call(ServiceCall call, std::function<void(TaskResult)> done) override;
    /// Heard in time or not.
    void cancel(std::string_view key) override;

    /// Called for each call as it arrives: (key).
    std::function<void(const std::string&)> on_call;
    /// Makes a call, which is answered through answer() or tried again.
    std::function<void(const ServiceCall&)> make;
    void answer(const std::string& key, TaskResult result);
    void try_again(const std::string& key);

    Timestamp next_due() const;
    void act_due();
    void forget_all() { open_.clear(); }
    bool is_open(const std::string& key) const { return open_.count(key) != 0; }
    std::set<std::string> open() const;

private:
    struct Open {
        ServiceCall call;
        std::function<void(TaskResult)> done;
        Timestamp due;
        bool is_answered = false;  // then `result` is given when it is due
        TaskResult result;
    };
    Timestamp later();

    const WorldClock& clock_;
    const Workers& workers_;  // for the faults of now
    SplitMix64 random_;
    std::map<std::string, Open> open_;
};

}  // namespace tandem::sim
