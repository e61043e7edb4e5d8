// The laws of the pure interface, over random machines and random answers: the fold of all events
// is the state, pending() is what was issued and not answered, every execution that is fed long
// enough closes exactly once, and visible ids count up without gaps.
#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>
#include <set>

#include "base/limits.h"
#include "base/rng.h"
#include "lang/asl/testing/random_machine.h"
#include "lang/asl/testing/simulation.h"

namespace tandem::asl::testing {
namespace {

/// Feeds what may come at random: answers in any order and twice, heartbeats, timers, now and then
/// a stop.
void feed_at_random(Simulation& simulation, SplitMix64& random) {
    Input input;
    const auto& open = simulation.open();
    const uint64_t dice = random.next() % 100;
    if (!open.empty() && dice < 70) {
        auto it = open.begin();
        std::advance(it, long(random.next() % open.size()));
        input.task = it->first;
        input.type = dice < 10   ? InputType::kTaskStarted
                     : dice < 15 ? InputType::kTaskHeartbeat
                                 : InputType::kTaskCompleted;
        if (dice >= 50) input.result = fail_with(R"({"errorType":"E","errorMessage":""})");
        else input.result = *succeed_with(R"({"r": [1, 2.0]})");
    } else if (dice < 75) {
        input.type = InputType::kTaskCompleted;  // nobody waits for this one
        input.task = 1 + random.next() % (simulation.execution().last_seq() + 5);
        if (open.count(input.task) != 0) return;
    } else if (dice == 99) {
        input.type = InputType::kStop;
    } else {
        const Timestamp due = simulation.execution().next_due();
        if (due != kNever) simulation.set_now(std::max(simulation.now(), due));
    }
    simulation.feed(std::move(input));
}

void feed_redrive(Simulation& simulation) {
    Input input;
    input.type = InputType::kRedrive;
    simulation.feed(std::move(input));
}

void expect_well_formed(const std::vector<Event>& events) {
    uint64_t seq = 0, id = 0;
    size_t closings = 0, redrives = 0;
    for (const Event& event : events) {
        EXPECT_EQ(event.seq, ++seq);
        if (event.id != 0) {
            EXPECT_EQ(event.id, ++id);
            EXPECT_LT(event.previous_id, event.id);
        }
        if (is_closing(event.type)) ++closings;
        if (event.type == EventType::kExecutionRedriven) {
            EXPECT_EQ(++redrives, event.index);
        }
        EXPECT_EQ(closings, redrives + (is_closing(event.type) ? 1u : 0u));
    }
    EXPECT_TRUE(is_closing(events.back().type));
}

void expect_laws_for_random_machines(const LanguageOptions& options) {
    const auto language = make_language(options);
    for (uint64_t seed = 1; seed <= 400; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        const std::string text = json::print(RandomMachine(seed).machine(2));
        const auto program = language->compile(text);
        ASSERT_TRUE(program) << program.error().message << "\n" << text;
        Simulation simulation(*language, *program);
        simulation.start(RandomMachine::input(), RandomMachine::attributes());
        SplitMix64 random(seed);
        for (int i = 0, redrives = 0; i < 3000; ++i) {
            if (simulation.execution().is_open()) {
                feed_at_random(simulation, random);
            } else {
                EXPECT_TRUE(simulation.open().empty()) << "a closed execution owes nothing";
                if (simulation.execution().has_succeeded() || ++redrives > 3) break;
                feed_redrive(simulation);
            }
            ASSERT_EQ(simulation.broken_law(), "") << text;
        }
        ASSERT_FALSE(simulation.execution().is_open()) << text;
        expect_well_formed(simulation.events());
    }
}

TEST(Laws, HoldForRandomMachines) { expect_laws_for_random_machines({}); }

TEST(Laws, HoldWhereEachDecisionDoesTheLeastItCan) {
    LanguageOptions options;
    options.decision_events = 1;
    expect_laws_for_random_machines(options);
}

/// How an execution of the machine ends whose tasks answer by their payloads alone.
std::pair<Payload, std::optional<std::string>> end_of(const Language& language,
                                                      const json::Value& machine,
                                                      bool leaves_memory) {
    const auto program = language.compile(json::print(machine));
    EXPECT_TRUE(program) << program.error().message;
    Simulation simulation(language, *program);
    simulation.set_checks_each_input(false);
    simulation.set_leaves_memory(leaves_memory);
    simulation.start(RandomMachine::input(), RandomMachine::attributes());
    simulation.run([](const Action& action) -> std::optional<TaskResult> {
        const uint64_t hash = stable_hash(action.payload.view());
        if (hash % 6 == 0) return fail_with(R"({"errorType":"E","errorMessage":"as so"})");
        return succeed_with("{\"r\":" + std::to_string(hash % 1000) + "}");
    });
    EXPECT_FALSE(simulation.execution().is_open());
    return {simulation.events().back().output, simulation.events().back().error};
}

TEST(Laws, LeavingMemoryChangesNoResult) {
    const auto language = make_language();
    for (uint64_t seed = 1; seed <= 400; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        const json::Value machine = RandomMachine(seed, {.is_exact = true}).machine(2);
        EXPECT_EQ(end_of(*language, machine, true), end_of(*language, machine, false))
            << json::print(machine);
    }
}

TEST(Laws, ItemsAreTheSameWheneverTheyAreComputed) {
    const auto language = make_language();
    const auto program =
        language->compile(R"json({"QueryLanguage":"JSONata","StartAt":"M","States":{
        "M":{"Type":"Map","Items":"{% $map([1..$floor($random() * 20) + 5], function() { $uuid() & $now() }) %}",
             "ItemSelector":{"item":"{% $states.context.Map.Item.Value %}"},"MaxConcurrency":1,"End":true,
             "ItemProcessor":{"StartAt":"W","States":{
                "W":{"Type":"Wait","Seconds":1,"Next":"P"},
                "P":{"Type":"Pass","Output":{"was":"{% $states.input.item %}","is":"{% $states.context.Map.Item.Value %}"},"End":true}}}}}})json");
    ASSERT_TRUE(program) << program.error().message;
    for (uint64_t seed = 1; seed <= 20; ++seed) {
        Simulation simulation(*language, *program);
        simulation.set_seed(seed);
        simulation.set_leaves_memory(true);
        simulation.start("{}", "{}");
        simulation.run([](const Action&) { return std::nullopt; });
        ASSERT_FALSE(simulation.execution().is_open());
        std::set<std::string> items;
        const auto output = json::parse(simulation.events().back().output.view());
        ASSERT_TRUE(output && output->is_array()) << simulation.events().back().output.str();
        for (const json::Value& item : output->as_array()) {
            EXPECT_EQ(item.find("was")->as_string(), item.find("is")->as_string());
            items.insert(item.find("is")->as_string());
        }
        EXPECT_EQ(items.size(), output->as_array().size()) << "an item came twice";
    }
}

/// The visible events of an execution whose tasks succeed, as text.
std::vector<std::string> history(const LanguageOptions& options, const std::string& definition,
                                 const std::string& input) {
    const auto language = make_language(options);
    const auto program = language->compile(definition);
    EXPECT_TRUE(program) << program.error().message;
    Simulation simulation(*language, *program);
    simulation.set_checks_each_input(false);
    simulation.start(input, "{}");
    simulation.run([](const Action&) { return succeed_with("[1]"); });
    simulation.check_laws();
    EXPECT_EQ(simulation.broken_law(), "");
    std::vector<std::string> out;
    for (const Event& e : simulation.events()) {
        if (e.id == 0) continue;
        out.push_back(std::to_string(e.id) + " after " + std::to_string(e.previous_id) + " " +
                      std::string(to_string(e.type)) + " " + e.name + " " + e.input.str() + " " +
                      e.output.str() + " " + e.cause.value_or(""));
    }
    return out;
}

TEST(Laws, HistoryIsTheSameInOneDecisionOrInMany) {
    const std::string chain =
        R"({"StartAt":"A","States":{"A":{"Type":"Pass","Result":[1],"ResultPath":"$.a","Next":"T"},
        "T":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:123456789012:function:f","ResultPath":"$.t","Next":"P"},
        "P":{"Type":"Parallel","ResultPath":"$.p","Next":"M","Branches":[
            {"StartAt":"P1","States":{"P1":{"Type":"Pass","Next":"P2"},"P2":{"Type":"Succeed"}}}]},
        "M":{"Type":"Map","ItemsPath":"$.list","MaxConcurrency":1,"End":true,"ItemProcessor":{"StartAt":"I","States":{
            "I":{"Type":"Pass","Next":"J"},"J":{"Type":"Pass","End":true}}}}}})";
    const std::string loop =
        R"({"StartAt":"A","States":{"A":{"Type":"Pass","Next":"B"},"B":{"Type":"Pass","Next":"A"}}})";
    LanguageOptions whole, least;
    whole.history_events = least.history_events = 500;
    least.decision_events = 1;
    for (const std::string& definition : {chain, loop}) {
        EXPECT_EQ(history(whole, definition, R"({"list":[1,2,3]})"),
                  history(least, definition, R"({"list":[1,2,3]})"));
    }
}

TEST(Laws, NoDecisionIsLongerThanItsLimits) {
    const auto language = make_language();
    const std::string text = "\"" + std::string(200'000, 'x') + "\"";
    std::string branches;
    for (int i = 0; i < 200; ++i) {
        branches += std::string(i ? "," : "") + R"({"StartAt":"b)" + std::to_string(i) +
                    R"(","States":{"b)" + std::to_string(i) +
                    R"(":{"Type":"Pass","Result":1,"End":true}}})";
    }
    const struct {
        std::string definition, input;
    } cases[] = {
        {R"({"StartAt":"A","States":{"A":{"Type":"Pass","Next":"A"}}})", "{}"},
        {R"({"StartAt":"A","States":{"A":{"Type":"Pass","Next":"B"},"B":{"Type":"Pass","Next":"A"}}})",
         text},
        {R"({"StartAt":"P","States":{"P":{"Type":"Parallel","End":true,"Branches":[)" + branches +
             "]}}}",
         text},
        {R"({"StartAt":"M","States":{"M":{"Type":"Map","ItemsPath":"$.l","ItemSelector":{"x.$":"$"},"End":true,
            "ItemProcessor":{"StartAt":"I","States":{"I":{"Type":"Pass","Result":1,"End":true}}}}}})",
         R"({"l":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25],"t":)" + text +
             "}"},
    };
    for (const auto& c : cases) {
        const auto program = language->compile(c.definition);
        ASSERT_TRUE(program) << program.error().message;
        Simulation simulation(*language, *program);
        simulation.set_checks_each_input(false);
        simulation.start(c.input, "{}");
        size_t decisions = 0, before = 0;
        for (; simulation.execution().is_open() && decisions < 100; ++decisions) {
            size_t bytes = 0;
            for (size_t i = before; i < simulation.events().size(); ++i) {
                bytes += simulation.events()[i].input.size() + simulation.events()[i].output.size();
            }
            EXPECT_LE(simulation.events().size() - before, kDecisionEvents + 100) << c.definition;
            EXPECT_LE(bytes, kDecisionBytes + 8 * text.size()) << c.definition;
            before = simulation.events().size();
            ASSERT_NE(simulation.execution().next_due(), kNever) << c.definition;
            simulation.set_now(std::max(simulation.now(), simulation.execution().next_due()));
            simulation.feed(Input{});
        }
        EXPECT_GT(decisions, 3u) << c.definition;
        simulation.check_laws();
        EXPECT_EQ(simulation.broken_law(), "");
    }
}

TEST(Laws, HostileExpressionsAreBounded) {
    const auto language = make_language();
    const std::string text = std::string(200'000, 'a');
    const auto many = [](const char* expression) {
        std::string fields;
        for (int i = 0; i < 5'000; ++i)
            fields += std::string(i ? "," : "") + "\"f" + std::to_string(i) + ".$\":\"" +
                      expression + "\"";
        return R"({"StartAt":"A","States":{"A":{"Type":"Pass","End":true,"Parameters":{)" + fields +
               "}}}}";
    };
    std::string rules;
    for (int i = 0; i < 500; ++i)
        rules += std::string(i ? "," : "") + R"({"Variable":"$.t","StringMatches":"*)" +
                 std::string(1'000, 'a') + R"(b","Next":"A"})";
    const struct {
        std::string definition;
        const char* error;
    } cases[] = {
        {many("$"), "States.DataLimitExceeded"},
        {many("$..*"), "States.Runtime"},
        {many("$.l[?($.l == $.m)]"), "States.Runtime"},
        {many("$.l[?(@ < $.l.max())]"), "States.Runtime"},
        {many("$$.Execution.Input.t"), "States.DataLimitExceeded"},
        {many("States.JsonToString($)"), "States.Runtime"},
        {many("States.StringSplit($.t, $.t)"), "States.Runtime"},
        {many("States.Format('{}{}{}{}', $.t, $.t, $.t, $.t)"), "States.Runtime"},
        {R"({"StartAt":"A","States":{"A":{"Type":"Choice","Choices":[)" + rules + "]}}}",
         "States.Runtime"},
    };
    std::string list = "[0";
    for (int i = 1; i < 5'000; ++i) list += "," + std::to_string(i);
    list += "]";
    const std::string input = R"({"t":")" + text + R"(","l":)" + list + R"(,"m":)" + list + "}";
    for (const auto& c : cases) {
        const auto program = language->compile(c.definition);
        ASSERT_TRUE(program) << program.error().message;
        Simulation simulation(*language, *program);
        simulation.set_checks_each_input(false);
        const std::clock_t before = std::clock();
        simulation.start(input, "{}");
        simulation.run([](const Action&) { return succeed_with("1"); });
        const double seconds = double(std::clock() - before) / CLOCKS_PER_SEC;
        const double slower = std::getenv("TANDEM_SANITIZED") != nullptr ? 10 : 1;
        EXPECT_LT(seconds, 2.0 * slower) << c.definition.substr(0, 200);
        ASSERT_FALSE(simulation.execution().is_open());
        EXPECT_EQ(simulation.events().back().error, c.error) << c.definition.substr(0, 200);
    }
}

TEST(Laws, SameInputsSameEvents) {
    const auto language = make_language();
    const std::string text =
        R"json({"StartAt":"A","States":{"A":{"Type":"Pass","Parameters":{"id.$":"States.UUID()","r.$":"States.MathRandom(1, 1000000)"},"End":true}}})json";
    const auto program = language->compile(text);
    ASSERT_TRUE(program) << program.error().message;
    const auto run = [&](uint64_t seed) {
        Simulation simulation(*language, *program);
        simulation.set_seed(seed);
        simulation.start("{}", "{}");
        return simulation.events();
    };
    EXPECT_EQ(run(7), run(7));
    EXPECT_NE(run(7).back().output, run(8).back().output);
}

TEST(Laws, HistoryEndsAtItsLimit) {
    LanguageOptions options;
    options.history_events = 50;
    const auto language = make_language(options);
    const auto program = language->compile(
        R"({"StartAt":"A","States":{"A":{"Type":"Pass","Next":"B"},"B":{"Type":"Pass","Next":"A"}}})");
    ASSERT_TRUE(program) << program.error().message;
    Simulation simulation(*language, *program);
    simulation.start("{}", "{}");
    const Event& last = simulation.events().back();
    EXPECT_EQ(last.id, 50u);
    EXPECT_EQ(last.type, EventType::kExecutionFailed);
    EXPECT_EQ(last.error, "States.Runtime");
    EXPECT_EQ(last.cause, "The execution reached the maximum number of history events (50).");
    EXPECT_EQ(simulation.broken_law(), "");
}

TEST(Laws, DataThatGrowsDeeperEachRoundEndsTheExecution) {
    const auto language = make_language();
    const char* loops[] = {
        R"({"StartAt":"A","States":{"A":{"Type":"Pass","Parameters":{"x.$":"$"},"Next":"A"}}})",
        R"({"StartAt":"Z","States":{"Z":{"Type":"Pass","Assign":{"v":1},"Next":"A"},"A":{"Type":"Pass","Assign":{"v":{"x.$":"$v"}},"Next":"A"}}})",
        R"json({"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage","Parameters":{"x.$":"States.StringToJson('{')"},
            "Catch":[{"ErrorEquals":["States.ALL"],"ResultPath":"$.b","Next":"B"}],"End":true},"B":{"Type":"Pass","Parameters":{"a":{"a":{"a.$":"$"}}},"Next":"A"}}})json",
    };
    for (const char* loop : loops) {
        const auto program = language->compile(loop);
        ASSERT_TRUE(program) << program.error().message;
        Simulation simulation(*language, *program);
        simulation.start("{}", "{}");
        simulation.run([](const Action&) { return succeed_with("1"); });
        ASSERT_FALSE(simulation.execution().is_open());
        EXPECT_EQ(simulation.events().back().error, "States.DataLimitExceeded") << loop;
    }
}

TEST(Laws, InputThatIsNotJsonFailsTheExecution) {
    const auto language = make_language();
    const auto program =
        language->compile(R"({"StartAt":"A","States":{"A":{"Type":"Pass","End":true}}})");
    Simulation simulation(*language, *program);
    simulation.start("{", "{}");
    EXPECT_EQ(simulation.events().back().type, EventType::kExecutionFailed);
    EXPECT_EQ(simulation.broken_law(), "");
}

TEST(Laws, ExplainsWhatItWaitsFor) {
    const auto language = make_language();
    const auto program = language->compile(
        R"({"StartAt":"M","States":{"M":{"Type":"Map","End":true,"ItemProcessor":{"StartAt":"T","States":{
        "T":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:123456789012:function:f","TimeoutSeconds":9,"Retry":[{"ErrorEquals":["E"]}],"End":true}}}}}})");
    ASSERT_TRUE(program) << program.error().message;
    Simulation simulation(*language, *program);
    simulation.start("[1,2]", "{}");
    Input input;
    input.type = InputType::kTaskCompleted;
    input.task = simulation.open().begin()->first;
    input.result = fail_with(R"({"errorType":"E"})");
    simulation.feed(std::move(input));
    const auto waiting = language->waiting(**program, simulation.execution());
    ASSERT_EQ(waiting.size(), 2u);
    EXPECT_EQ(waiting[0].what, Waiting::For::kRetry);
    EXPECT_EQ(waiting[0].path, "M[0]/T");
    EXPECT_EQ(waiting[0].detail, "E");
    EXPECT_EQ(waiting[0].due, simulation.now() + std::chrono::seconds(1));
    EXPECT_EQ(waiting[1].what, Waiting::For::kTask);
    EXPECT_EQ(waiting[1].path, "M[1]/T");
    EXPECT_EQ(waiting[1].due, simulation.now() + std::chrono::seconds(9));
}

}  // namespace
}  // namespace tandem::asl::testing
