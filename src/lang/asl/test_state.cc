#include "lang/asl/test_state.h"

#include "base/check.h"
#include "lang/asl/execution.h"
#include "lang/asl/integration/integration.h"
#include "lang/asl/probe.h"
#include "lang/asl/run.h"

namespace tandem::asl {

namespace {

using Status = StateTestReport::Status;

// A state that is given without a machine has this name, in AWS's messages too.
constexpr std::string_view kOnlyState = "StateName";

void add_target(json::Value& states, const json::Value& from, std::string_view key) {
    const json::Value* target = from.find(key);
    if (target == nullptr || !target->is_string()) return;
    const std::string& name = target->as_string();
    if (states.find(name) == nullptr) states.set(name, json::Value::object({{"Type", "Succeed"}}));
}

/// A machine around one state, whose targets are there but do nothing.
std::string machine_around(const json::Value& state) {
    json::Value states = json::Value::object({{std::string(kOnlyState), state}});
    add_target(states, state, "Next");
    add_target(states, state, "Default");
    for (const std::string_view list : {"Choices", "Catch"}) {
        const json::Value* entries = state.find(list);
        if (entries == nullptr || !entries->is_array()) continue;
        for (const json::Value& entry : entries->as_array()) add_target(states, entry, "Next");
    }
    return json::print(
        json::Value::object({{"StartAt", std::string(kOnlyState)}, {"States", std::move(states)}}));
}

/// Against the answer of Lambda's Invoke. Of other services no models are here.
std::optional<std::string> wrong_type(const json::Value& result) {
    const std::string prefix = "Mock result schema validation error: Field '";
    for (const auto& [name, value] : result.as_object()) {
        if (name == "StatusCode" && !value.is_number()) return prefix + name + "' must be a number";
        const bool is_text =
            name == "ExecutedVersion" || name == "FunctionError" || name == "LogResult";
        if (is_text && !value.is_string()) return prefix + name + "' must be a string";
    }
    return std::nullopt;
}

/// The state of that name, however deep inside; null: there is none.
const json::Value* find_state(const json::Value& json, std::string_view name) {
    const json::Value* found = nullptr;
    if (json.is_array()) {
        for (const json::Value& item : json.as_array()) {
            if (found == nullptr) found = find_state(item, name);
        }
    }
    if (!json.is_object()) return found;
    const json::Value* states = json.find("States");
    if (states != nullptr && states->is_object()) found = states->find(name);
    for (const auto& [key, member] : json.as_object()) {
        if (found == nullptr) found = find_state(member, name);
    }
    return found;
}

/// The error of a Map or Parallel comes from a state inside of it.
std::optional<std::string> wrong_error_state(const StateTest& test, std::string_view definition,
                                             const StateDefinition& state) {
    const bool has_inner = state.kind == StateKind::kMap || state.kind == StateKind::kParallel;
    if (!test.error_state || !test.mocks_error || !has_inner) return std::nullopt;
    const auto json = json::parse(definition);
    const json::Value* tested = json ? find_state(*json, state.name) : nullptr;
    if (tested == nullptr || find_state(*tested, *test.error_state) != nullptr) return std::nullopt;
    return "State '" + *test.error_state + "' does not exist inside the state under test.";
}

/// Why the test does not fit the state, if so.
std::optional<std::string> refusal(const StateTest& test, const StateDefinition& state) {
    const auto* parallel = std::get_if<ParallelState>(&state.body);
    const bool is_map = state.kind == StateKind::kMap;
    if (!test.is_mocked()) {
        if (parallel != nullptr || is_map)
            return "A mock must be specified when testing a Map or Parallel state.";
        const auto* task = std::get_if<TaskState>(&state.body);
        if (task != nullptr && task->pattern != Pattern::kRequestResponse)
            return "A mock must be specified when testing a Task state that waits for more than "
                   "the answer to its call.";
        return std::nullopt;
    }
    if (state.kind != StateKind::kTask && parallel == nullptr && !is_map)
        return "A mock can only be specified for Task, Map, or Parallel states.";
    if (!test.mock_result) return std::nullopt;
    if (const auto* task = std::get_if<TaskState>(&state.body)) {
        const bool is_known = test.checks_mock && test.mock_result->is_object() &&
                              task->integration == &lambda_invoke();
        return is_known ? wrong_type(*test.mock_result) : std::nullopt;
    }
    if (!test.mock_result->is_array()) return "Mocked result must be an array.";
    if (parallel != nullptr && test.mock_result->as_array().size() != parallel->machines.size()) {
        return "Mocked result must contain the same number of items as number of Parallel "
               "branches.";
    }
    return std::nullopt;
}

/// Reads what happened from the events of a run and from the notes beside them.
class Reporter {
public:
    Reporter(const StateTest& test, const Definition& definition, Probe& probe)
        : test_(test), definition_(definition), probe_(probe) {}

    void read(const Decision& decision) {
        for (const Event& event : decision.events) read(event);
        for (const Action& action : decision.actions) {
            if (action.type != ActionType::kRunTask || test_.is_mocked() || test_.answer) continue;
            report_.status = Status::kCalls;
            report_.call = {action.target, action.payload, action.client_context,
                            action.want_log_tail};
        }
    }

    StateTestReport finish() {
        const StateDefinition& state = definition_.state(probe_.start);
        if (const auto* pass = std::get_if<PassState>(&state.body); pass && pass->result) {
            // The result of such a state does not come from its input.
            probe_.values.mutable_object().erase("afterInputPath");
            probe_.values.mutable_object().erase("afterParameters");
        }
        probe_.values.set("input", test_.input.str());
        if (!variables_.is_null()) probe_.values.set("variables", json::print(variables_));
        if (!details_.as_object().empty()) probe_.values.set("errorDetails", std::move(details_));
        report_.inspection = std::move(probe_.values);
        return std::move(report_);
    }

private:
    void read(const Event& event) {
        if (event.type == EventType::kDeferred) report_.next = event.name;
        if (event.type == EventType::kExecutionFailed) {
            report_.status = Status::kFailed;
            report_.error = event.error;
            report_.cause = event.cause;
        }
        if (event.type == EventType::kRetrySet) {
            report_.status = Status::kRetriable;
            tell_failure();
            details_.set("retryIndex", int64_t(event.index));
            const auto delay = event.due - test_.now;
            details_.set("retryBackoffIntervalSeconds",
                         int64_t(std::chrono::floor<std::chrono::seconds>(delay).count()));
        }
        if (event.type == EventType::kStateExited) exited(event);
    }

    void exited(const Event& event) {
        report_.output = event.output;
        if (probe_.caught_by) {
            report_.status = Status::kCaughtError;
            tell_failure();
            details_.set("catchIndex", int64_t(*probe_.caught_by));
        }
        if (test_.variables.is_object() && !test_.variables.as_object().empty())
            variables_ = test_.variables;
        if (event.detail.is_null()) return;
        const auto assigned = json::parse(event.detail.view());
        if (!assigned || !assigned->is_object()) return;
        if (variables_.is_null()) variables_ = json::Value::object();
        for (const auto& [name, value] : assigned->as_object()) variables_.set(name, value);
    }

    void tell_failure() {
        if (!probe_.failure) return;
        report_.error = probe_.failure->error;
        report_.cause = probe_.failure->cause;
    }

    const StateTest& test_;
    const Definition& definition_;
    Probe& probe_;
    StateTestReport report_;
    json::Value details_ = json::Value::object();
    json::Value variables_;
};

StateTestReport run(LanguageOptions options, const StateTest& test, const Definition& definition,
                    int start) {
    // The first decision ends behind the state, however much the state puts out.
    options.decision_bytes = options.decision_work = SIZE_MAX;
    options.decision_events = 2;  // the start, and whatever follows
    Execution execution;
    Probe probe{test, start, json::Value::object(), std::nullopt, std::nullopt};
    Reporter reporter(test, definition, probe);
    Input input;
    input.type = InputType::kStart;
    input.now = test.now;
    input.entropy = test.entropy;
    input.data = test.input;
    input.attributes = test.attributes;
    reporter.read(Run(options, definition, execution, input, &probe).decide());

    options.decision_events = 1;
    input.data = input.attributes = Payload();
    if (!execution.tasks().empty() && (test.is_mocked() || test.answer)) {
        input.type = InputType::kTaskCompleted;
        input.task = execution.tasks().begin()->first;
        if (test.answer) input.result = *test.answer;
        reporter.read(Run(options, definition, execution, input, &probe).decide());
    } else if (const Scope& scope = *execution.find(0); scope.phase == Phase::kWait) {
        input.type = InputType::kTimer;
        input.now = scope.due;
        reporter.read(Run(options, definition, execution, input, &probe).decide());
    }
    return reporter.finish();
}

}  // namespace

Result<StateTestReport> test_state(const LanguageOptions& options, const Language& language,
                                   const StateTest& test) {
    std::string text = test.definition;
    if (!test.state) {
        const auto state = json::parse(text);
        if (state && state->is_object()) text = machine_around(*state);
    }
    // A resource that is not there may have its answer mocked.
    if (auto valid = validate_definition(text, WorkflowType::kStandard); !valid)
        return tl::unexpected(valid.error());
    const auto program = language.compile(text);
    if (!program) return tl::unexpected(program.error());
    const auto& definition = static_cast<const Definition&>(**program);
    const auto start = definition.by_name.find(test.state.value_or(std::string(kOnlyState)));
    StateTestReport refused;
    if (start == definition.by_name.end()) {
        refused.refusal = "State '" + *test.state + "' does not exist in the definition.";
        return refused;
    }
    refused.refusal = refusal(test, definition.state(start->second));
    if (!refused.refusal)
        refused.refusal = wrong_error_state(test, text, definition.state(start->second));
    if (refused.refusal) return refused;
    return run(options, test, definition, start->second);
}

}  // namespace tandem::asl
