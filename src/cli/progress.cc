#include "cli/progress.h"

#include <algorithm>

namespace tandem::cli {

namespace {

bool ends_with(std::string_view text, std::string_view end) {
    return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

/// The details object of an event, whichever its type: the member whose name ends with "EventDetails".
const json::Value* details(const json::Value& event) {
    for (const auto& [key, value] : event.as_object()) {
        if (ends_with(key, "EventDetails")) return &value;
    }
    return nullptr;
}

bool is_last(const json::Value& state) {
    return state.bool_or("End", false) || state.string_or("Type", "") == "Succeed" || state.string_or("Type", "") == "Fail";
}

std::string mark(const Output& out, const StateProgress& s, bool execution_open) {
    if (s.entered == 0) return styled(out, Style::kDim, "·");
    if (s.exited == s.entered) return styled(out, Style::kGreen, "✔");
    if (execution_open) return styled(out, Style::kBlue, "●");
    return s.type == "Succeed" ? styled(out, Style::kGreen, "✔") : styled(out, Style::kRed, "✘");
}

}  // namespace

std::string progress_bar(int64_t done, int64_t total, size_t width) {
    const size_t full = total > 0 ? size_t(std::clamp<int64_t>(done, 0, total)) * width / size_t(total) : 0;
    std::string bar = "[";
    for (size_t i = 0; i < width; ++i) bar += i < full ? "█" : "░";
    return bar + "] " + std::to_string(done) + "/" + std::to_string(total);
}

Progress::Progress(const json::Value& definition) { collect(definition, 0); }

void Progress::collect(const json::Value& machine, int depth) {
    const json::Value* states = machine.find("States");
    if (states == nullptr || !states->is_object()) return;
    for (const auto& [name, state] : states->as_object()) {
        StateProgress s;
        s.name = name;
        s.type = state.string_or("Type", "");
        s.depth = depth;
        index_.emplace(name, states_.size());
        states_.push_back(s);
        for (const char* key : {"ItemProcessor", "Iterator"}) {
            if (const json::Value* inner = state.find(key)) collect(*inner, depth + 1);
        }
        const json::Value* branches = state.find("Branches");
        if (branches == nullptr || !branches->is_array()) continue;
        for (const json::Value& branch : branches->as_array()) {
            const json::Value* inner = branch.find("States");
            if (inner == nullptr || !inner->is_object()) continue;
            for (const auto& [inner_name, inner_state] : inner->as_object()) {
                if (is_last(inner_state)) parallel_of_last_[inner_name] = name;
            }
            collect(branch, depth + 1);
        }
    }
}

StateProgress* Progress::find(std::string_view name) {
    const auto it = index_.find(name);
    return it == index_.end() ? nullptr : &states_[it->second];
}

void Progress::add(const json::Value& event) {
    if (!event.is_object()) return;
    ++events_;
    const std::string_view type = event.string_or("type", "");
    const json::Value* body = details(event);
    std::string name(body != nullptr ? body->string_or("name", "") : "");
    if (name.empty()) {
        const auto before = state_of_event_.find(event.int_or("previousEventId", 0));
        if (before != state_of_event_.end()) name = before->second;
    }
    state_of_event_[event.int_or("id", 0)] = name;
    StateProgress* s = find(name);
    if (s == nullptr) return;
    if (ends_with(type, "StateEntered")) ++s->entered;
    else if (ends_with(type, "StateExited")) {
        ++s->exited;
        if (const auto parallel = parallel_of_last_.find(name); parallel != parallel_of_last_.end()) {
            ++find(parallel->second)->finished;
        }
    } else if (type == "MapStateStarted" && body != nullptr) s->length += body->int_or("length", 0);
    else if (type == "MapIterationSucceeded") ++s->finished;
    else if (type == "MapIterationFailed" || type == "MapIterationAborted") ++s->failed;
    else if (type == "TaskFailed" || type == "LambdaFunctionFailed" || ends_with(type, "TimedOut")) ++s->failed_attempts;
}

std::vector<std::string> Progress::render(const Output& out, std::string_view status, size_t columns) const {
    const bool open = status == "RUNNING";
    size_t name_width = 0;
    for (const StateProgress& s : states_) name_width = std::max(name_width, display_width(s.name) + size_t(s.depth) * 2);
    name_width = std::min(name_width, columns / 2);
    std::vector<std::string> lines;
    for (const StateProgress& s : states_) {
        std::string line = "  " + std::string(size_t(s.depth) * 2, ' ') + mark(out, s, open) + " ";
        line += s.entered > 0 && s.exited < s.entered && open ? styled(out, Style::kBold, s.name) : s.name;
        const size_t used = display_width(s.name) + size_t(s.depth) * 2;
        line += std::string(name_width > used ? name_width - used + 2 : 2, ' ');
        line += styled(out, Style::kDim, s.type + std::string(9 - std::min<size_t>(8, s.type.size()), ' '));
        if (s.type == "Map" && s.length > 0) {
            line += progress_bar(s.finished, s.length, 20);
            if (s.failed > 0) line += styled(out, Style::kRed, "  " + std::to_string(s.failed) + " failed");
        } else if (s.entered > 0) {
            line += std::to_string(s.exited) + "/" + std::to_string(s.entered);
        }
        const int64_t running = s.entered - s.exited;
        if (open && running > 0 && s.entered > 1) line += styled(out, Style::kBlue, "  " + std::to_string(running) + " running");
        if (s.failed_attempts > 0) line += styled(out, Style::kYellow, "  " + std::to_string(s.failed_attempts) + " failed attempts");
        lines.push_back(line);
    }
    return lines;
}

}  // namespace tandem::cli
