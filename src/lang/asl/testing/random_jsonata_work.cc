// The states of RandomMachine that can fail and be tried again, in JSONata.
#include "lang/asl/testing/random_machine.h"

namespace tandem::asl::testing {

namespace {

/// More than data may be.
constexpr const char* kTooMuch = "$map([1..700], function() { $range(1, 1000, 1) })";

}  // namespace

void RandomMachine::jsonata_task(Place place, const std::string& name, const Way& way) {
    json::Value state = jsonata_state("Task");
    jsonata_limit(state, "TimeoutSeconds");
    if (dice(3) == 0) jsonata_limit(state, "HeartbeatSeconds");
    around_.can_retry = true;
    const bool is_invoke = dice(3) == 0;
    // Where it fails by an expression of its own, if it does.
    const char* fails = nullptr;
    if (dice(12) == 0) fails = is_invoke || coin() ? "Output" : "Arguments";
    if (is_invoke) {
        jsonata_invoke(state);
    } else {
        state.set("Resource", kFunction + std::string(coin() ? "f" : "f:live"));
        if (coin()) state.set("Arguments", formulas_.payload(2));
        else if (coin()) state.set("Arguments", formula(formulas_.any(2)));
    }
    around_.can_retry = false;
    if (!options_.is_exact && dice(40) == 0)
        state.set("Resource", kFunction + std::string("nobody"));
    std::string result = "$states.result";
    // The answer of the Lambda API tells the time.
    if (is_invoke) {
        const std::string parts[] = {"$states.result.Payload", "$states.result.StatusCode",
                                     "$keys($states.result.Payload)"};
        result = parts[dice(3)];
    } else if (coin()) {
        const std::string wholes[] = {"$type($states.result)", "$string($states.result)",
                                      "[$states.result.r]"};
        result = wholes[dice(3)];
    }
    jsonata_result(state, name, way, result);
    if (fails != nullptr) {
        const bool is_much = !options_.is_exact && coin();
        state.set(fails,
                  json::Value::object({{"p", formula(is_much ? kTooMuch : formulas_.failing())}}));
    }
    if (dice(6) == 0)
        state.set("Credentials",
                  json::Value::object({{"RoleArn", "arn:aws:iam::123456789012:role/r"}}));
    if (dice(4) != 0) state.set("Retry", retry());
    if (fails != nullptr || coin()) catchers(place, state, way, Query::kJsonata, fails != nullptr);
    add(place, name, std::move(state), way);
}

void RandomMachine::jsonata_invoke(json::Value& state) {
    state.set("Resource", kInvoke);
    json::Value call = json::Value::object();
    switch (dice(3)) {
        case 0: call.set("FunctionName", "f"); break;
        case 1: call.set("FunctionName", formula("$join(['f', 'live'], ':')")); break;
        default: call.set("FunctionName", std::string(kFunction) + "f:live");
    }
    if (coin()) call.set("Payload", formula(coin() ? "$states.input" : formulas_.object(1)));
    else if (coin()) call.set("Payload", formulas_.payload(2));
    if (dice(4) == 0) call.set("InvocationType", formula("'RequestResponse'"));
    state.set("Arguments", std::move(call));
}

void RandomMachine::jsonata_limit(json::Value& state, const std::string& field) {
    const bool is_short = options_.with_timeouts && !options_.is_exact && coin();
    switch (dice(4)) {
        case 0: state.set(field, is_short ? int64_t(1 + dice(20)) : int64_t(99'999'999)); break;
        case 1:
            state.set(field, jsonata_wrong(is_short ? "$states.input.n * 3" : "$states.input.far"));
            break;
        default: break;
    }
    shorten_heartbeat(state);
}

/// Output and Assign of a state that has a result, here `result`. What follows needs the input,
/// which is at `root`.
void RandomMachine::jsonata_result(json::Value& state, const std::string& name, const Way& way,
                                   const std::string& result, const std::string& root) {
    switch (dice(way.next ? 3 : 7)) {
        case 0: state.set("Output", formula(root)); break;
        case 1:
            state.set("Output",
                      formula("$merge([" + root + ", {'r" + name + "': " + result + "}])"));
            break;
        case 2:
            if (way.is_loop) state.set("Output", formula(root));
            else state.set("Output", formula(formulas_.all_of_input(root, "'r': " + result)));
            break;
        case 3: {
            json::Value output = formulas_.payload(1);
            state.set("Output", output.set("r", formula(result)));
            break;
        }
        case 4: state.set("Output", formula(result)); break;
        default: state.set("Output", jsonata_wrong("$type($states.result)"));
    }
    jsonata_assign(state, name, result);
}

void RandomMachine::jsonata_parallel(Place place, const std::string& name, const Way& way) {
    json::Value state = jsonata_state("Parallel");
    around_.can_retry = true;
    if (dice(3) == 0) {
        json::Value arguments = json::Value::object();
        for (const char* field : kInputFields)
            arguments.set(field, formula(std::string("$states.input.") + field));
        arguments.set("list", formula("[$states.input.list[[0..2]]]"));
        state.set("Arguments", arguments.set("extra", formulas_.payload(1)));
    } else if (coin()) {
        state.set("Arguments", jsonata_wrong("$states.input"));
    }
    around_.can_retry = false;
    json::Array branches;
    for (uint64_t i = 0; i <= dice(3); ++i)
        branches.push_back(inner(place.depth - 1, Part::kBranch, true));
    state.set("Branches", json::Value(std::move(branches)));
    around_.has_input = true;
    jsonata_result(state, name, way, coin() ? "$states.result" : "$count($states.result)");
    if (coin()) state.set("Retry", retry());
    if (coin()) catchers(place, state, way, Query::kJsonata, false);
    add(place, name, std::move(state), way);
}

void RandomMachine::jsonata_map(Place place, const std::string& name, const Way& way) {
    json::Value state = jsonata_state("Map");
    const Surroundings around = around_;
    // Without Items it goes over its input, which then is no more what follows needs.
    const bool is_over_input = !way.is_loop && may_spread_input() && dice(6) == 0;
    std::string map = name;
    if (is_over_input) {
        json::Value list = jsonata_state("Pass");
        list.set("Output", formula(around.is_in_map ? "$states.input.o.n" : "$states.input.list"));
        add(place, name, std::move(list), {map = fresh(), {}, true});
    }
    const std::string root = is_over_input ? "$states.context.Execution.Input" : "$states.input";
    const bool is_shuffled = !is_over_input && jsonata_items(state);
    around_.is_in_map = true;
    around_.has_index = !is_shuffled;
    const bool selects = is_shuffled || dice(3) != 0;
    if (selects) jsonata_selector(state, root);
    json::Value processor = inner(place.depth - 1, Part::kIteration, selects);
    if (coin()) processor.set("ProcessorConfig", json::Value::object({{"Mode", "INLINE"}}));
    state.set("ItemProcessor", std::move(processor));
    around_ = around;
    around_.has_input = !is_over_input;
    // Shuffled items have shuffled results: what goes on must be the same whatever their order.
    std::string result = coin() ? "$states.result" : "$count($states.result)";
    if (is_shuffled) result = "[$sort([$states.result.$string()])]";
    jsonata_result(state, name, way, result, root);
    if (coin()) state.set("Retry", retry());
    if (!is_over_input && coin()) catchers(place, state, way, Query::kJsonata, false);
    add(place, map, std::move(state), way);
}

void RandomMachine::jsonata_selector(json::Value& state, const std::string& root) {
    around_.has_input = false;
    around_.can_retry = true;
    json::Value item = json::Value::object();
    for (const char* field : kInputFields) item.set(field, formula(root + "." + field));
    item.set("list", formula("[" + root + ".list[[0..2]]]"));
    item.set("v", formula("$states.context.Map.Item.Value"));
    if (around_.has_index) item.set("i", formula("$states.context.Map.Item.Index"));
    if (coin()) item.set("extra", formulas_.payload(1));
    if (!options_.is_exact && dice(8) == 0) item.set("bad", formula(formulas_.failing()));
    around_.can_retry = false;
    state.set("ItemSelector", std::move(item));
}

/// Items and MaxConcurrency; whether the items come in any order. Maps within Maps go over short
/// lists: the iterations multiply.
bool RandomMachine::jsonata_items(json::Value& state) {
    const bool is_inner = around_.is_in_map;
    const std::string few[] = {"$states.input.o.n", "[$states.input.list[[0..1]]]",
                               "$states.input.none", "[1..2]"};
    const std::string all[] = {"$states.input.list", "$states.context.Execution.Input.list",
                               "[$states.input.list[$type($) = 'number']]", "$states.input.none"};
    switch (dice(is_inner ? 3 : 8)) {
        case 0: {
            json::Array items = {1, formula("$states.input.s"), formulas_.payload(0)};
            state.set("Items", json::Value(std::move(items)));
            break;
        }
        case 1:
        case 2: state.set("Items", jsonata_wrong(few[dice(4)])); break;
        case 3:
        case 4:
            // A few at a time, so that some begin in other decisions than that which shuffled.
            state.set("Items", formula("$shuffle($states.input.list)"));
            state.set("MaxConcurrency", int64_t(1 + dice(2)));
            return true;
        default: state.set("Items", jsonata_wrong(all[dice(4)]));
    }
    if (!options_.is_exact && dice(8) == 0) {
        state.set("Items", formula("[1..$floor($random() * 4)]"));
    }
    switch (dice(3)) {
        case 0: state.set("MaxConcurrency", int64_t(dice(4))); break;
        case 1: state.set("MaxConcurrency", jsonata_wrong("$states.input.n", 5)); break;
        default: break;
    }
    return false;
}

void RandomMachine::jsonata_catcher(json::Value& catcher, bool restores, bool hides_error) {
    around_.has_input = true;
    const std::string error = hides_error ? "$states.errorOutput.Error" : "$states.errorOutput";
    if (!restores) {
        catcher.set("Output",
                    formula(coin() ? "$states.input"
                                   : "$merge([$states.input, {'caught': " + error + "}])"));
    } else if (hides_error || coin()) {
        catcher.set("Output", jsonata_wrong("{'was': " + error + "}", 8));
    }
    if (dice(3) == 0) {
        catcher.set("Assign", json::Value::object({{"caught", formula(error)},
                                                   {"by", formula("$states.context.State.Name")}}));
    }
}

}  // namespace tandem::asl::testing
