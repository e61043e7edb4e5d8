// The states of RandomMachine that can fail: Task, Parallel and Map, their Retry and Catch.
#include "lang/asl/testing/random_machine.h"

namespace tandem::asl::testing {

namespace {

template <class... Names>
json::Value names(Names... all) {
    return json::Value(json::Array{json::Value(all)...});
}

/// A payload template whose value is larger than data may be.
json::Value too_much() {
    json::Value out = json::Value::object();
    for (int i = 0; i < 70; ++i)
        out.set("p" + std::to_string(i) + ".$", "States.ArrayRange(1, 1000, 1)");
    return out;
}

}  // namespace

void RandomMachine::work(Place place, const std::string& name, const Way& way) {
    const uint64_t kind = place.depth > 0 && left_ > 0 ? dice(5) : 2;
    if (kind == 0) parallel(place, name, way);
    else if (kind == 1) map(place, name, way);
    else task(place, name, way);
}

void RandomMachine::task(Place place, const std::string& name, const Way& way) {
    if (options_.has_services && dice(5) == 0)
        return service_task(place, name, way, speaks_jsonata() ? Query::kJsonata : Query::kPath);
    const bool is_late = is_later();
    if (speaks_jsonata()) {
        return is_late ? jsonata_later_task(place, name, way) : jsonata_task(place, name, way);
    }
    if (is_late) return later_task(place, name, way);
    json::Value state = json::Value::object({{"Type", "Task"}});
    const bool has_input = input_path(state, false);
    time_limit(state, "TimeoutSeconds", has_input);
    if (dice(3) == 0) time_limit(state, "HeartbeatSeconds", has_input);
    around_.has_input = has_input;
    around_.can_retry = true;
    const bool is_invoke = dice(3) == 0;
    if (is_invoke) {
        invoke(state);
    } else {
        state.set("Resource", kFunction + std::string(coin() ? "f" : "f:live"));
        if (coin()) state.set("Parameters", expressions_.payload(2));
    }
    if (!options_.is_exact && dice(40) == 0)
        state.set("Resource",
                  coin() ? kFunction + std::string("nobody") : "arn:aws:states:::sqs:sendMessage");
    const bool fails = dice(12) == 0;
    if (fails && !is_invoke) {
        const bool is_much = !options_.is_exact && coin();
        state.set("Parameters",
                  is_much ? too_much() : json::Value::object({{"p.$", expressions_.failing()}}));
    }
    if (coin()) result_selector(state, false);
    around_.can_retry = false;
    // The answer of the Lambda API tells the time.
    if (is_invoke && options_.is_exact && state.find("ResultSelector") == nullptr) {
        state.set("ResultSelector", json::Value::object({{"r.$", "$.Payload.r"},
                                                         {"v.$", "$.ExecutedVersion"},
                                                         {"c.$", "$.StatusCode"}}));
    }
    result_path(state, name, way);
    if (!options_.is_exact && dice(40) == 0) state.set("ResultPath", "$.n.x");  // no object
    assign(state, name, false);
    if (dice(6) == 0)
        state.set("Credentials",
                  json::Value::object({{"RoleArn", "arn:aws:iam::123456789012:role/r"}}));
    if (dice(4) != 0) state.set("Retry", retry());
    if (fails || coin()) catchers(place, state, way, Query::kPath, fails);
    add(place, name, std::move(state), way);
}

void RandomMachine::invoke(json::Value& state) {
    state.set("Resource", kInvoke);
    json::Value call = json::Value::object();
    switch (dice(4)) {
        case 0: call.set("FunctionName", "f"); break;
        case 1: call.set("FunctionName", "123456789012:function:f"); break;
        case 2: call.set("FunctionName.$", "States.Format('{}', 'f')"); break;
        default: call.set("FunctionName", std::string(kFunction) + "f:live");
    }
    if (call.string_or("FunctionName", "") == "f" && coin()) call.set("Qualifier", "live");
    if (coin()) call.set("Payload.$", around_.has_input ? "$" : expressions_.object(1));
    else if (coin()) call.set("Payload", expressions_.payload(2));
    if (dice(4) == 0) call.set("InvocationType", "RequestResponse");
    if (dice(4) == 0) call.set("LogType", coin() ? "Tail" : "None");
    if (dice(4) == 0) call.set("ClientContext", "eyJjdXN0b20iOnt9fQ==");
    state.set("Parameters", std::move(call));
}

void RandomMachine::time_limit(json::Value& state, const std::string& field, bool has_input) {
    const bool is_short = options_.with_timeouts && !options_.is_exact && coin();
    const std::string root = has_input ? "$" : "$$.Execution.Input";
    switch (dice(4)) {
        case 0: state.set(field, is_short ? int64_t(1 + dice(20)) : int64_t(99'999'999)); break;
        case 1: state.set(field + "Path", root + (is_short ? ".n" : ".far")); break;
        default: break;
    }
    shorten_heartbeat(state);
}

void RandomMachine::shorten_heartbeat(json::Value& state) {
    const int64_t timeout = state.int_or("TimeoutSeconds", INT64_MAX);
    if (state.int_or("HeartbeatSeconds", 0) < timeout) return;
    if (timeout > 1) state.set("HeartbeatSeconds", timeout - 1);
    else state.mutable_object().erase("HeartbeatSeconds");
}

/// Of a task's answer, whose form is the worker's, or of the list that Parallel and Map give.
void RandomMachine::result_selector(json::Value& state, bool is_list) {
    around_.has_input = false;
    json::Value selector = expressions_.payload(1);
    selector.set("from.$",
                 is_list ? "States.ArrayLength($)" : "States.ArrayLength(States.Array($))");
    state.set("ResultSelector", std::move(selector));
}

void RandomMachine::parallel(Place place, const std::string& name, const Way& way) {
    if (speaks_jsonata()) return jsonata_parallel(place, name, way);
    json::Value state = json::Value::object({{"Type", "Parallel"}});
    input_path(state, true);
    if (dice(3) == 0) {
        around_.has_input = true;
        around_.can_retry = true;
        state.set("Parameters", fields("$").set("extra", expressions_.payload(1)));
        around_.can_retry = false;
    }
    json::Array branches;
    for (uint64_t i = 0; i <= dice(3); ++i)
        branches.push_back(inner(place.depth - 1, Part::kBranch, true));
    state.set("Branches", json::Value(std::move(branches)));
    if (dice(3) != 0) result_selector(state, true);
    result_path(state, name, way);
    assign(state, name, false);
    if (coin()) state.set("Retry", retry());
    if (coin()) catchers(place, state, way, Query::kPath, false);
    add(place, name, std::move(state), way);
}

void RandomMachine::map(Place place, const std::string& name, const Way& way) {
    if (is_distributed())
        return distributed_map(place, name, way, speaks_jsonata() ? Query::kJsonata : Query::kPath);
    if (speaks_jsonata()) return jsonata_map(place, name, way);
    json::Value state = json::Value::object({{"Type", "Map"}});
    items_of(state);
    const Surroundings around = around_;
    around_.is_in_map = around_.has_index = true;
    const uint64_t selects = dice(3);
    if (selects > 0) state.set(selects == 1 ? "ItemSelector" : "Parameters", item_selector());
    json::Value processor = inner(place.depth - 1, Part::kIteration, selects > 0);
    if (coin()) processor.set("ProcessorConfig", json::Value::object({{"Mode", "INLINE"}}));
    const bool is_legacy = processor.find("ProcessorConfig") == nullptr && coin();
    state.set(is_legacy ? "Iterator" : "ItemProcessor", std::move(processor));
    around_ = around;
    if (dice(3) != 0) result_selector(state, true);
    result_path(state, name, way);
    assign(state, name, false);
    if (coin()) state.set("Retry", retry());
    if (coin()) catchers(place, state, way, Query::kPath, false);
    add(place, name, std::move(state), way);
}

/// The input's fields, and the item.
json::Value RandomMachine::item_selector() {
    around_.has_input = false;
    around_.can_retry = true;
    json::Value item = fields("$$.Execution.Input");
    item.set("v.$", "$$.Map.Item.Value").set("i.$", "$$.Map.Item.Index");
    if (coin()) item.set("extra", expressions_.payload(1));
    around_.can_retry = false;
    return item;
}

/// Maps within Maps go over short lists: the iterations multiply.
void RandomMachine::items_of(json::Value& state) {
    const bool is_inner = around_.is_in_map;
    if (dice(4) == 0) {
        state.set("InputPath", is_inner ? "$.list[0:2]" : "$.list");
        if (coin()) state.set("MaxConcurrency", int64_t(dice(4)));
        return;
    }
    input_path(state, true);
    const std::vector<std::string> few = {"$.o.n", "$.list[0:2]", "$.none"};
    const std::vector<std::string> all = {"$.list", "$.list", "$$.Execution.Input.list",
                                          "$.list[?(@ > 1)]", "$.none"};
    const auto& paths = is_inner ? few : all;
    state.set("ItemsPath", paths[dice(paths.size())]);
    switch (dice(3)) {
        case 0: state.set("MaxConcurrency", int64_t(dice(4))); break;
        case 1: state.set("MaxConcurrencyPath", "$.n"); break;
        default: break;
    }
}

json::Value RandomMachine::retry() {
    json::Array retriers;
    if (coin()) {
        const json::Value lists[] = {names("E"),
                                     names("States.TaskFailed"),
                                     names("States.Timeout", "States.HeartbeatTimeout"),
                                     names("E", "F", "Lambda.Unknown"),
                                     names("States.IntrinsicFailure"),
                                     names("States.QueryEvaluationError")};
        retriers.push_back(json::Value::object({{"ErrorEquals", lists[dice(6)]}}));
    }
    if (retriers.empty() || coin())
        retriers.push_back(json::Value::object({{"ErrorEquals", names("States.ALL")}}));
    for (json::Value& retrier : retriers) {
        retrier.set("MaxAttempts", int64_t(dice(3)));
        if (coin()) retrier.set("IntervalSeconds", int64_t(1 + dice(2)));
        if (coin()) retrier.set("BackoffRate", coin() ? json::Value(1.5) : json::Value(1));
        if (dice(3) == 0) retrier.set("MaxDelaySeconds", int64_t(3 + dice(4)));
        if (coin()) retrier.set("JitterStrategy", coin() ? "FULL" : "NONE");
    }
    return json::Value(std::move(retriers));
}

/// `fails_in_own_way`: its error is not that of the tasks, and its cause tells event ids.
void RandomMachine::catchers(Place place, json::Value& state, const Way& way, Query query,
                             bool fails_in_own_way) {
    const bool hides_error = options_.is_exact && fails_in_own_way;
    json::Array all;
    const auto add_catcher = [&](json::Value errors) {
        json::Value catcher = json::Value::object({{"ErrorEquals", std::move(errors)}});
        std::vector<std::string> targets = way.later;
        if (way.next) targets.push_back(*way.next);
        std::string target;
        const bool restores = targets.empty() || (!way.is_loop && dice(4) == 0);
        if (restores) {
            target = fresh();
            restore(place, target, way.is_loop ? std::nullopt : way.next);
        } else {
            target = targets[dice(targets.size())];
        }
        catcher.set("Next", target);
        if (query == Query::kJsonata) jsonata_catcher(catcher, restores, hides_error);
        else path_catcher(catcher, restores, hides_error);
        all.push_back(std::move(catcher));
    };
    if (coin()) {
        const json::Value lists[] = {names("E"),
                                     names("States.TaskFailed", "F"),
                                     names("States.Timeout"),
                                     names("States.HeartbeatTimeout"),
                                     names("States.DataLimitExceeded", "States.NoChoiceMatched"),
                                     names("States.QueryEvaluationError")};
        add_catcher(lists[dice(6)]);
    }
    add_catcher(names("States.ALL"));
    state.set("Catch", json::Value(std::move(all)));
}

/// `restores`: the next state makes the input anew, so that the error may be all that is left.
void RandomMachine::path_catcher(json::Value& catcher, bool restores, bool hides_error) {
    if (hides_error || (!restores && coin())) catcher.set("ResultPath", nullptr);
    else if (!restores) catcher.set("ResultPath", "$.caught");
    if (dice(3) == 0) catcher.set("Assign", json::Value::object({{"caught.$", "$$.State.Name"}}));
}

}  // namespace tandem::asl::testing
