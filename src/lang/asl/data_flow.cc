// InputPath, Parameters, ResultSelector, ResultPath, OutputPath and Assign, in the order in which
// the States Language applies them.
#include "lang/asl/run.h"

#include "base/check.h"

namespace tandem::asl {

namespace {

/// Levels of arrays and objects in printed JSON.
size_t nesting_of(std::string_view json) {
    size_t depth = 0, deepest = 0;
    bool is_string = false;
    for (size_t i = 0; i < json.size(); ++i) {
        const char c = json[i];
        if (is_string) {
            if (c == '\\') ++i;
            else if (c == '"') is_string = false;
            continue;
        }
        if (c == '"') is_string = true;
        if (c == '[' || c == '{') deepest = std::max(deepest, ++depth);
        if (c == ']' || c == '}') --depth;
    }
    return deepest;
}

}  // namespace

json::Value Run::parse(const Payload& payload) {
    if (!cached_payload_.is_null() && cached_payload_.view().data() == payload.view().data()) {
        return cached_value_;
    }
    auto value = json::parse(payload.view());
    CHECK(value.has_value());  // doors let only JSON in, and the rest was printed by us
    cached_payload_ = payload;
    cached_value_ = *value;
    return std::move(*value);
}

Outcome<Payload> Run::print(const json::Value& value, std::string_view what) {
    return print_within(value, options_.payload_bytes, what);
}

Outcome<Payload> Run::print_within(const json::Value& value, size_t limit, std::string_view what) {
    auto text = json::print_within(value, limit);
    if (!text || nesting_of(*text) > json::ParseOptions().max_depth)
        return tl::unexpected(too_large(what));
    cached_payload_ = Payload(std::move(*text));
    cached_value_ = value;
    return cached_payload_;
}

Outcome<json::Value> Run::effective_input(Scope& scope) {
    ScopeEnvironment environment(*this, scope);
    auto input = select(definition_of(scope).input_path, parse(scope.input), environment);
    // A JSONata state has neither InputPath nor Parameters.
    if (probe_ != nullptr && input && !definition_of(scope).is_jsonata)
        see("afterInputPath", *input);
    return input;
}

Outcome<json::Value> Run::with_parameters(Scope& scope, json::Value data) {
    const StateDefinition& state = definition_of(scope);
    const auto& parameters = state.parameters;
    if (!parameters && !state.arguments) {
        if (!state.is_jsonata) see("afterParameters", data);
        return data;
    }
    ScopeEnvironment environment(*this, scope);
    if (state.arguments) {
        auto rendered = state.arguments->render({&data}, environment);
        if (probe_ != nullptr && rendered) see("afterArguments", *rendered);
        return rendered;
    }
    auto rendered = parameters->render(data, environment);
    if (probe_ != nullptr && rendered) see("afterParameters", *rendered);
    return rendered;
}

Outcome<json::Value> Run::select(const PathField& field, json::Value data,
                                 Environment& environment) {
    if (field.is_null) return json::Value::object();
    if (!field.path || field.path->is_identity()) return data;
    return field.path->read(data, environment);
}

Failure Run::too_large(std::string_view what) const {
    return {
        std::string(kDataLimitExceeded),
        "The state/task '" + std::string(what) +
            "' returned a result with a size exceeding the maximum number of bytes service limit."};
}

Outcome<json::Value> Run::put_result(const ResultPathField& field, Scope& scope,
                                     json::Value result) {
    if (field.is_null) return parse(scope.input);
    if (!field.path || field.path->text() == "$") return result;
    return field.path->put(parse(scope.input), std::move(result));
}

Outcome<Payload> Run::assign(const Scope& scope, const std::optional<Template>& assign,
                             const json::Value& data) {
    if (!assign) return Payload();
    ScopeEnvironment environment(*this, scope);
    const auto values = assign->render(data, environment);
    if (!values) return tl::unexpected(values.error());
    return assigned(scope, *values);
}

Outcome<Payload> Run::assigned(const Scope& scope, const json::Value& values) {
    // An Assign without members assigns nothing, and its exit shows nothing.
    if (!values.is_object() || values.as_object().empty()) return Payload();
    auto payload = print_within(values, options_.variable_bytes, "Assign");
    if (!payload) return payload;
    // The text is longer than what it adds; what it replaces is looked for only where that matters.
    const size_t held = execution_.variable_bytes(), most = options_.variables_bytes;
    if (held + payload->size() <= most) return payload;
    const json::Object& members = values.as_object();
    const size_t kept = held - bytes_of_variables(scope.variables, members);
    if (kept + bytes_of_variables(values, members) > most)
        return tl::unexpected(too_large("Assign"));
    return payload;
}

void Run::finish(Scope& scope, json::Value result) {
    const StateDefinition& state = definition_of(scope);
    if (state.is_jsonata) {
        const json::Value input = parse(scope.input);
        return leave_by(scope, state.exit, state.next, {&input, &result}, result);
    }
    ScopeEnvironment environment(*this, scope);
    if (state.result_selector) {
        auto selected = state.result_selector->render(result, environment);
        if (!selected) return fail(scope, selected.error());
        result = std::move(*selected);
    }
    see("afterResultSelector", result);
    auto output = put_result(state.result_path, scope, result);
    if (!output) return fail(scope, output.error());
    see("afterResultPath", *output);
    finish_with(scope, std::move(*output), state.assign, state.next, result);
}

void Run::finish_with(Scope& scope, json::Value output, const std::optional<Template>& assign,
                      int next, const json::Value& assign_data) {
    const StateDefinition& state = definition_of(scope);
    if (state.is_jsonata) return leave_by(scope, state.exit, next, {&output}, output);
    ScopeEnvironment environment(*this, scope);
    auto assigned = this->assign(scope, assign, assign_data);
    if (!assigned) return fail(scope, assigned.error());
    auto selected = select(state.output_path, std::move(output), environment);
    if (!selected) return fail(scope, selected.error());
    auto payload = print(*selected, state.name);
    if (!payload) return fail(scope, payload.error());
    leave(scope, std::move(*payload), std::move(*assigned), next);
}

/// Output and Assign, both of which see the variables as they were before.
Outcome<std::pair<Payload, Payload>> Run::exit_values(Scope& scope, const JsonataExit& exit,
                                                      const StatesData& data,
                                                      const json::Value& otherwise) {
    ScopeEnvironment environment(*this, scope);
    Payload assigned;
    if (exit.assign) {
        const auto values = exit.assign->render(data, environment);
        if (!values) return tl::unexpected(values.error());
        auto printed = this->assigned(scope, *values);
        if (!printed) return tl::unexpected(printed.error());
        assigned = std::move(*printed);
    }
    Outcome<json::Value> output = otherwise;
    if (exit.output) output = exit.output->render(data, environment);
    if (!output) return tl::unexpected(output.error());
    auto payload = print(*output, definition_of(scope).name);
    if (!payload) return tl::unexpected(payload.error());
    return std::pair(std::move(*payload), std::move(assigned));
}

void Run::leave_by(Scope& scope, const JsonataExit& exit, int next, const StatesData& data,
                   const json::Value& otherwise) {
    auto values = exit_values(scope, exit, data, otherwise);
    if (!values) return fail(scope, values.error());
    leave(scope, std::move(values->first), std::move(values->second), next);
}

void Run::leave(Scope& scope, Payload output, Payload assigned, int next) {
    Event event = event_in(scope, EventType::kStateExited);
    event.output = output;
    event.detail = std::move(assigned);
    event.index = next == kEnd ? 1 : 0;  // the scope ends here
    const ScopeId parent_id = scope.parent;
    const uint32_t index = scope.index;
    const bool is_root = scope.id == 0;
    const uint64_t id = emit(std::move(event));  // a branch that ends is gone after this
    if (id == 0) return;
    if (next != kEnd) return go(scope, next, std::move(output));
    if (is_root) {
        Event closing;
        closing.type = EventType::kExecutionSucceeded;
        closing.previous_id = id;
        closing.output = std::move(output);
        emit(std::move(closing));
        return;
    }
    Scope& parent = *execution_.find(parent_id);
    if (definition_of(parent).kind == StateKind::kMap) return iteration_finished(parent, index, id);
    branch_finished(parent);
}

}  // namespace tandem::asl
