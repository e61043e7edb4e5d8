#include "lang/durable/language.h"

#include "lang/durable/decider.h"
#include "lang/durable/orchestration.h"
#include "lang/durable/requests.h"
#include "lang/durable/show.h"

namespace tandem::durable {

namespace {

class Nothing final : public Program {};

class DurableLanguage final : public Language {
public:
    explicit DurableLanguage(LanguageOptions options) : options_(std::move(options)) {}
    std::string_view name() const override { return "durable"; }
    Result<std::shared_ptr<const Program>> compile(std::string_view) const override {
        return std::shared_ptr<const Program>(std::make_shared<Nothing>());
    }
    bool restarts() const override { return true; }
    std::unique_ptr<State> initial(const Program&) const override {
        return std::make_unique<Orchestration>();
    }
    Decision decide(const Program&, State& state, const Input& input) const override {
        return Decider(static_cast<Orchestration&>(state), input, options_).decide();
    }
    void evolve(const Program&, State& state, const Event& event) const override {
        durable::evolve(static_cast<Orchestration&>(state), event);
    }
    std::vector<Action> pending(const Program&, const State& state) const override {
        return pending_actions(static_cast<const Orchestration&>(state));
    }
    std::vector<Waiting> waiting(const Program&, const State& state) const override {
        return waiting_of(static_cast<const Orchestration&>(state));
    }
    Payload inspect(const Program&, const State& state) const override {
        return inspection_of(static_cast<const Orchestration&>(state));
    }

private:
    const LanguageOptions options_;
};

}  // namespace

std::unique_ptr<Language> make_language(LanguageOptions options) {
    return std::make_unique<DurableLanguage>(std::move(options));
}

}  // namespace tandem::durable
