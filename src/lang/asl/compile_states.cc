#include "lang/asl/compile.h"
#include "lang/asl/integration/integration.h"

namespace tandem::asl {

void Compiler::body(StateDefinition& state, const Source& source, std::string_view type) {
    if (type == "Pass") {
        state.kind = StateKind::kPass;
        state.body = pass(source);
    } else if (type == "Task") {
        state.kind = StateKind::kTask;
        state.body = task(source);
    } else if (type == "Choice") {
        state.kind = StateKind::kChoice;
        state.body = choice(source);
    } else if (type == "Wait") {
        state.kind = StateKind::kWait;
        state.body = wait(source);
    } else if (type == "Succeed") {
        state.kind = StateKind::kSucceed;
        state.body = SucceedState{};
    } else if (type == "Fail") {
        state.kind = StateKind::kFail;
        state.body = fail_state(source);
    } else if (type == "Parallel") {
        state.kind = StateKind::kParallel;
        state.body = parallel(source);
    } else if (type == "Map") {
        state.kind = StateKind::kMap;
        state.body = map(state.name, source);
        state.parameters.reset();  // the legacy name of ItemSelector
    } else {
        fault(
            "The field 'Type' should have one of these values: [Task, Wait, Pass, Succeed, Fail, "
            "Choice, Parallel, Map]",
            source.at + "/Type");
    }
}

PassState Compiler::pass(const Source& source) {
    const json::Value* result = source.json.find("Result");
    return {result ? std::optional(*result) : std::nullopt};
}

TaskState Compiler::task(const Source& source) {
    TaskState task;
    task.resource = text(source, "Resource");
    bind_integration(task);
    task.timeout = number(source, "TimeoutSeconds");
    task.heartbeat = number(source, "HeartbeatSeconds");
    return task;
}

WaitState Compiler::wait(const Source& source) {
    WaitState wait;
    if (source.is_jsonata) {
        wait.seconds_formula = formula(source.json, "Seconds", source.at, "");
        wait.timestamp_formula = formula(source.json, "Timestamp", source.at, "");
        if (wait.seconds_formula.has_value() == wait.timestamp_formula.has_value())
            fault("Exactly one of [Seconds, Timestamp] is required", source.at);
        return wait;
    }
    const json::Value* seconds = source.json.find("Seconds");
    if (seconds != nullptr && seconds->is_int()) wait.seconds = seconds->as_int();
    wait.seconds_path = path(source.json, "SecondsPath", source.at);
    wait.timestamp_path = path(source.json, "TimestampPath", source.at);
    const json::Value* timestamp = source.json.find("Timestamp");
    if (timestamp != nullptr) {
        const auto at = parse_rfc3339(source.json.string_or("Timestamp", ""));
        if (at) wait.timestamp = *at;
        if (!at) fault("Value is not a valid ISO-8601 timestamp", source.at + "/Timestamp");
    }
    const int forms = int(wait.seconds.has_value()) + int(wait.seconds_path.has_value()) +
                      int(wait.timestamp.has_value()) + int(wait.timestamp_path.has_value());
    if (forms != 1 || wait.seconds.value_or(0) < 0) {
        fault("Exactly one of [Seconds, SecondsPath, Timestamp, TimestampPath] is required",
              source.at);
    }
    return wait;
}

FailState Compiler::fail_state(const Source& source) {
    return {text_field(source, "Error"), text_field(source, "Cause")};
}

ParallelState Compiler::parallel(const Source& source) {
    ParallelState parallel;
    const json::Value* branches = source.json.find("Branches");
    if (branches == nullptr || !branches->is_array() || branches->as_array().empty()) {
        fault("Value cannot be empty", source.at + "/Branches");
        return parallel;
    }
    for (const json::Value& branch : branches->as_array()) {
        const std::string at =
            source.at + "/Branches[" + std::to_string(parallel.machines.size()) + "]";
        parallel.machines.push_back(machine(branch, at));
    }
    return parallel;
}

}  // namespace tandem::asl
