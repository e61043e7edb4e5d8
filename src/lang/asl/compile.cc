#include "lang/asl/compile.h"

#include <algorithm>

#include "base/limits.h"
#include "lang/asl/validate/validator.h"

namespace tandem::asl {

namespace {

/// How many regular expressions the paths of a definition may hold: each costs far more memory than
/// its text.
size_t patterns_in(const json::Value& json) {
    size_t count = 0;
    if (json.is_string()) {
        const std::string& text = json.as_string();
        for (size_t at = text.find("=~"); at != text.npos; at = text.find("=~", at + 2)) ++count;
    }
    if (json.is_array()) {
        for (const json::Value& item : json.as_array()) count += patterns_in(item);
    }
    if (json.is_object()) {
        for (const auto& [key, member] : json.as_object()) count += patterns_in(member);
    }
    return count;
}

}  // namespace

void Compiler::fault(std::string reason, const std::string& at) {
    if (!fault_) fault_ = "SCHEMA_VALIDATION_FAILED: " + std::move(reason) + " at " + at;
}

Result<std::shared_ptr<const Definition>> Compiler::compile(const json::Value& text) {
    is_jsonata_ = is_jsonata(text);
    machine(text, "");
    int64_t& timeout_s = definition_.machines[0].timeout_s;
    timeout_s = longest_s_;
    definition_.machines[0].has_no_timeout = type_ == WorkflowType::kStandard;
    if (text.find("TimeoutSeconds") != nullptr) {
        definition_.machines[0].has_no_timeout = false;
        timeout_s = std::min(text.int_or("TimeoutSeconds", 0), longest_s_);
        if (timeout_s <= 0) fault("Value must be a positive whole number", "/TimeoutSeconds");
    }
    if (fault_) return fail(ErrorCode::kInvalidArgument, *fault_);
    return std::make_shared<const Definition>(std::move(definition_));
}

int Compiler::machine(const json::Value& json, const std::string& at) {
    const int index = int(definition_.machines.size());
    definition_.machines.emplace_back();
    const json::Value* states = json.find("States");
    if (states == nullptr || !states->is_object() || states->as_object().empty()) {
        fault("These fields are required: [States]", at + "/");
        return index;
    }
    // Names first: a state may point to one that stands behind it.
    Names names;
    for (const auto& [name, state] : states->as_object()) {
        if (characters_of(name) > kStateNameChars) {
            fault("State names have at most 80 characters", at + "/States");
            return index;
        }
        const int number = int(definition_.states.size());
        if (!definition_.by_name.emplace(name, number).second)
            fault("Duplicate state name: " + name, at + "/States");
        names.emplace(name, number);
        definition_.states.emplace_back();
    }
    const auto start = names.find(std::string(json.string_or("StartAt", "")));
    if (start == names.end()) {
        fault("Missing 'Next' target: " + std::string(json.string_or("StartAt", "")),
              at + "/StartAt");
        return index;
    }
    definition_.machines[size_t(index)].start = start->second;
    // A state's own language is not that of the machines inside it.
    const bool all_jsonata = is_jsonata_ || is_jsonata(json);
    for (const auto& [name, state_json] : states->as_object()) {
        const bool jsonata = all_jsonata || is_jsonata(state_json);
        StateDefinition compiled =
            state(name, {state_json, at + "/States/" + name, names, jsonata});
        definition_.states[size_t(names[name])] = std::move(compiled);
    }
    return index;
}

StateDefinition Compiler::state(const std::string& name, const Source& source) {
    StateDefinition state;
    state.name = name;
    if (!source.json.is_object()) {
        fault("Expected value of type Object", source.at);
        return state;
    }
    common(state, source);
    body(state, source, source.json.string_or("Type", ""));
    return state;
}

void Compiler::common(StateDefinition& state, const Source& source) {
    state.next = target(source, source.json, "Next", source.at);
    state.is_jsonata = source.is_jsonata;
    if (source.is_jsonata) {
        state.arguments = formula(source.json, "Arguments", source.at, "");
        state.exit = exit(source.json, source.at, "");
        state.retriers = retriers(source);
        state.catchers = catchers(source);
        return;
    }
    state.input_path = path_field(source, "InputPath");
    state.output_path = path_field(source, "OutputPath");
    state.result_path = result_path(source.json, source.at);
    state.parameters = payload(source.json, "Parameters", source.at);
    state.result_selector = payload(source.json, "ResultSelector", source.at);
    state.assign = payload(source.json, "Assign", source.at);
    state.retriers = retriers(source);
    state.catchers = catchers(source);
}

std::vector<Retrier> Compiler::retriers(const Source& source) {
    std::vector<Retrier> retriers;
    const json::Value* list = source.json.find("Retry");
    if (list == nullptr || !list->is_array()) return retriers;
    for (const json::Value& json : list->as_array()) {
        Retrier retrier;
        const std::string at = source.at + "/Retry[" + std::to_string(retriers.size()) + "]";
        retrier.errors = error_names(json, at);
        retrier.interval_s = json.int_or("IntervalSeconds", 1);
        retrier.max_attempts = json.int_or("MaxAttempts", 3);
        const json::Value* rate = json.find("BackoffRate");
        if (rate != nullptr && rate->is_number()) retrier.backoff_rate = rate->as_double();
        if (json.find("MaxDelaySeconds") != nullptr)
            retrier.max_delay_s = json.int_or("MaxDelaySeconds", 0);
        retrier.full_jitter = json.string_or("JitterStrategy", "NONE") == "FULL";
        if (retrier.interval_s < 0 || retrier.max_attempts < 0 || !(retrier.backoff_rate >= 1.0)) {
            fault("Value is out of range", at);
        }
        retriers.push_back(std::move(retrier));
    }
    return retriers;
}

std::vector<Catcher> Compiler::catchers(const Source& source) {
    std::vector<Catcher> catchers;
    const json::Value* list = source.json.find("Catch");
    if (list == nullptr || !list->is_array()) return catchers;
    for (const json::Value& json : list->as_array()) {
        Catcher catcher;
        const std::string at = source.at + "/Catch[" + std::to_string(catchers.size()) + "]";
        catcher.errors = error_names(json, at);
        if (source.is_jsonata) {
            const std::string place = "Catch[" + std::to_string(catchers.size()) + "]/";
            catcher.exit = exit(json, at, place);
        } else {
            catcher.result_path = result_path(json, at);
            catcher.assign = payload(json, "Assign", at);
        }
        catcher.next = target(source, json, "Next", at);
        if (catcher.next == kEnd) fault("These fields are required: [Next]", at);
        catchers.push_back(std::move(catcher));
    }
    return catchers;
}

Result<std::shared_ptr<const Definition>> compile_definition(std::string_view text,
                                                             WorkflowType type, int64_t longest_s) {
    if (text.size() > kDefinitionBytes)
        return fail(ErrorCode::kTooLarge, "Definition is longer than 1 MiB");
    const auto json = json::parse(text);
    if (!json) return tl::unexpected(json.error());
    if (patterns_in(*json) > kDefinitionPatterns) {
        return fail(ErrorCode::kInvalidArgument,
                    "SCHEMA_VALIDATION_FAILED: A definition has at most " +
                        std::to_string(kDefinitionPatterns) + " regular expressions at /");
    }
    return Compiler(text, type, longest_s).compile(*json);
}

}  // namespace tandem::asl
