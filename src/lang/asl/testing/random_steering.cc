// The states of RandomMachine that only steer, in JSONPath, and how data goes in and out of states.
#include "base/clock.h"
#include "lang/asl/testing/random_machine.h"

namespace tandem::asl::testing {

void RandomMachine::choice(Place place, const std::string& name, Way way) {
    if (speaks_jsonata()) return jsonata_choice(place, name, std::move(way));
    if (!way.next) way.next = way.later.emplace_back(exit(place));
    const auto target = [&] {
        if (!way.is_loop && dice(4) == 0) return exit(place);
        return way.later.empty() ? *way.next : way.later[dice(way.later.size())];
    };
    around_.has_input = true;
    json::Value state = json::Value::object({{"Type", "Choice"}});
    json::Array rules;
    for (uint64_t i = 0; i <= dice(3); ++i) {
        json::Value rule = expressions_.rule(2);
        rule.set("Next", target());
        if (dice(4) == 0) assign(rule, name, true);
        rules.push_back(std::move(rule));
    }
    if (coin()) {
        state.set("Default", *way.next);
    } else {
        const bool may_match_nothing = !options_.is_exact && dice(3) == 0;
        json::Value rule = json::Value::object({{"Variable", "$"}, {"IsPresent", true}});
        if (may_match_nothing) rule = expressions_.rule(1);
        rules.push_back(rule.set("Next", *way.next));
    }
    state.set("Choices", json::Value(std::move(rules)));
    passed_on(state, way);
    if (dice(4) == 0) assign(state, name, true);
    put(place, name, std::move(state));
}

void RandomMachine::pass(Place place, const std::string& name, const Way& way) {
    if (way.next && !way.is_loop && dice(4) == 0) return restore(place, name, way.next);
    if (speaks_jsonata()) return jsonata_pass(place, name, way);
    json::Value state = json::Value::object({{"Type", "Pass"}});
    const bool has_input = input_path(state, false);
    if (coin()) {
        state.set("Result", json::Value::object({{"n", 1}}));
    } else if (coin()) {
        around_.has_input = has_input;
        state.set("Parameters", expressions_.payload(2));
    }
    result_path(state, name, way);
    assign(state, name, false);
    add(place, name, std::move(state), way);
}

json::Value RandomMachine::small_input() const {
    RandomMachineOptions small = options_;
    small.items = 3;
    return *json::parse(input(small));
}

/// Makes the data the execution's input again, or much like it.
void RandomMachine::restore(Place place, const std::string& name,
                            const std::optional<std::string>& next) {
    if (speaks_jsonata()) return jsonata_restore(place, name, next);
    json::Value state = json::Value::object({{"Type", "Pass"}});
    switch (dice(3)) {
        case 0:
            if (may_spread_input()) {
                state.set("InputPath", "$$.Execution.Input");
                break;
            }
            [[fallthrough]];
        case 1: state.set("Parameters", fields("$$.Execution.Input")); break;
        default: state.set("Result", small_input()); state.set("ResultPath", "$");
    }
    add(place, name, std::move(state), {next, {}, false});
}

void RandomMachine::wait(Place place, const std::string& name, const Way& way) {
    if (speaks_jsonata()) return jsonata_wait(place, name, way);
    json::Value state = json::Value::object({{"Type", "Wait"}});
    const uint64_t most = uint64_t(options_.longest_wait_s);
    switch (dice(5)) {
        case 0: state.set("SecondsPath", coin() ? "$.n" : "$$.Execution.Input.n"); break;
        case 1:
            state.set("Timestamp",
                      format_iso8601(from_millis(kBegin_ms + int64_t(dice(most * 1000)))));
            break;
        case 2:
            state.set("TimestampPath", coin()   ? "$.t"
                                       : coin() ? "$$.Execution.StartTime"
                                                : "$$.State.EnteredTime");
            break;
        default: state.set("Seconds", int64_t(dice(most)));
    }
    passed_on(state, way);
    assign(state, name, true);
    add(place, name, std::move(state), way);
}

void RandomMachine::succeed(Place place, const std::string& name) {
    if (speaks_jsonata()) return jsonata_succeed(place, name);
    json::Value state = json::Value::object({{"Type", "Succeed"}});
    passed_on(state, {});
    put(place, name, std::move(state));
}

void RandomMachine::failure(Place place, const std::string& name) {
    if (speaks_jsonata()) return jsonata_failure(place, name);
    json::Value state = json::Value::object({{"Type", "Fail"}});
    if (!options_.is_exact && dice(6) == 0) {  // neither is required
        put(place, name, std::move(state));
        return;
    }
    switch (dice(3)) {
        case 0: state.set("Error", !options_.is_exact && coin() ? "F" : "E"); break;
        case 1: state.set("ErrorPath", "$.e"); break;
        default: state.set("ErrorPath", "States.Format('{}', $.e)");
    }
    switch (dice(3)) {
        case 0: state.set("Cause", options_.fail_cause); break;
        case 1: state.set("CausePath", "$.c"); break;
        default: state.set("CausePath", "States.Format('{}', $.c)");
    }
    put(place, name, std::move(state));
}

/// Whether the state's expressions still find the input at their root.
bool RandomMachine::input_path(json::Value& state, bool must_be_input) {
    switch (dice(must_be_input ? 4 : 7)) {
        case 0: state.set("InputPath", "$"); return true;
        case 1:
            if (!may_spread_input()) return true;
            state.set("InputPath", "$$.Execution.Input");
            return true;
        case 4: state.set("InputPath", "$.o"); return false;
        case 5: state.set("InputPath", nullptr); return false;
        default: return true;
    }
}

/// Of a state with a result: where that goes, and what goes on. What follows needs the input.
void RandomMachine::result_path(json::Value& state, const std::string& name, const Way& way) {
    bool keeps = true;
    switch (dice(way.next ? 4 : 6)) {
        case 0: state.set("ResultPath", nullptr); break;
        case 1: state.set("ResultPath", "$.r" + name + ".deep"); break;
        case 4:
            state.set("ResultPath", "$");
            keeps = false;
            break;
        case 5: keeps = false; break;
        default: state.set("ResultPath", "$.r" + name);
    }
    if (keeps) return passed_on(state, way);
    if (dice(4) == 0) state.set("OutputPath", coin() ? json::Value("$") : json::Value(nullptr));
}

/// Of a state that keeps the data: InputPath, where it has no other meaning, and OutputPath.
void RandomMachine::passed_on(json::Value& state, const Way& way) {
    const std::string_view type = state.string_or("Type", "");
    const bool only_passes = type == "Wait" || type == "Choice" || type == "Succeed";
    const bool may_reset = !way.is_loop && may_spread_input();
    const bool is_last = !way.next && type != "Choice";
    const auto path = [&]() -> json::Value {
        switch (dice(is_last ? 5 : may_reset ? 2 : 1)) {
            case 1:
                if (may_reset) return "$$.Execution.Input";
                return around_.may_name_execution() ? "$$.Execution.Name" : "$$.Execution.RoleArn";
            case 2: return "$.n";
            case 3: return "$['s','n']";
            case 4: return nullptr;
            default: return "$";
        }
    };
    if (dice(4) == 0) state.set("OutputPath", path());
    // The state's own expressions need the input, so no other part of it.
    if (only_passes && dice(4) == 0)
        state.set("InputPath", may_reset && coin() ? "$$.Execution.Input" : "$");
}

void RandomMachine::assign(json::Value& state, const std::string& name, bool has_input) {
    if (dice(4) != 0) return;
    around_.has_input = has_input;
    json::Value assigned = expressions_.payload(1);
    json::Value out = json::Value::object({{"w" + name, 1}});
    for (const auto& [member, value] : assigned.as_object()) out.set("w" + name + member, value);
    state.set("Assign", std::move(out));
}

/// A payload template that takes over the fields of the input at `root`, and of its list a part.
json::Value RandomMachine::fields(const std::string& root) {
    json::Value out = json::Value::object({{"list.$", root + ".list[0:3]"}});
    for (const char* field : kInputFields) out.set(std::string(field) + ".$", root + "." + field);
    return out;
}

}  // namespace tandem::asl::testing
