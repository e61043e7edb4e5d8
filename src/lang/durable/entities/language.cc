#include "lang/durable/entities/language.h"

#include "lang/durable/entities/decider.h"
#include "lang/durable/entities/entity.h"
#include "model/task_hub.h"

namespace tandem::durable {

namespace {

class Nothing final : public Program {};

class EntityLanguage final : public Language {
public:
    std::string_view name() const override { return kEntityLanguage; }
    Result<std::shared_ptr<const Program>> compile(std::string_view) const override {
        return std::shared_ptr<const Program>(std::make_shared<Nothing>());
    }
    bool restarts() const override { return true; }
    std::unique_ptr<State> initial(const Program&) const override {
        return std::make_unique<Entity>();
    }
    Decision decide(const Program&, State& state, const Input& input) const override {
        return EntityDecider(static_cast<Entity&>(state), input).decide();
    }
    void evolve(const Program&, State& state, const Event& event) const override {
        durable::evolve(static_cast<Entity&>(state), event);
    }
    std::vector<Action> pending(const Program&, const State& state) const override {
        return pending_actions(static_cast<const Entity&>(state));
    }
    std::vector<Waiting> waiting(const Program&, const State& state) const override {
        return waiting_of(static_cast<const Entity&>(state));
    }
    Payload inspect(const Program&, const State& state) const override {
        return inspection_of(static_cast<const Entity&>(state));
    }
};

}  // namespace

std::unique_ptr<Language> make_entity_language() { return std::make_unique<EntityLanguage>(); }

}  // namespace tandem::durable
