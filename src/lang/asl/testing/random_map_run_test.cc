// That the generated machines with distributed Maps are valid, end, and use all that such a Map
// may have, in both languages. A feature counts only where a run with it has ended.
#include <gtest/gtest.h>

#include <set>

#include "base/encoding.h"
#include "lang/asl/map_run/language.h"
#include "lang/asl/map_run/start.h"
#include "lang/asl/testing/map_run_model.h"
#include "lang/asl/testing/random_machine.h"

namespace tandem::asl::testing {
namespace {

constexpr uint64_t kMapRuns = 1'200;

using Features = std::set<std::string>;

const char* const kMapRunFeatures[] = {"ItemReader",
                                       "ItemReader.MaxItems",
                                       "ItemReader:getObject",
                                       "ItemReader:listObjectsV2",
                                       "ItemBatcher.MaxItemsPerBatch",
                                       "ItemBatcher.MaxInputBytesPerBatch",
                                       "ItemBatcher.BatchInput",
                                       "ToleratedFailureCount",
                                       "ToleratedFailurePercentage",
                                       "ItemSelector",
                                       "ResultWriter",
                                       "Label",
                                       "MaxConcurrency",
                                       "Retry",
                                       "Catch",
                                       "STANDARD",
                                       "EXPRESS",
                                       "succeeded",
                                       "failed",
                                       "tolerated failures",
                                       "within a run"};
const char* const kPathFeatures[] = {"ToleratedFailureCountPath", "MaxConcurrencyPath"};

void add_members(const json::Value& state, const std::string& member, Features& out) {
    const json::Value* json = state.find(member);
    if (json == nullptr || !json->is_object()) return;
    for (const auto& [key, value] : json->as_object()) out.insert(member + "." + key);
}

/// The state of that name, wherever it stands, and whether it speaks JSONata.
std::optional<std::pair<json::Value, bool>> find_state(const json::Value& machine,
                                                       std::string_view name, bool is_jsonata) {
    for (const auto& [key, state] : machine.find("States")->as_object()) {
        const bool speaks = is_jsonata || state.string_or("QueryLanguage", "") == "JSONata";
        if (key == name) return std::pair(state, speaks);
        json::Array inner;
        for (const char* processor : {"ItemProcessor", "Iterator"}) {
            if (const json::Value* one = state.find(processor)) inner.push_back(*one);
        }
        if (const json::Value* branches = state.find("Branches"))
            inner.insert(inner.end(), branches->as_array().begin(), branches->as_array().end());
        for (const json::Value& one : inner) {
            if (auto found = find_state(one, name, is_jsonata)) return found;
        }
    }
    return std::nullopt;
}

void add_run(const json::Value& machine, const Action& start, const ExecutionSummary& ended,
             Features& path, Features& jsonata) {
    const auto facts = *parse_facts(start.start->input.view());
    const bool is_whole = machine.string_or("QueryLanguage", "") == "JSONata";
    const auto [state, is_jsonata] = *find_state(machine, facts.string_or("state", ""), is_whole);
    Features& out = is_jsonata ? jsonata : path;
    for (const auto& [key, value] : state.as_object()) out.insert(key);
    add_members(state, "ItemBatcher", out);
    if (const json::Value* reader = state.find("ItemReader")) {
        const std::string resource(reader->string_or("Resource", ""));
        out.insert("ItemReader:" + resource.substr(resource.rfind(':') + 1));
        const json::Value* config = reader->find("ReaderConfig");
        if (config != nullptr && config->find("MaxItems") != nullptr)
            out.insert("ItemReader.MaxItems");
    }
    out.insert(facts.bool_or("express", false) ? "EXPRESS" : "STANDARD");
    const bool has_succeeded = ended.status == ExecutionStatus::kSucceeded;
    out.insert(has_succeeded ? "succeeded" : "failed");
    const json::Value* machine_name = facts.find("attributes")->find("StateMachine");
    if (machine_name->string_or("Name", "").find('/') != std::string_view::npos)
        out.insert("within a run");
    // A run without a ResultWriter that has an object as its output has had failures.
    if (has_succeeded && state.find("ResultWriter") == nullptr &&
        ended.output.view().starts_with('{'))
        out.insert("tolerated failures");
}

TaskResult answer(const Action& action) {
    const uint64_t hash = stable_hash(action.payload.view());
    if (action.target.kind == CallableKind::kService && hash % 6 == 0) {
        TaskResult result = fail_with("");
        result.error = "E";
        result.cause = "as ever";
        return result;
    }
    if (hash % 6 == 0) return fail_with(R"({"errorType":"E","errorMessage":"as ever"})");
    TaskResult result = *succeed_with("{\"r\":" + std::to_string(hash % 1000) + "}");
    result.request_id = "00000000-0000-4000-8000-000000000000";
    return result;
}

TEST(RandomMapRun, UsesAllThatADistributedMapMayHave) {
    const auto runs = make_map_run_language();
    const auto standard = make_language({.takes_any_resource = true});
    const auto express = make_language({.takes_any_resource = true}, WorkflowType::kExpress);
    Features path, jsonata, services;
    for (uint64_t seed = 1; seed <= kMapRuns; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        const RandomMachineOptions options{
            .is_exact = seed % 2 == 0, .has_map_runs = true, .has_services = true};
        const json::Value machine = RandomMachine(seed, options).machine(2);
        const std::string text = json::print(machine);
        const auto valid = standard->validate(text);
        ASSERT_TRUE(valid) << valid.error().message << "\n" << text;
        std::function<void(Simulation&)> play;
        const MapRunModel model({*runs, *standard, *express}, text,
                                [&](Simulation& child) { play(child); });
        play = [&](Simulation& simulation) {
            simulation.set_map_runs([&](const Action& action) {
                auto ended = model.end_of(action);
                add_run(machine, action, *ended, path, jsonata);
                return ended;
            });
            simulation.run([&](const Action& action) {
                if (action.target.kind == CallableKind::kService)
                    services.insert(action.target.name);
                return answer(action);
            });
        };
        Simulation simulation(*standard, *standard->compile(text));
        simulation.set_checks_each_input(false);
        simulation.start(RandomMachine::input(options), RandomMachine::attributes());
        play(simulation);
        simulation.check_laws();
        EXPECT_EQ(simulation.broken_law(), "") << text;
        ASSERT_FALSE(simulation.execution().is_open()) << text;
        const Event& last = simulation.events().back();
        const bool is_alike =
            !options.is_exact || last.type == EventType::kExecutionSucceeded || last.error == "E";
        EXPECT_TRUE(is_alike) << last.error.value_or("") << last.cause.value_or("") << text;
    }
    for (const char* feature : kMapRunFeatures) {
        EXPECT_EQ(path.count(feature), 1u) << feature;
        EXPECT_EQ(jsonata.count(feature), 1u) << "JSONata: " << feature;
    }
    EXPECT_EQ(services, (Features{"http:invoke", "aws-sdk:s3:getObject"}));
    for (const char* feature : kPathFeatures) EXPECT_EQ(path.count(feature), 1u) << feature;
}

}  // namespace
}  // namespace tandem::asl::testing
