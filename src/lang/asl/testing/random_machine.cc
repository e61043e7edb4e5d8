#include "lang/asl/testing/random_machine.h"

#include "base/clock.h"

namespace tandem::asl::testing {

namespace {

constexpr int64_t kBegin_ms = 1'700'000'000'000;
constexpr int64_t kFar_s = 99'999'999;  // the longest time-out there is
constexpr const char* kFields[] = {"n", "far", "x", "s",   "b", "nil",
                                   "t", "e",   "c", "doc", "o", "none"};

/// The execution's input but for its list.
json::Value facts(const std::string& cause) {
    using json::Value;
    return Value::object(
        {{"n", 2},
         {"far", kFar_s},
         {"x", 2.5},
         {"s", "a-b,c"},
         {"b", true},
         {"nil", nullptr},
         {"t", format_iso8601(from_millis(kBegin_ms + 10'000))},
         {"e", "E"},
         {"c", cause},
         {"doc", R"({"a":[1]})"},
         {"o", Value::object({{"k", "v"}, {"n", Value(json::Array{Value(1), Value(2)})}})},
         {"none", Value::array()}});
}

json::Value list_of(int64_t items) {
    json::Array list = {1, "a", json::Value::object({{"b", 1}})};
    while (int64_t(list.size()) < items) list.emplace_back(int64_t(list.size()) + 1);
    return json::Value(std::move(list));
}

}  // namespace

std::string RandomMachine::input(const RandomMachineOptions& options) {
    return json::print(facts(options.fail_cause).set("list", list_of(options.items)));
}

std::string RandomMachine::attributes() {
    return R"({"Execution":{"Id":"arn:aws:states:us-east-1:123456789012:execution:m:run",)"
           R"("Name":"run","RoleArn":"arn:aws:iam::123456789012:role/r",)"
           R"("StartTime":"2023-11-14T22:13:20.000Z","RedriveCount":0},)"
           R"("StateMachine":{"Id":"arn:aws:states:us-east-1:123456789012:stateMachine:m",)"
           R"("Name":"m"}})";
}

json::Value RandomMachine::machine(int depth) {
    json::Value out = chain(depth, Part::kTop, true);
    if (coin()) out.set("Comment", "Generated.");
    if (coin()) out.set("Version", "1.0");
    if (coin()) out.set("QueryLanguage", "JSONPath");
    const bool is_short = options_.with_timeouts && !options_.is_exact;
    if (dice(6) == 0)
        out.set("TimeoutSeconds", is_short && coin() ? int64_t(5 + dice(60)) : kFar_s);
    return out;
}

void RandomMachine::put(Place place, const std::string& name, json::Value state) {
    --left_;
    place.states.set(name, std::move(state));
}

void RandomMachine::add(Place place, const std::string& name, json::Value state, const Way& way) {
    if (way.next) state.set("Next", *way.next);
    else state.set("End", true);
    put(place, name, std::move(state));
}

json::Value RandomMachine::chain(int depth, Part part, bool has_input) {
    std::vector<std::string> names;
    for (uint64_t count = left_ > 0 ? 1 + dice(3) : 1; count > 0; --count) names.push_back(fresh());
    json::Value states = json::Value::object();
    const Place place{states, depth};
    std::string first = names.front();
    if (!has_input) {
        first = fresh();
        restore(place, first, names.front());
    }
    if (part == Part::kTop && coin()) {
        // Before all others, so that every state may refer to what is assigned here.
        first = fresh();
        add(place, first,
            json::Value::object(
                {{"Type", "Pass"},
                 {"Assign", json::Value::object({{"v", json::Value::object({{"k", "w"}})},
                                                 {"vn.$", "$.list.length()"}})}}),
            {names.front(), {}, true});
        expressions_.has_variables = true;
    }
    // What many iterations leave behind has to be small.
    std::optional<std::string> last;
    if (part == Part::kIteration && is_large()) last = fresh();
    for (size_t i = 0; i < names.size(); ++i) {
        Way way;
        if (i + 1 < names.size()) way.next = names[i + 1];
        else way.next = last;
        way.later.assign(names.begin() + long(i) + 1, names.end());
        const bool is_first = part == Part::kTop && i == 0;
        // What the options ask for has to be there.
        if (is_first && is_large() && depth > 0) map(place, names[i], way);
        else if (is_first && options_.rounds > 10) loop(place, names[i], way);
        else segment(place, names[i], way);
    }
    if (last) {
        add(place, *last, json::Value::object({{"Type", "Pass"}, {"OutputPath", "$.n"}}), {});
    }
    return json::Value::object({{"StartAt", first}, {"States", std::move(states)}});
}

void RandomMachine::segment(Place place, const std::string& name, const Way& way) {
    switch (dice(10)) {
        case 0:
        case 1: return pass(place, name, way);
        case 2: return wait(place, name, way);
        case 3: return choice(place, name, way);
        case 4: return loop(place, name, way);
        case 5:
            // What stands behind it could not be reached.
            if (!way.next) return coin() ? succeed(place, name) : failure(place, name);
            return choice(place, name, way);
        default: return work(place, name, way);
    }
}

/// A state beside the chain that ends its machine.
std::string RandomMachine::exit(Place place) {
    const std::string name = fresh();
    if (coin()) succeed(place, name);
    else failure(place, name);
    return name;
}

void RandomMachine::choice(Place place, const std::string& name, Way way) {
    if (!way.next) way.next = way.later.emplace_back(exit(place));
    const auto target = [&] {
        if (!way.is_loop && dice(4) == 0) return exit(place);
        return way.later.empty() ? *way.next : way.later[dice(way.later.size())];
    };
    expressions_.has_input = true;
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

/// Some rounds of one state: counted, so that it ends.
void RandomMachine::loop(Place place, const std::string& name, Way way) {
    const std::string body = fresh(), count = fresh(), test = fresh();
    const std::string at = "$.l" + name, counter = at + ".i";
    const bool is_outermost = !expressions_.is_in_map;
    const int64_t rounds = is_outermost ? options_.rounds : std::min<int64_t>(options_.rounds, 3);
    add(place, name,
        json::Value::object(
            {{"Type", "Pass"}, {"Result", json::Value::object({{"i", 0}})}, {"ResultPath", at}}),
        {body, {}, true});
    const Way inner{count, {}, true};
    if (rounds > 10 || is_large()) task(place, body, inner);
    else if (dice(4) == 0) wait(place, body, inner);
    else work(place, body, inner);
    add(place, count,
        json::Value::object(
            {{"Type", "Pass"},
             {"Parameters", json::Value::object({{"i.$", "States.MathAdd(" + counter + ", 1)"}})},
             {"ResultPath", at}}),
        {test, {}, true});
    if (!way.next) way.next = exit(place);
    json::Array rules = {
        json::Value::object({{"Variable", counter}, {"NumericLessThan", rounds}, {"Next", body}})};
    put(place, test,
        json::Value::object({{"Type", "Choice"},
                             {"Choices", json::Value(std::move(rules))},
                             {"Default", *way.next}}));
}

void RandomMachine::pass(Place place, const std::string& name, const Way& way) {
    if (way.next && !way.is_loop && dice(4) == 0) return restore(place, name, way.next);
    json::Value state = json::Value::object({{"Type", "Pass"}});
    const bool has_input = input_path(state, false);
    if (coin()) {
        state.set("Result", json::Value::object({{"n", 1}}));
    } else if (coin()) {
        expressions_.has_input = has_input;
        state.set("Parameters", expressions_.payload(2));
    }
    result_path(state, name, way);
    assign(state, name, false);
    add(place, name, std::move(state), way);
}

/// Makes the data the execution's input again, or much like it.
void RandomMachine::restore(Place place, const std::string& name,
                            const std::optional<std::string>& next) {
    json::Value state = json::Value::object({{"Type", "Pass"}});
    switch (dice(3)) {
        case 0:
            if (may_spread_input()) {
                state.set("InputPath", "$$.Execution.Input");
                break;
            }
            [[fallthrough]];
        case 1: state.set("Parameters", fields("$$.Execution.Input")); break;
        default:
            state.set("Result", facts(options_.fail_cause).set("list", list_of(3)));
            state.set("ResultPath", "$");
    }
    add(place, name, std::move(state), {next, {}, false});
}

void RandomMachine::wait(Place place, const std::string& name, const Way& way) {
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
    json::Value state = json::Value::object({{"Type", "Succeed"}});
    passed_on(state, {});
    put(place, name, std::move(state));
}

void RandomMachine::failure(Place place, const std::string& name) {
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
            case 1: return may_reset ? "$$.Execution.Input" : "$$.Execution.Name";
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
    expressions_.has_input = has_input;
    json::Value assigned = expressions_.payload(1);
    json::Value out = json::Value::object({{"w" + name, 1}});
    for (const auto& [member, value] : assigned.as_object()) out.set("w" + name + member, value);
    state.set("Assign", std::move(out));
}

/// A payload template that takes over the fields of the input at `root`, and of its list a part.
json::Value RandomMachine::fields(const std::string& root) {
    json::Value out = json::Value::object({{"list.$", root + ".list[0:3]"}});
    for (const char* field : kFields) out.set(std::string(field) + ".$", root + "." + field);
    return out;
}

}  // namespace tandem::asl::testing
