#include "sim/holders.h"

#include <cmath>

#include "base/encoding.h"
#include "lang/asl/testing/random_machine.h"

namespace tandem::sim {

namespace {

constexpr double kHeartbeats = 0.2;  // of deeds

}  // namespace

TaskResult later_answer_to(const Payload& input) {
    TaskResult result;
    const auto same = asl::testing::RandomMachine::without_tokens(input.view());
    const uint64_t hash = stable_hash(same + "later");
    if (hash % 6 == 0) {
        result.outcome = TaskOutcome::kFailed;
        result.error = "E";
        result.cause = kFailure;
    } else {
        result.payload = Payload("{\"r\":" + std::to_string(hash % 1000) + "}");
    }
    return result;
}

Timestamp Holders::later() {
    const double share = -std::log(1 - random_.next_double());
    return clock_.now() + Duration(int64_t(share * double(workers_.faults().answer_ms) * 1000));
}

void Holders::take(const std::string& token, const Payload& input) {
    Held& held = tokens_[token];
    held.input = input;
    if (held.has_asked) return;
    held.due = later();
    held.is_away = random_.next_double() < workers_.faults().lost_worker;
    if (held.is_away) held.due = kNever;
}

Timestamp Holders::next_due() const {
    Timestamp next = kNever;
    for (const auto& [token, held] : tokens_) next = std::min(next, held.due);
    return next;
}

void Holders::server_gone() {
    for (auto& [token, held] : tokens_) {
        if (held.has_asked) held.has_asked = false, held.due = later();
    }
}

std::vector<Holders::Deed> Holders::due() {
    std::vector<Deed> deeds;
    for (auto& [token, held] : tokens_) {
        if (held.due > clock_.now()) continue;
        Deed deed{token, random_.next_double() < kHeartbeats, {}};
        if (deed.is_heartbeat) {
            held.due = later();
        } else {
            deed.result = later_answer_to(held.input);
            held.due = kNever;
            held.has_asked = true;
        }
        deeds.push_back(std::move(deed));
    }
    return deeds;
}

void Holders::accepted(const std::string& token) {
    Held& held = tokens_.at(token);
    held.has_asked = false;
    const TaskToken task = *decode_task_token(token);
    answers_[task.execution].emplace(task.task, later_answer_to(held.input));
    if (random_.next_double() < workers_.faults().duplicate_answer) held.due = later();
    else tokens_.erase(token);
}

void Holders::refused(const std::string& token) { tokens_.erase(token); }

void Holders::try_again(const std::string& token) {
    Held& held = tokens_.at(token);
    held.has_asked = false;
    held.due = later();
}

bool Holders::come_back() {
    bool did = false;
    for (auto& [token, held] : tokens_) {
        if (!held.is_away) continue;
        held.is_away = false;
        held.due = clock_.now();
        did = true;
    }
    return did;
}

const TaskResult* Holders::answer(const std::string& token) const {
    const TaskToken task = *decode_task_token(token);
    const auto& answers = answers_of(task.execution);
    const auto it = answers.find(task.task);
    return it == answers.end() ? nullptr : &it->second;
}

const std::map<TaskId, TaskResult>& Holders::answers_of(const ExecutionId& id) const {
    static const std::map<TaskId, TaskResult> kNone;
    const auto it = answers_.find(id);
    return it == answers_.end() ? kNone : it->second;
}

}  // namespace tandem::sim
