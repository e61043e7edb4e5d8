#include "cli/outline.h"

#include <set>

namespace tandem::cli {

namespace {

/// States that may follow `state`: the main line first, the handlers of errors last.
std::vector<std::string> followers(const json::Value& state) {
    std::vector<std::string> names;
    const auto add = [&names](const json::Value& from, std::string_view key) {
        if (const std::string_view next = from.string_or(key, ""); !next.empty()) {
            names.emplace_back(next);
        }
    };
    const auto add_each = [&](std::string_view list) {
        const json::Value* entries = state.find(list);
        if (entries == nullptr || !entries->is_array()) return;
        for (const json::Value& entry : entries->as_array()) add(entry, "Next");
    };
    add(state, "Next");
    add_each("Choices");
    add(state, "Default");
    add_each("Catch");
    return names;
}

/// The names of a machine's states, depth first from its start; unreachable ones at the end.
std::vector<std::string> in_order(const json::Value& machine, const json::Object& states) {
    std::vector<std::string> order;
    std::set<std::string, std::less<>> seen;
    std::vector<std::string> open{std::string(machine.string_or("StartAt", ""))};
    while (!open.empty()) {
        const std::string name = std::move(open.back());
        open.pop_back();
        const json::Value* state = states.find(name);
        if (state == nullptr || !seen.insert(name).second) continue;
        order.push_back(name);
        const std::vector<std::string> next = followers(*state);
        open.insert(open.end(), next.rbegin(), next.rend());
    }
    for (const auto& [name, state] : states) {
        if (seen.insert(name).second) order.push_back(name);
    }
    return order;
}

std::string target_of(const json::Value& state) {
    for (const char* key : {"Parameters", "Arguments"}) {
        const json::Value* parameters = state.find(key);
        if (parameters == nullptr) continue;
        const std::string_view name = parameters->string_or("FunctionName", "");
        if (!name.empty()) return target_text("function:" + std::string(name));
    }
    return target_text(state.string_or("Resource", ""));
}

}  // namespace

std::string target_text(std::string_view resource) {
    for (const std::string_view kind : {"function", "activity"}) {
        const std::string mark = std::string(kind) + ":";
        const size_t at = resource.rfind(mark);
        if (at == std::string_view::npos) continue;
        return std::string(kind).append(" ").append(resource.substr(at + mark.size()));
    }
    return std::string(resource);
}

Outline::Outline(const json::Value& definition) {
    timeout_s_ = definition.int_or("TimeoutSeconds", 0);
    collect(definition, {});
}

std::optional<int> Outline::find(std::string_view name) const {
    const auto it = index_.find(name);
    return it == index_.end() ? std::nullopt : std::optional<int>(it->second);
}

void Outline::collect(const json::Value& machine, const OutlineState& around) {
    const json::Value* states = machine.find("States");
    if (states == nullptr || !states->is_object()) return;
    for (const std::string& name : in_order(machine, states->as_object())) {
        const json::Value& state = *states->find(name);
        OutlineState s = around;
        s.name = name;
        s.type = state.string_or("Type", "");
        s.is_start = machine.string_or("StartAt", "") == name;
        s.is_last = state.bool_or("End", false) || s.type == "Succeed";
        s.max_concurrency = state.int_or("MaxConcurrency", 0);
        if (s.type == "Task") s.target = target_of(state);
        const json::Value* branches = state.find("Branches");
        const bool parallel = branches != nullptr && branches->is_array();
        if (parallel) s.branches = int(branches->as_array().size());
        OutlineState inside;
        inside.depth = around.depth + 1;
        inside.parent = int(states_.size());
        index_.emplace(name, inside.parent);
        states_.push_back(std::move(s));
        for (const char* key : {"ItemProcessor", "Iterator"}) {
            if (const json::Value* inner = state.find(key)) collect(*inner, inside);
        }
        if (!parallel) continue;
        for (const json::Value& branch : branches->as_array()) {
            collect(branch, inside);
            ++inside.branch;
        }
    }
}

}  // namespace tandem::cli
