#include "lang/asl/testing/random_machine.h"

#include "base/clock.h"

namespace tandem::asl::testing {

namespace {

constexpr int64_t kFar_s = 99'999'999;  // the longest time-out there is

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
         {"t", format_iso8601(from_millis(RandomMachine::kBegin_ms + 10'000))},
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

std::string RandomMachine::attributes(const std::string& machine) {
    return R"({"Execution":{"Id":"arn:aws:states:us-east-1:123456789012:execution:m:run",)"
           R"("Name":"run","RoleArn":"arn:aws:iam::123456789012:role/r",)"
           R"("StartTime":"2023-11-14T22:13:20.000Z","RedriveCount":0},)"
           R"("StateMachine":{"Id":"arn:aws:states:us-east-1:123456789012:stateMachine:m",)"
           R"("Name":")" +
           machine + R"("}})";
}

json::Value RandomMachine::machine(int depth) {
    is_jsonata_ = dice(3) == 0;
    json::Value out = chain(depth, Part::kTop, true);
    if (coin()) out.set("Comment", "Generated.");
    if (coin()) out.set("Version", "1.0");
    if (is_jsonata_) out.set("QueryLanguage", "JSONata");
    else if (coin()) out.set("QueryLanguage", "JSONPath");
    const bool is_short = options_.with_timeouts && !options_.is_exact;
    if (dice(6) == 0)
        out.set("TimeoutSeconds", is_short && coin() ? int64_t(5 + dice(60)) : kFar_s);
    return out;
}

/// The machine of a branch or an iteration. What is known inside is not known outside.
json::Value RandomMachine::inner(int depth, Part part, bool has_input) {
    const Surroundings around = around_;
    json::Value out = chain(depth, part, has_input);
    around_ = around;
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
    std::string first = names.front(), owned;
    if (part == Part::kTop && coin()) first = first_variables(place, first);
    if (part != Part::kTop && dice(3) == 0) first = owned = own_variable(place, first);
    if (!has_input) {
        const std::string then = first;
        restore(place, first = fresh(), then);
    }
    // What many iterations leave behind has to be small.
    const bool is_small = part == Part::kIteration && is_large();
    std::optional<std::string> last;
    if (is_small || !owned.empty()) last = fresh();
    for (size_t i = 0; i < names.size(); ++i) {
        Way way;
        if (i + 1 < names.size()) way.next = names[i + 1];
        else way.next = last;
        way.later.assign(names.begin() + long(i) + 1, names.end());
        const bool is_first = part == Part::kTop && i == 0;
        // What the options ask for has to be there.
        const bool must_map = is_large() || (options_.has_map_runs && coin());
        if (is_first && must_map && depth > 0) map(place, names[i], way);
        else if (is_first && options_.rounds > 10) loop(place, names[i], way);
        else segment(place, names[i], way);
    }
    if (last) tail(place, *last, owned, is_small);
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

/// Before all others, so that every state may refer to what is assigned here.
std::string RandomMachine::first_variables(Place place, const std::string& next) {
    const std::string name = fresh();
    json::Value state = json::Value::object({{"Type", "Pass"}});
    json::Value assigned = json::Value::object({{"v", json::Value::object({{"k", "w"}})}});
    if (speaks_jsonata()) {
        state = jsonata_state("Pass");
        assigned.set("vn", formula("$count($states.input.list)"));
    } else {
        assigned.set("vn.$", "$.list.length()");
    }
    add(place, name, state.set("Assign", std::move(assigned)), {next, {}, true});
    around_.has_variables = true;
    return name;
}

/// A variable whose name the branches beside this one have too, and that holds the state's name.
std::string RandomMachine::own_variable(Place place, const std::string& next) {
    const std::string name = fresh();
    around_.local = "own" + std::to_string(place.depth);
    json::Value state = json::Value::object({{"Type", "Pass"}});
    json::Value assigned = json::Value::object();
    if (speaks_jsonata()) {
        state = jsonata_state("Pass");
        assigned.set(around_.local, coin() ? formula("$states.context.State.Name") : name);
    } else if (coin()) {
        assigned.set(around_.local, name);
    } else {
        assigned.set(around_.local + ".$", "$$.State.Name");
    }
    add(place, name, state.set("Assign", std::move(assigned)), {next, {}, true});
    return name;
}

/// The end of a branch: that its variable still holds `owned`, if there is one; and little data.
void RandomMachine::tail(Place place, const std::string& name, const std::string& owned,
                         bool is_small) {
    const std::string variable = "$own" + std::to_string(place.depth);
    if (speaks_jsonata()) {
        json::Value state = jsonata_state("Pass");
        std::string data = is_small ? "$states.input.n" : "$states.input";
        if (!owned.empty())
            data = variable + " = '" + owned + "' ? " + data + " : $error('not its own')";
        return add(place, name, state.set("Output", formula(data)), {});
    }
    std::string end = name;
    if (!owned.empty()) {
        const std::string wrong = fresh();
        end = fresh();
        json::Array rules = {
            json::Value::object({{"Variable", variable}, {"StringEquals", owned}, {"Next", end}})};
        put(place, name,
            json::Value::object({{"Type", "Choice"},
                                 {"Choices", json::Value(std::move(rules))},
                                 {"Default", wrong}}));
        put(place, wrong, json::Value::object({{"Type", "Fail"}, {"Error", "NotItsOwn"}}));
    }
    add(place, end, json::Value::object({{"Type", "Pass"}, {"OutputPath", is_small ? "$.n" : "$"}}),
        {});
}

/// A state beside the chain that ends its machine.
std::string RandomMachine::exit(Place place) {
    const std::string name = fresh();
    if (coin()) succeed(place, name);
    else failure(place, name);
    return name;
}

/// Some rounds of one state: counted, so that it ends.
void RandomMachine::loop(Place place, const std::string& name, Way way) {
    const std::string body = fresh(), counts = fresh(), test = fresh();
    const Counter counter{"l" + name, coin()};
    const bool is_outermost = !around_.is_in_map;
    const int64_t rounds = is_outermost ? options_.rounds : std::min<int64_t>(options_.rounds, 3);
    count(place, name, counter, true, body);
    const Way within{counts, {}, !counter.is_variable};
    if (rounds > 10 || is_large()) task(place, body, within);
    else if (dice(4) == 0) wait(place, body, within);
    else work(place, body, within);
    count(place, counts, counter, false, test);
    if (!way.next) way.next = exit(place);
    count_test(place, test, counter, rounds, body, *way.next);
}

void RandomMachine::count(Place place, const std::string& name, const Counter& counter,
                          bool is_first, const std::string& next) {
    const std::string path =
        (counter.is_variable ? "$" : "$.") + counter.name + (counter.is_variable ? "" : ".i");
    json::Value state = json::Value::object({{"Type", "Pass"}});
    if (speaks_jsonata()) {
        state = jsonata_state("Pass");
        const std::string old =
            counter.is_variable ? "$" + counter.name : "$states.input." + counter.name + ".i";
        const std::string now = is_first ? "0" : old + " + 1";
        if (counter.is_variable) {
            state.set("Assign", json::Value::object({{counter.name, formula(now)}}));
        } else {
            state.set("Output", formula("$merge([$states.input, {'" + counter.name +
                                        "': {'i': " + now + "}}])"));
        }
    } else if (counter.is_variable) {
        json::Value assigned = json::Value::object();
        if (is_first) assigned.set(counter.name, 0);
        else assigned.set(counter.name + ".$", "States.MathAdd(" + path + ", 1)");
        state.set("Assign", std::move(assigned));
    } else {
        if (is_first) state.set("Result", json::Value::object({{"i", 0}}));
        else
            state.set("Parameters",
                      json::Value::object({{"i.$", "States.MathAdd(" + path + ", 1)"}}));
        state.set("ResultPath", "$." + counter.name);
    }
    add(place, name, std::move(state), {next, {}, true});
}

void RandomMachine::count_test(Place place, const std::string& name, const Counter& counter,
                               int64_t rounds, const std::string& body, const std::string& next) {
    json::Value state = json::Value::object({{"Type", "Choice"}});
    json::Value rule = json::Value::object();
    if (speaks_jsonata()) {
        state = jsonata_state("Choice");
        const std::string is =
            counter.is_variable ? "$" + counter.name : "$states.input." + counter.name + ".i";
        rule.set("Condition", formula(is + " < " + std::to_string(rounds)));
    } else {
        rule.set("Variable", counter.is_variable ? "$" + counter.name : "$." + counter.name + ".i");
        rule.set("NumericLessThan", rounds);
    }
    rule.set("Next", body);
    state.set("Choices", json::Value(json::Array{std::move(rule)}));
    put(place, name, state.set("Default", next));
}

}  // namespace tandem::asl::testing
