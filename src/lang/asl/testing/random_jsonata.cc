// The states of RandomMachine that only steer, in JSONata.
#include "base/clock.h"
#include "lang/asl/testing/random_machine.h"

namespace tandem::asl::testing {

json::Value RandomMachine::jsonata_state(const char* type) {
    around_.has_input = true;
    json::Value state = json::Value::object({{"Type", type}});
    if (!is_jsonata_ || dice(6) == 0) state.set("QueryLanguage", "JSONata");
    return state;
}

/// `right`, or one time in so many what ends the execution: of another kind, or no value at all.
std::string RandomMachine::jsonata_wrong(const std::string& right, uint64_t one_in) {
    if (options_.is_exact || dice(one_in) != 0) return formula(right);
    return formula(coin() ? formulas_.failing() : "{'of': 'another kind'}");
}

void RandomMachine::jsonata_pass(Place place, const std::string& name, const Way& way) {
    json::Value state = jsonata_state("Pass");
    jsonata_output(state, name, way);
    jsonata_assign(state, name, "");
    add(place, name, std::move(state), way);
}

/// Of a state without a result: without an Output its input goes on. What follows needs the input.
void RandomMachine::jsonata_output(json::Value& state, const std::string& name, const Way& way) {
    const bool may_reset = !way.is_loop && may_spread_input();
    switch (dice(way.next ? 6 : 8)) {
        case 0: state.set("Output", jsonata_wrong("$states.input")); break;
        case 1:
            state.set("Output", formula("$merge([$states.input, {'r" + name +
                                        "': " + formulas_.any(2) + "}])"));
            break;
        case 2:
            if (may_reset) state.set("Output", formula("$states.context.Execution.Input"));
            break;
        case 3:
            if (!way.is_loop) {
                state.set("Output", formula(formulas_.all_of_input("$states.input",
                                                                   "'r': " + formulas_.any(2))));
            }
            break;
        case 6: state.set("Output", formulas_.payload(2)); break;
        case 7: state.set("Output", formula(formulas_.any(2))); break;
        default: break;
    }
}

/// `result` as an expression; empty where there is none.
void RandomMachine::jsonata_assign(json::Value& state, const std::string& name,
                                   const std::string& result) {
    if (dice(4) != 0) return;
    json::Value out = json::Value::object({{"w" + name, 1}});
    const json::Value assigned = formulas_.payload(1);
    for (const auto& [member, value] : assigned.as_object()) out.set("w" + name + member, value);
    if (!result.empty()) out.set("w" + name + "r", formula(result));
    if (dice(4) == 0) state.set("Assign", formula("{'w" + name + "': " + formulas_.any(2) + "}"));
    else state.set("Assign", std::move(out));
}

void RandomMachine::jsonata_restore(Place place, const std::string& name,
                                    const std::optional<std::string>& next) {
    json::Value state = jsonata_state("Pass");
    const std::string input = "$states.context.Execution.Input";
    switch (dice(3)) {
        case 0:
            if (may_spread_input()) {
                state.set("Output", formula(input));
                break;
            }
            [[fallthrough]];
        case 1: state.set("Output", formula(formulas_.all_of_input(input))); break;
        default: state.set("Output", small_input());
    }
    add(place, name, std::move(state), {next, {}, false});
}

void RandomMachine::jsonata_wait(Place place, const std::string& name, const Way& way) {
    json::Value state = jsonata_state("Wait");
    const uint64_t most = uint64_t(options_.longest_wait_s);
    switch (dice(6)) {
        case 0: state.set("Seconds", jsonata_wrong("$states.input.n", 6)); break;
        case 1: state.set("Seconds", formula("$floor($random(7) * 2) + 1")); break;
        case 2:
            state.set("Timestamp",
                      format_iso8601(from_millis(kBegin_ms + int64_t(dice(most * 1000)))));
            break;
        case 3: state.set("Timestamp", jsonata_wrong("$states.input.t", 6)); break;
        case 4:
            state.set("Timestamp", formula(coin() ? "$fromMillis($millis() + 1500)"
                                                  : "$states.context.State.EnteredTime"));
            break;
        default: state.set("Seconds", int64_t(dice(most)));
    }
    jsonata_output(state, name, way);
    jsonata_assign(state, name, "");
    add(place, name, std::move(state), way);
}

void RandomMachine::jsonata_choice(Place place, const std::string& name, Way way) {
    if (!way.next) way.next = way.later.emplace_back(exit(place));
    const auto target = [&] {
        if (!way.is_loop && dice(4) == 0) return exit(place);
        return way.later.empty() ? *way.next : way.later[dice(way.later.size())];
    };
    json::Value state = jsonata_state("Choice");
    json::Array rules;
    for (uint64_t i = 0; i <= dice(3); ++i) {
        json::Value rule = json::Value::object();
        if (dice(8) == 0) rule.set("Condition", coin());
        else rule.set("Condition", jsonata_wrong(formulas_.boolean(2)));
        rule.set("Next", target());
        if (dice(3) == 0) jsonata_output(rule, name, way);
        jsonata_assign(rule, name, "");
        rules.push_back(std::move(rule));
    }
    if (coin()) {
        state.set("Default", *way.next);
    } else {
        const bool may_match_nothing = !options_.is_exact && dice(3) == 0;
        json::Value rule = json::Value::object(
            {{"Condition", formula(may_match_nothing ? formulas_.boolean(1) : "true")}});
        rules.push_back(rule.set("Next", *way.next));
    }
    state.set("Choices", json::Value(std::move(rules)));
    jsonata_output(state, name, way);
    jsonata_assign(state, name, "");
    put(place, name, std::move(state));
}

void RandomMachine::jsonata_succeed(Place place, const std::string& name) {
    json::Value state = jsonata_state("Succeed");
    jsonata_output(state, name, {});
    put(place, name, std::move(state));
}

void RandomMachine::jsonata_failure(Place place, const std::string& name) {
    json::Value state = jsonata_state("Fail");
    if (!options_.is_exact && dice(6) == 0) return put(place, name, std::move(state));
    if (coin()) state.set("Error", !options_.is_exact && coin() ? "F" : "E");
    else state.set("Error", jsonata_wrong("$uppercase('e')"));
    if (coin()) state.set("Cause", options_.fail_cause);
    else state.set("Cause", jsonata_wrong("$states.input.c & ''"));
    put(place, name, std::move(state));
}

}  // namespace tandem::asl::testing
