#include "sim/world.h"

#include <cmath>

#include "base/encoding.h"
#include "lang/asl/testing/random_machine.h"

namespace tandem::sim {

TaskResult answer_to(const Payload& payload) {
    TaskResult result;
    // A token is another one whenever the task is tried again.
    const auto same = asl::testing::RandomMachine::without_tokens(payload.view());
    const uint64_t hash = stable_hash(same);
    if (hash % 6 == 0) {
        result.outcome = TaskOutcome::kFailed;
        result.payload = Payload(std::string(kFailure));
    } else {
        result.payload = Payload("{\"r\":" + std::to_string(hash % 1000) + "}");
    }
    result.request_id = "00000000-0000-4000-8000-000000000000";
    result.executed_version = "$LATEST";
    return result;
}

void Workers::run(Task task, TaskCallbacks callbacks) {
    if (on_run) on_run(task.key, task.payload);
    const double share = -std::log(1 - random_.next_double());
    Running running;
    running.callbacks = std::move(callbacks);
    running.payload = task.payload;
    running.due = clock_.now() + Duration(int64_t(share * double(faults_.answer_ms) * 1000));
    running.lost = random_.next_double() < faults_.lost_worker;
    const auto started = running.callbacks.started;
    running_[task.key] = std::move(running);
    if (started && random_.next() % 4 != 0) started();
}

void Workers::cancel(std::string_view key) {
    const auto it = running_.find(std::string(key));
    if (it != running_.end()) it->second.cancelled = true;
}

Timestamp Workers::next_due() const {
    Timestamp next = kNever;
    for (const auto& [key, running] : running_) next = std::min(next, running.due);
    return next;
}

void Workers::answer_due() {
    std::vector<Running> answered;
    for (auto it = running_.begin(); it != running_.end();) {
        if (it->second.due > clock_.now()) {
            ++it;
            continue;
        }
        answered.push_back(std::move(it->second));
        it = running_.erase(it);
    }
    for (Running& running : answered) {
        TaskResult result = answer_to(running.payload);
        if (running.lost) {
            result.outcome = TaskOutcome::kLost;
            result.payload =
                Payload(std::string(R"({"errorType":"Runtime.ExitError","errorMessage":"lost"})"));
        }
        running.callbacks.completed(result);
        if (random_.next_double() < faults_.duplicate_answer) running.callbacks.completed(result);
    }
}

void Workers::forget_all() { running_.clear(); }

std::set<std::string> Workers::running() const {
    std::set<std::string> keys;
    for (const auto& [key, running] : running_) keys.insert(key);
    return keys;
}

}  // namespace tandem::sim
