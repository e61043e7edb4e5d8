// Where states lead: every target must exist, every state must be somebody's target, and a machine
// must have an end.
#include "lang/asl/validate/validator.h"

namespace tandem::asl {

namespace {

bool is_terminal(const json::Value& state) {
    const std::string_view type = state.string_or("Type", "");
    return type == "Succeed" || type == "Fail" || state.bool_or("End", false);
}

}  // namespace

void Validator::target(const json::Value& json, std::string_view name, const std::string& at,
                       const json::Value& states, std::set<std::string_view>& reached) {
    const json::Value* value = json.find(name);
    if (value == nullptr || !value->is_string()) return;
    if (states.find(value->as_string()) != nullptr) {
        reached.insert(value->as_string());
        return;
    }
    // It says 'Next' for StartAt and Default too.
    report("MISSING_TRANSITION_TARGET", "Missing 'Next' target: " + value->as_string(),
           at + "/" + std::string(name));
}

void Validator::transitions(const json::Value& machine, const std::string& at, bool is_top) {
    const json::Value& states = *machine.find("States");
    std::set<std::string_view> reached;
    bool has_end = !is_top;  // a branch may go round for ever
    target(machine, "StartAt", at, states, reached);
    for (const auto& [name, state] : states.as_object()) {
        const std::string place = at + "/States/" + name;
        has_end = has_end || is_terminal(state);
        target(state, "Next", place, states, reached);
        for (const std::string_view list : {"Choices", "Catch"}) {
            const json::Value* items = state.find(list);
            size_t number = 0;
            for (const json::Value& item : items ? items->as_array() : json::Array()) {
                target(item, "Next",
                       place + "/" + std::string(list) + "[" + std::to_string(number++) + "]",
                       states, reached);
            }
        }
        target(state, "Default", place, states, reached);
    }
    if (!has_end) return report("MISSING_END_STATE", "Workflow has no terminal state", "null");
    for (const auto& [name, state] : states.as_object()) {
        const std::string place = at + "/States/" + name;
        if (reached.count(name) == 0)
            report("MISSING_TRANSITION_TARGET", "State \"" + name + "\" is not reachable.", place);
    }
    for (const auto& [name, state] : states.as_object()) {
        const std::string place = at + "/States/" + name;
        size_t number = 0;
        const json::Value* branches = state.find("Branches");
        for (const json::Value& branch : branches ? branches->as_array() : json::Array())
            transitions(branch, place + "/Branches[" + std::to_string(number++) + "]", false);
        for (const char* processor : {"ItemProcessor", "Iterator"}) {
            if (const json::Value* inner = state.find(processor))
                transitions(*inner, place + "/" + processor, false);
        }
    }
}

}  // namespace tandem::asl
