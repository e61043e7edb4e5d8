// The context object ($$) and variables, as a state of one scope sees them.
#include "lang/asl/run.h"

namespace tandem::asl {

namespace {

constexpr size_t kContextWork =
    16;  // making the object costs about as much as visiting so many values

json::Value execution_facts(const json::Value& attributes, const json::Value* input,
                            const Execution& execution) {
    json::Value facts = json::Value::object();
    const json::Value* given = attributes.find("Execution");
    const auto copy = [&](std::string_view key) {
        const json::Value* value = given ? given->find(key) : nullptr;
        if (value) facts.set(key, *value);
    };
    copy("Id");
    if (input != nullptr) facts.set("Input", *input);
    for (const std::string_view key : {"StartTime", "Name", "RoleArn", "RedriveCount"}) copy(key);
    if (execution.redrives() == 0) return facts;
    facts.set("RedriveCount", int64_t(execution.redrives()));
    facts.set("RedriveTime", format_iso8601(execution.redriven()));
    return facts;
}

json::Value parsed_or_null(const Payload& payload) {
    auto value = json::parse(payload.view());
    return value ? std::move(*value) : json::Value();
}

}  // namespace

/// Parsed once: a state may ask for them many times.
const json::Value& Run::attributes() {
    if (!attributes_) attributes_ = parsed_or_null(execution_.attributes());
    return *attributes_;
}

json::Value Run::context_of(const Scope& scope, bool with_execution_input) {
    budget_.spend(kContextWork);
    if (probe_ != nullptr && probe_->test.context) return *probe_->test.context;
    const json::Value& given = attributes();
    if (with_execution_input && !execution_input_)
        execution_input_ = parsed_or_null(execution_.input());
    json::Value context = json::Value::object();
    context.set(
        "Execution",
        execution_facts(given, with_execution_input ? &*execution_input_ : nullptr, execution_));
    if (const json::Value* machine = given.find("StateMachine"))
        context.set("StateMachine", *machine);
    if (scope.state != kEnd) {
        const StateDefinition& state = definition_of(scope);
        json::Value facts = json::Value::object();
        facts.set("Name", state.name);
        facts.set("EnteredTime", format_iso8601(scope.entered));
        const bool can_retry = state.kind == StateKind::kTask || state.kind == StateKind::kMap ||
                               state.kind == StateKind::kParallel;
        if (can_retry) facts.set("RetryCount", int64_t(scope.retries));
        context.set("State", std::move(facts));
    }
    if (nonce_ != 0) {
        static const ExecutionId kNone("-");  // of a test of one state
        const ExecutionId& id = input_.execution ? *input_.execution : kNone;
        const TaskToken token{id, execution_.last_seq() + 1, nonce_};
        context.set("Task", json::Value::object({{"Token", encode_task_token(token)}}));
    }
    if (auto item = map_item_of(scope)) {
        context.set("Map", json::Value::object({{"Item", std::move(*item)}}));
    }
    return context;
}

/// {"Index", "Value"} of the innermost iteration that the scope is in.
std::optional<json::Value> Run::map_item_of(const Scope& scope) {
    const Scope* inner = &scope;
    while (inner->id != 0) {
        Scope* outer = execution_.find(inner->parent);
        if (outer == nullptr) return std::nullopt;
        if (const auto* map = std::get_if<MapState>(&definition_of(*outer).body)) {
            const auto cache = map_cache(*outer, *map);
            if (!cache) return std::nullopt;
            const json::Array& items = (*cache)->items.as_array();
            if (inner->index >= items.size()) return std::nullopt;
            return json::Value::object(
                {{"Index", int64_t(inner->index)}, {"Value", items[inner->index]}});
        }
        inner = outer;
    }
    return std::nullopt;
}

const json::Value* Run::variable_of(const Scope& scope, std::string_view name) const {
    const Scope* at = &scope;
    while (true) {
        if (const json::Value* value = at->variables.find(name)) return value;
        if (at->id == 0) return probe_ != nullptr ? probe_->test.variables.find(name) : nullptr;
        at = execution_.find(at->parent);
        if (at == nullptr) return nullptr;
    }
}

}  // namespace tandem::asl
