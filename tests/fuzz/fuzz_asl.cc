// Any text may be a definition, to be validated and compiled. If it compiles, a few decisions run
// with synthetic answers, and every one of them must leave a state that equals the fold of its
// events.
#include <cstdint>

#include "base/check.h"
#include "base/rng.h"
#include "lang/asl/execution.h"
#include "lang/asl/language.h"

namespace {

using namespace tandem;

constexpr int kDecisions = 40;

std::unique_ptr<Language> small_language() {
    LanguageOptions options;
    options.history_events = 300;
    options.payload_bytes = 4'096;
    options.decision_events = 20;  // so that some need several decisions for one input
    return asl::make_language(options);
}

Input synthetic_input(const State& state, const std::vector<Action>& open, SplitMix64& random,
                      Timestamp& now) {
    Input input;
    input.entropy = random.next();
    if (!open.empty() && random.next() % 4 != 0) {
        input.type = random.next() % 8 == 0 ? InputType::kTaskHeartbeat : InputType::kTaskCompleted;
        input.task = open[random.next() % open.size()].task;
        const uint64_t outcome = random.next() % 8;
        input.result.outcome = outcome == 0 ? TaskOutcome::kSucceeded : TaskOutcome(outcome);
        input.result.payload =
            Payload(outcome < 3 ? R"({"errorType":"E","list":[1,{"a":null}]})" : "[1,2]");
    } else if (state.next_due() != kNever) {
        now = std::max(now, state.next_due());
    }
    input.now = now;
    return input;
}

void run(const Language& language, const Program& program, uint64_t seed) {
    SplitMix64 random(seed);
    Timestamp now = from_millis(1'700'000'000'000);
    const auto state = language.initial(program);
    const auto refolded = language.initial(program);
    Input input;
    input.type = InputType::kStart;
    input.now = now;
    input.data = Payload(R"({"a":[1,2,3],"b":{"c":"x"},"n":2})");
    input.attributes = Payload(R"({"Execution":{"Id":"e"},"StateMachine":{"Id":"m"}})");
    for (int i = 0; i < kDecisions && state->is_open(); ++i) {
        const Decision decision = language.decide(program, *state, input);
        for (const Event& event : decision.events) language.evolve(program, *refolded, event);
        CHECK(static_cast<const asl::Execution&>(*state).dump() ==
              static_cast<const asl::Execution&>(*refolded).dump());
        (void)language.waiting(program, *state);
        input = synthetic_input(*state, language.pending(program, *state), random, now);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static const auto language = small_language();
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    (void)language->validate(text);
    const auto program = language->compile(text);
    if (program) run(*language, **program, stable_hash(text));
    return 0;
}
