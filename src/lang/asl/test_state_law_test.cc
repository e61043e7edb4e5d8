// The law of TestState, over random machines: tested by itself, a state does what it did when it
// was run. Only states of the execution's own scope; Parallel and Map would need their children.
#include <gtest/gtest.h>

#include "lang/asl/test_state.h"
#include "lang/asl/testing/random_machine.h"
#include "lang/asl/testing/simulation.h"

namespace tandem::asl::testing {
namespace {

using Status = StateTestReport::Status;

TaskResult answer_to(const Payload& payload) {
    const uint64_t hash = stable_hash(payload.view());
    if (hash % 6 == 0) return fail_with(R"({"errorType":"E","errorMessage":"as so"})");
    return *succeed_with("{\"r\":" + std::to_string(hash % 1000) + "}");
}

/// One visit of a state: what it was given, and what came of it.
struct Visit {
    const Event* entered = nullptr;
    const Event* exited = nullptr;
    const Event* closed = nullptr;
    bool is_retried = false;
    std::string next;
    json::Value variables = json::Value::object();  // as it found them
};

std::vector<Visit> visits_of(const std::vector<Event>& events) {
    std::vector<Visit> visits;
    json::Value variables = json::Value::object();
    for (const Event& event : events) {
        if (event.scope != 0) continue;
        if (event.type == EventType::kStateEntered) {
            if (!visits.empty()) visits.back().next = event.name;
            visits.emplace_back();
            visits.back().entered = &event;
            visits.back().variables = variables;
        }
        if (visits.empty()) continue;
        Visit& visit = visits.back();
        if (event.type == EventType::kRetrySet) visit.is_retried = true;
        if (event.type == EventType::kExecutionFailed) visit.closed = &event;
        if (event.type != EventType::kStateExited) continue;
        visit.exited = &event;
        if (event.detail.is_null()) continue;
        const auto assigned = json::parse(event.detail.view());
        for (const auto& [name, value] : assigned->as_object()) variables.set(name, value);
    }
    return visits;
}

json::Value context_of(const Visit& visit) {
    json::Value context = *json::parse(RandomMachine::attributes());
    json::Value execution = *context.find("Execution");
    context.set("Execution", execution.set("Input", *json::parse(RandomMachine::input())));
    json::Value state = json::Value::object(
        {{"Name", visit.entered->name}, {"EnteredTime", format_iso8601(visit.entered->time)}});
    if (visit.entered->kind == StateKind::kTask) state.set("RetryCount", 0);
    return context.set("State", std::move(state));
}

StateTestReport repeat(const Language& language, const std::string& machine, const Visit& visit) {
    StateTest test;
    test.definition = machine;
    test.state = visit.entered->name;
    test.input = visit.entered->input;
    test.attributes = Payload(RandomMachine::attributes());
    test.variables = visit.variables;
    test.context = context_of(visit);
    test.now = visit.entered->time;
    auto report = language.test(test);
    if (report && report->status == Status::kCalls) {
        test.answer = answer_to(report->call.payload);
        report = language.test(test);
    }
    EXPECT_TRUE(report) << report.error().message;
    return report ? *report : StateTestReport();
}

TEST(TestStateLaw, AStateDoesWhatItDidInTheExecution) {
    const auto language = make_language();
    size_t compared = 0;
    for (uint64_t seed = 1; seed <= 200; ++seed) {
        const std::string machine = json::print(RandomMachine(seed, {.is_exact = true}).machine(1));
        const auto program = language->compile(machine);
        ASSERT_TRUE(program) << program.error().message;
        Simulation simulation(*language, *program);
        simulation.set_checks_each_input(false);
        simulation.start(RandomMachine::input(), RandomMachine::attributes());
        simulation.run([](const Action& action) {
            return std::optional<TaskResult>(answer_to(action.payload));
        });
        for (const Visit& visit : visits_of(simulation.events())) {
            const StateKind kind = visit.entered->kind;
            if (kind == StateKind::kParallel || kind == StateKind::kMap || visit.is_retried)
                continue;
            SCOPED_TRACE("seed " + std::to_string(seed) + ", " + visit.entered->name + "\n" +
                         machine);
            const StateTestReport report = repeat(*language, machine, visit);
            ++compared;
            if (visit.exited == nullptr) {
                ASSERT_NE(visit.closed, nullptr);
                EXPECT_EQ(report.status, Status::kFailed);
                EXPECT_EQ(report.error, visit.closed->error);
                continue;
            }
            EXPECT_EQ(report.output.str(), visit.exited->output.str());
            EXPECT_EQ(report.next.value_or(""), visit.next);
        }
    }
    EXPECT_GT(compared, 600u);
}

}  // namespace
}  // namespace tandem::asl::testing
