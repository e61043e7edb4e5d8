#include "lang/asl/language.h"

#include <algorithm>

#include "base/check.h"
#include "lang/asl/execution.h"
#include "lang/asl/integration/integration.h"
#include "lang/asl/map_run/start.h"
#include "lang/asl/program.h"
#include "lang/asl/run.h"
#include "lang/asl/test_state.h"
#include "lang/asl/variable_references.h"
#include "lang/asl/waiting.h"

namespace tandem::asl {

namespace {

const Definition& definition_of(const Program& program) {
    return static_cast<const Definition&>(program);
}

/// What an open task asks for, once more.
Action owed_action(const OpenTask& open, const TaskState& task) {
    Action action;
    action.task = open.id;
    if (open.stage == TaskStage::kWatches) {
        action.type = ActionType::kWatch;
        action.child = open.child;
        return action;
    }
    auto call = task.integration->call(task, open.parameters);
    CHECK(call.has_value());  // it was issued once from the same parameters
    action.type = ActionType::kRunTask;
    action.target = std::move(call->target);
    action.payload = std::move(call->payload);
    action.client_context = std::move(call->client_context);
    action.want_log_tail = call->want_log_tail;
    action.owns_child = waits_for_child(task.pattern);
    return action;
}

class StatesLanguage final : public Language {
public:
    StatesLanguage(LanguageOptions options, WorkflowType type)
        : options_(std::move(options)), type_(type) {
        if (type != WorkflowType::kExpress) return;
        options_.history_events = SIZE_MAX;
        options_.execution_s = kExpressSeconds;
    }

    std::string_view name() const override {
        return type_ == WorkflowType::kExpress ? "asl.express" : "asl";
    }

    Result<void> validate(std::string_view text) const override {
        if (auto valid = validate_definition(text, type_); !valid) return valid;
        const auto definition = compile_definition(text, type_, options_.execution_s);
        if (!definition) return tl::unexpected(definition.error());
        if (options_.takes_any_resource) return {};
        for (const StateDefinition& state : (*definition)->states) {
            const auto* task = std::get_if<TaskState>(&state.body);
            if (task == nullptr || is_available(*task)) continue;
            return fail(ErrorCode::kInvalidArgument,
                        "SCHEMA_VALIDATION_FAILED: The resource '" + task->resource +
                            "' of the state '" + state.name + "' is not available on this server");
        }
        return {};
    }

    std::vector<Diagnostic> diagnose(std::string_view text) const override {
        auto found = diagnose_definition(text, type_);
        const bool is_valid = std::none_of(found.begin(), found.end(), [](const Diagnostic& d) {
            return d.severity == Diagnostic::Severity::kError;
        });
        if (!is_valid) return found;
        // What this version does not run is known to the compiler only.
        if (const auto program = compile(text); !program) {
            found.push_back({Diagnostic::Severity::kError,
                             "SCHEMA_VALIDATION_FAILED",
                             program.error().message,
                             {}});
        }
        return found;
    }

    Result<std::shared_ptr<const Program>> compile(std::string_view text) const override {
        auto definition = compile_definition(text, type_, options_.execution_s);
        if (!definition) return tl::unexpected(definition.error());
        return std::shared_ptr<const Program>(std::move(*definition));
    }

    Result<std::shared_ptr<const Program>> compile_part(std::string_view text,
                                                        std::string_view part) const override {
        auto definition = compile_processor(text, part, type_, options_.execution_s);
        if (!definition) return tl::unexpected(definition.error());
        return std::shared_ptr<const Program>(std::move(*definition));
    }

    Result<StateTestReport> test(const StateTest& test) const override {
        return test_state(options_, *this, test);
    }

    std::vector<VariableReferences> variable_references(std::string_view text) const override {
        return asl::variable_references(text);
    }

    std::unique_ptr<State> initial(const Program&) const override {
        return std::make_unique<Execution>();
    }

    Decision decide(const Program& program, State& state, const Input& input) const override {
        return Run(options_, definition_of(program), static_cast<Execution&>(state), input)
            .decide();
    }

    void evolve(const Program& program, State& state, const Event& event) const override {
        asl::evolve(definition_of(program), static_cast<Execution&>(state), event);
    }

    std::vector<Action> pending(const Program& program, const State& state) const override {
        const Definition& definition = definition_of(program);
        const Execution& execution = static_cast<const Execution&>(state);
        std::vector<Action> actions;
        for (const auto& [id, scope_id] : execution.tasks()) {
            const Scope& scope = *execution.find(scope_id);
            if (scope.task->stage == TaskStage::kAwaited) continue;
            const auto* task = std::get_if<TaskState>(&definition.state(scope.state).body);
            actions.push_back(task ? owed_action(*scope.task, *task)
                                   : map_run_action(*scope.map_run(), scope.task->id));
        }
        return actions;
    }

    std::vector<Waiting> waiting(const Program& program, const State& state) const override {
        return asl::waiting(definition_of(program), static_cast<const Execution&>(state));
    }

    Payload inspect(const Program& program, const State& state) const override {
        return Payload(json::print(
            awaited_children(definition_of(program), static_cast<const Execution&>(state))));
    }

private:
    LanguageOptions options_;
    WorkflowType type_;
};

}  // namespace

std::unique_ptr<Language> make_language(LanguageOptions options, WorkflowType type) {
    return std::make_unique<StatesLanguage>(std::move(options), type);
}

}  // namespace tandem::asl
