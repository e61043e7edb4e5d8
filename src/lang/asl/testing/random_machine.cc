#include "lang/asl/testing/random_machine.h"

namespace tandem::asl::testing {

namespace {

json::Value array(json::Array items) { return json::Value(std::move(items)); }

}  // namespace

json::Value RandomMachine::machine(int depth) {
    const int count = 1 + int(random_.next() % 3);
    std::vector<std::string> names;
    for (int i = 0; i < count; ++i) names.push_back("s" + std::to_string(next_name_++));
    json::Value states = json::Value::object();
    for (int i = 0; i < count; ++i) {
        json::Value state = this->state(depth, i + 1 == count);
        const bool is_final = state.string_or("Type", "") == "Fail";
        if (!is_final && i + 1 < count) state.set("Next", names[size_t(i) + 1]);
        if (!is_final && i + 1 == count) state.set("End", true);
        if (state.find("Retry") != nullptr && i + 1 < count && coin()) {
            state.set("Catch", array({json::Value::object({{"ErrorEquals", array({"States.ALL"})},
                                                           {"Next", names[size_t(i) + 1]},
                                                           {"ResultPath", "$.caught"}})}));
        }
        states.set(names[size_t(i)], std::move(state));
    }
    return json::Value::object({{"StartAt", names[0]}, {"States", std::move(states)}});
}

json::Value RandomMachine::retry() {
    json::Value retrier =
        json::Value::object({{"ErrorEquals", array({coin() ? "States.ALL" : "E"})},
                             {"MaxAttempts", int64_t(random_.next() % 3)}});
    if (coin()) retrier.set("JitterStrategy", "FULL");
    return array({std::move(retrier)});
}

// A Fail state comes last, or what stands behind it could not be reached.
json::Value RandomMachine::state(int depth, bool is_last) {
    switch (random_.next() % (depth > 0 ? 7 : 5)) {
        case 0:
            return json::Value::object(
                {{"Type", "Pass"}, {"Result", json::Value::object({{"n", 1}})}});
        case 1:
            return json::Value::object(
                {{"Type", "Wait"},
                 {"Seconds", int64_t(random_.next() % uint64_t(options_.longest_wait_s))}});
        case 2: {
            if (!is_last || !coin()) return task();
            json::Value failing = json::Value::object({{"Type", "Fail"}, {"Error", "E"}});
            if (!options_.fail_cause.empty()) failing.set("Cause", options_.fail_cause);
            return failing;
        }
        case 5: {
            json::Array branches;
            for (uint64_t i = 0; i <= random_.next() % 3; ++i)
                branches.push_back(machine(depth - 1));
            return json::Value::object({{"Type", "Parallel"},
                                        {"Branches", json::Value(std::move(branches))},
                                        {"Retry", retry()},
                                        {"ResultPath", "$.p"}});
        }
        case 6:
            return json::Value::object(
                {{"Type", "Map"},
                 {"ItemsPath", "$$.Execution.Input.list"},
                 {"MaxConcurrency", int64_t(random_.next() % 4)},
                 {"ItemSelector", json::Value::object({{"v.$", "$$.Map.Item.Value"}})},
                 {"ItemProcessor", machine(depth - 1)},
                 {"ResultPath", "$.m"},
                 {"Retry", retry()}});
        default: return task();
    }
}

json::Value RandomMachine::task() {
    json::Value task =
        json::Value::object({{"Type", "Task"},
                             {"Resource", "arn:aws:lambda:us-east-1:123456789012:function:f"},
                             {"ResultPath", "$.t"},
                             {"Retry", retry()}});
    if (coin() && options_.with_timeouts) {
        task.set("TimeoutSeconds", int64_t(1 + random_.next() % 20));
    }
    if (coin()) task.set("Assign", json::Value::object({{"v.$", "$"}}));
    return task;
}

}  // namespace tandem::asl::testing
