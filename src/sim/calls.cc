#include "sim/calls.h"

#include <cmath>

namespace tandem::sim {

Timestamp Calls::later() {
    const double share = -std::log(1 - random_.next_double());
    return clock_.now() + Duration(int64_t(share * double(workers_.faults().answer_ms) * 500));
}

void Calls::call(ServiceCall call, std::function<void(TaskResult)> done) {
    if (on_call) on_call(call.key);
    const std::string key = call.key;
    open_[key] = {std::move(call), std::move(done), later(), false, {}};
}

void Calls::cancel(std::string_view key) {
    const auto it = open_.find(std::string(key));
    // Of what a call began the answer tells, wanted or not.
    const bool may_forget = it != open_.end() && it->second.call.service == "map-run";
    if (may_forget && random_.next() % 2 == 0) open_.erase(it);
}

void Calls::answer(const std::string& key, TaskResult result) {
    const auto it = open_.find(key);
    if (it == open_.end() || it->second.is_answered) return;
    it->second.is_answered = true;
    it->second.result = std::move(result);
    it->second.due = later();
}

void Calls::try_again(const std::string& key) {
    const auto it = open_.find(key);
    if (it != open_.end() && !it->second.is_answered) it->second.due = later();
}

Timestamp Calls::next_due() const {
    Timestamp next = kNever;
    for (const auto& [key, open] : open_) next = std::min(next, open.due);
    return next;
}

void Calls::act_due() {
    std::vector<std::string> due;
    for (const auto& [key, open] : open_) {
        if (open.due <= clock_.now()) due.push_back(key);
    }
    for (const std::string& key : due) {
        Open& open = open_.at(key);
        if (open.is_answered) {
            const Open answered = std::move(open);
            open_.erase(key);
            answered.done(answered.result);
            continue;
        }
        open.due = kNever;  // until the server has answered
        const ServiceCall call = open.call;
        const bool is_twice = random_.next_double() < workers_.faults().duplicate_answer;
        make(call);
        if (is_twice) make(call);
    }
}

std::set<std::string> Calls::open() const {
    std::set<std::string> keys;
    for (const auto& [key, open] : open_) keys.insert(key);
    return keys;
}

}  // namespace tandem::sim
