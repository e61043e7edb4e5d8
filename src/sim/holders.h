// Holders: people and workers outside the server who have got task tokens, and answer by them:
// late, in any order, twice, after signs of life, or not for a long time. They live over the
// server's crashes. One thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/rng.h"
#include "sim/world.h"

namespace tandem::sim {

/// What a task's token holder says to the task's input: of that alone, but for the token itself.
TaskResult later_answer_to(const Payload& input);

class Holders {
public:
    struct Deed {
        std::string token;
        bool is_heartbeat = false;
        TaskResult result;
    };

    Holders(const WorldClock& clock, const Workers& workers, uint64_t seed)
        : clock_(clock), workers_(workers), random_(seed) {}

    /// Gets a token, perhaps once more.
    void take(const std::string& token, const Payload& input);
    Timestamp next_due() const;
    /// What is due now. Who answers waits for a word.
    std::vector<Deed> due();
    /// Nobody will hear of what was said to it.
    void server_gone();
    void accepted(const std::string& token);
    void refused(const std::string& token);
    /// The server was too busy, or gone.
    void try_again(const std::string& token);
    /// Those who had gone away with a token come back. Whether there was one.
    bool come_back();
    bool has(const std::string& token) const { return tokens_.count(token) != 0; }
    /// The answer that was accepted, or null.
    const TaskResult* answer(const std::string& token) const;
    /// The tasks of an execution whose answers were accepted, with those.
    const std::map<TaskId, TaskResult>& answers_of(const ExecutionId& id) const;

private:
    struct Held {
        Payload input;
        Timestamp due = kNever;
        bool is_away = false;
        bool has_asked = false;  // and the server has not yet said a word
    };
    Timestamp later();

    const WorldClock& clock_;
    const Workers& workers_;  // for the faults of now
    SplitMix64 random_;
    std::map<std::string, Held> tokens_;
    std::map<ExecutionId, std::map<TaskId, TaskResult>> answers_;
};

}  // namespace tandem::sim
