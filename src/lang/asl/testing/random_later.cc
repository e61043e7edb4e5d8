// The tasks of RandomMachine whose results come later, by a token or with the end of an execution
// that they start: activities, .waitForTaskToken, .sync; and one that only starts it.
#include "lang/asl/testing/random_machine.h"

namespace tandem::asl::testing {

namespace {

constexpr const char* kActivity = "arn:aws:states:us-east-1:123456789012:activity:a";
constexpr const char* kStart = "arn:aws:states:::states:startExecution";

}  // namespace

bool RandomMachine::is_later() { return options_.has_later_tasks && dice(3) == 0; }

/// One of the resources. `alike`: where in the result is what is always the same, for of an
/// execution that was started it is told when that was; "none", or empty where all of it is.
std::string RandomMachine::later_resource(std::string& alike) {
    // Those that children start would be many.
    const uint64_t kind = dice(options_.child.empty() || around_.is_child ? 2 : 6);
    static const char* const kPatterns[] = {"", ".sync", ".sync:2", ".waitForTaskToken"};
    static const char* const kAlike[] = {"", "$.Output", "$.Output", ""};
    alike.clear();
    if (kind == 0) return kActivity;
    if (kind == 1) return std::string(kInvoke) + ".waitForTaskToken";
    alike = kAlike[kind - 2];
    if (alike.empty() && kind == 2) alike = "none";
    return std::string(kStart) + kPatterns[kind - 2];
}

void RandomMachine::later_task(Place place, const std::string& name, const Way& way) {
    json::Value state = json::Value::object({{"Type", "Task"}});
    const bool has_input = input_path(state, false);
    time_limit(state, "TimeoutSeconds", has_input);
    if (dice(3) == 0) time_limit(state, "HeartbeatSeconds", has_input);
    around_.has_input = has_input;
    around_.can_retry = true;
    std::string alike;
    const std::string resource = later_resource(alike);
    const bool has_token = resource.ends_with(".waitForTaskToken");
    const bool has_child = resource.starts_with(kStart);
    state.set("Resource", resource);
    if (has_child) {
        json::Value call = json::Value::object({{"StateMachineArn", options_.child}});
        if (has_token)
            call.set("Input", fields("$$.Execution.Input").set("parentToken.$", "$$.Task.Token"));
        else call.set("Input.$", "$$.Execution.Input");
        state.set("Parameters", std::move(call));
    } else if (has_token) {
        json::Value payload = json::Value::object({{"token.$", "$$.Task.Token"}});
        payload.set("data.$", around_.has_input ? "$" : expressions_.object(1));
        state.set("Parameters",
                  json::Value::object({{"FunctionName", "f"}, {"Payload", std::move(payload)}}));
    } else if (coin()) {
        state.set("Parameters", expressions_.payload(2));
    }
    if (!alike.empty() && (options_.is_exact || coin())) {
        json::Value selector = json::Value::object({{"r", "begun"}});
        if (alike != "none") selector.set("r.$", alike), selector.set("s.$", "$.Status");
        state.set("ResultSelector", std::move(selector));
    } else if (alike.empty() && coin()) {
        result_selector(state, false);
    }
    around_.can_retry = false;
    result_path(state, name, way);
    assign(state, name, false);
    if (dice(4) != 0) state.set("Retry", retry());
    // A child's failure tells its times.
    if (has_child || coin()) catchers(place, state, way, Query::kPath, has_child);
    add(place, name, std::move(state), way);
}

void RandomMachine::jsonata_later_task(Place place, const std::string& name, const Way& way) {
    json::Value state = jsonata_state("Task");
    jsonata_limit(state, "TimeoutSeconds");
    if (dice(3) == 0) jsonata_limit(state, "HeartbeatSeconds");
    around_.can_retry = true;
    std::string alike;
    const std::string resource = later_resource(alike);
    const bool has_token = resource.ends_with(".waitForTaskToken");
    const bool has_child = resource.starts_with(kStart);
    const std::string token = "$states.context.Task.Token";
    state.set("Resource", resource);
    if (has_child) {
        const std::string input = "$states.context.Execution.Input";
        state.set("Arguments",
                  json::Value::object(
                      {{"StateMachineArn", options_.child},
                       {"Input", formula(has_token ? "$merge([" + input +
                                                         ", {'parentToken': " + token + "}])"
                                                   : input)}}));
    } else if (has_token) {
        state.set("Arguments",
                  json::Value::object({{"FunctionName", "f"},
                                       {"Payload", formula("{'token': " + token + ", 'data': " +
                                                           formulas_.object(1) + "}")}}));
    } else if (coin()) {
        state.set("Arguments", formulas_.payload(2));
    }
    around_.can_retry = false;
    std::string result = coin() ? "$states.result.r" : "$states.result";
    if (alike == "none") result = "$type($states.result)";
    else if (!alike.empty()) result = "[$states.result.Status, $states.result.Output]";
    jsonata_result(state, name, way, result);
    if (dice(4) != 0) state.set("Retry", retry());
    if (has_child || coin()) catchers(place, state, way, Query::kJsonata, has_child);
    add(place, name, std::move(state), way);
}

namespace {

constexpr std::string_view kToken = R"("token":")", kParentToken = R"("parentToken":")";

std::string text_behind(std::string_view json, std::string_view member) {
    const size_t at = json.find(member);
    if (at == std::string_view::npos) return {};
    const size_t begin = at + member.size();
    return std::string(json.substr(begin, json.find('"', begin) - begin));
}

}  // namespace

std::string RandomMachine::token_in(std::string_view payload) {
    return text_behind(payload, kToken);
}

std::string RandomMachine::parent_token_in(std::string_view input) {
    return text_behind(input, kParentToken);
}

std::string RandomMachine::without_tokens(std::string_view json) {
    std::string text(json);
    for (const std::string& token : {token_in(json), parent_token_in(json)}) {
        if (!token.empty()) text.erase(text.find(token), token.size());
    }
    return text;
}

}  // namespace tandem::asl::testing
