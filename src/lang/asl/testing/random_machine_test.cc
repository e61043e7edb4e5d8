// That the generated machines are what they promise: valid, bounded, ending, and using the whole
// language. A feature counts only where a state that has it was entered.
#include "lang/asl/testing/random_machine.h"

#include <gtest/gtest.h>

#include <set>
#include <sstream>

#include "lang/asl/testing/simulation.h"

namespace tandem::asl::testing {
namespace {

constexpr uint64_t kMachines = 1000;
constexpr size_t kStatesMax = 60;
constexpr size_t kBytesMax = 40'000;
constexpr size_t kEventsMax = 3'000;

using Features = std::set<std::string>;

/// Every feature that this room implements, but for JSONata's own functions: those of the reference
/// are tested beside their engine. "Type.Field" is a field of a state in JSONPath; "Choice:..." an
/// operator; "Retry:...", "Catch:..." a field or an error's name.
const char* const kFeatures = R"(
Machine.Comment Machine.Version Machine.QueryLanguage Machine.TimeoutSeconds
Pass.Result Pass.Parameters Pass.InputPath Pass.ResultPath Pass.OutputPath Pass.Assign Pass.Next
Pass.End
Task.Resource Task.Parameters Task.InputPath Task.ResultSelector Task.ResultPath Task.OutputPath
Task.Assign Task.Retry Task.Catch Task.TimeoutSeconds Task.TimeoutSecondsPath Task.HeartbeatSeconds
Task.HeartbeatSecondsPath Task.Credentials
Resource:function Resource:qualifier Resource:invoke Resource:unsupported
Invoke.FunctionName Invoke.FunctionName.$ Invoke.Payload Invoke.Payload.$ Invoke.Qualifier
Invoke.InvocationType Invoke.LogType Invoke.ClientContext
Choice.Choices Choice.Default Choice.InputPath Choice.OutputPath Choice.Assign Choice:Assign
Choice:And Choice:Or Choice:Not Choice:Variable
Choice:IsNull Choice:IsPresent Choice:IsNumeric Choice:IsString Choice:IsBoolean Choice:IsTimestamp
Choice:StringEquals Choice:StringLessThan Choice:StringGreaterThan Choice:StringLessThanEquals
Choice:StringGreaterThanEquals Choice:StringMatches Choice:StringEqualsPath
Choice:StringLessThanPath Choice:StringGreaterThanPath Choice:StringLessThanEqualsPath
Choice:StringGreaterThanEqualsPath
Choice:NumericEquals Choice:NumericLessThan Choice:NumericGreaterThan Choice:NumericLessThanEquals
Choice:NumericGreaterThanEquals Choice:NumericEqualsPath Choice:NumericLessThanPath
Choice:NumericGreaterThanPath Choice:NumericLessThanEqualsPath Choice:NumericGreaterThanEqualsPath
Choice:TimestampEquals Choice:TimestampLessThan Choice:TimestampGreaterThan
Choice:TimestampLessThanEquals Choice:TimestampGreaterThanEquals Choice:TimestampEqualsPath
Choice:TimestampLessThanPath Choice:TimestampGreaterThanPath Choice:TimestampLessThanEqualsPath
Choice:TimestampGreaterThanEqualsPath Choice:BooleanEquals Choice:BooleanEqualsPath
Wait.Seconds Wait.SecondsPath Wait.Timestamp Wait.TimestampPath Wait.InputPath Wait.OutputPath
Wait.Assign
Succeed.Type Succeed.InputPath Succeed.OutputPath
Fail.Type Fail.Error Fail.Cause Fail.ErrorPath Fail.CausePath
Parallel.Branches Parallel.Parameters Parallel.InputPath Parallel.ResultSelector Parallel.ResultPath
Parallel.OutputPath Parallel.Assign Parallel.Retry Parallel.Catch
Map.ItemProcessor Map.Iterator Map.ItemsPath Map.ItemSelector Map.Parameters Map.MaxConcurrency
Map.MaxConcurrencyPath Map.InputPath Map.ResultSelector Map.ResultPath Map.OutputPath Map.Assign
Map.Retry Map.Catch
Retry.ErrorEquals Retry.MaxAttempts Retry.IntervalSeconds Retry.BackoffRate Retry.MaxDelaySeconds
Retry.JitterStrategy Retry:FULL Retry:NONE
Retry:States.ALL Retry:States.TaskFailed Retry:States.Timeout Retry:States.HeartbeatTimeout
Retry:States.IntrinsicFailure Retry:E Retry:Lambda.Unknown
Catch.ErrorEquals Catch.Next Catch.ResultPath Catch.Assign
Catch:States.ALL Catch:States.TaskFailed Catch:States.Timeout Catch:States.HeartbeatTimeout
Catch:States.DataLimitExceeded Catch:E
InputPath=null OutputPath=null ResultPath=null
States.Array States.ArrayPartition States.ArrayContains States.ArrayRange States.ArrayGetItem
States.ArrayLength States.ArrayUnique States.Base64Encode States.Base64Decode States.Hash
States.JsonMerge States.StringToJson States.JsonToString States.MathRandom States.MathAdd
States.StringSplit States.UUID States.Format
$$.Execution.Id $$.Execution.Input $$.Execution.Name $$.Execution.RoleArn $$.Execution.StartTime
$$.Execution.RedriveCount $$.StateMachine.Id $$.StateMachine.Name $$.State.Name
$$.State.EnteredTime $$.State.RetryCount $$.Map.Item.Index $$.Map.Item.Value
$v $vn $own0 $own1
Path:[] Path:[*] Path:[:] Path:[?] Path:.. Path:() Path:['']
Ends:ExecutionSucceeded Ends:ExecutionFailed Ends:ExecutionTimedOut
Error:E Error:F Error:States.Timeout Error:States.IntrinsicFailure Error:States.NoChoiceMatched
Error:States.Runtime Error:States.ResultPathMatchFailure Error:States.DataLimitExceeded
Error:States.QueryEvaluationError
)";

/// The same of JSONata. "Type.Field" is a field of a state, and "Type.Field=" one that has an
/// expression; "Fails:Field" is the field whose expression ended a state; "In:..." says where
/// JSONata stands; "In:A>B" a state in B in a machine within a state in A.
const char* const kJsonataFeatures = R"(
In:Machine In:State In:JSONPath>JSONata In:JSONata>JSONPath In:JSONata>JSONata
Pass.Output Pass.Output= Pass.Assign Pass.Assign=
Task.Arguments Task.Arguments= Task.Output Task.Output= Task.Assign Task.Assign=
Task.TimeoutSeconds Task.TimeoutSeconds= Task.HeartbeatSeconds Task.HeartbeatSeconds=
Task.Credentials Task.Retry Task.Catch Task.Resource
Resource:function Resource:qualifier Resource:invoke
Invoke.FunctionName Invoke.FunctionName= Invoke.Payload Invoke.Payload= Invoke.InvocationType=
Choice.Choices Choice.Default Choice.Output Choice.Output= Choice.Assign Choice.Assign=
Choice:Condition Choice:Condition= Choice:Output Choice:Output= Choice:Assign Choice:Assign=
Choice:Next
Wait.Seconds Wait.Seconds= Wait.Timestamp Wait.Timestamp= Wait.Output Wait.Assign
Succeed.Output Succeed.Output=
Fail.Error Fail.Error= Fail.Cause Fail.Cause= Fail.Type
Parallel.Branches Parallel.Arguments Parallel.Arguments= Parallel.Output Parallel.Output=
Parallel.Assign Parallel.Retry Parallel.Catch
Map.ItemProcessor Map.Items Map.Items= Map.Items[] Map.ItemSelector Map.ItemSelector=
Map.MaxConcurrency Map.MaxConcurrency= Map.Output Map.Output= Map.Assign Map.Retry Map.Catch
Map.NoItems
Retry:States.QueryEvaluationError Retry:States.ALL Retry:E
Catch:Output= Catch:Assign= Catch:States.QueryEvaluationError Catch:States.ALL Catch:E
Task:$states.result Parallel:$states.result Map:$states.result Catch:$states.errorOutput
Catch:$states.input Catch:$states.context
$states.input $states.context.Execution.Id $states.context.Execution.Input
$states.context.Execution.Name $states.context.Execution.RoleArn
$states.context.Execution.StartTime $states.context.Execution.RedriveCount
$states.context.StateMachine.Id $states.context.StateMachine.Name $states.context.State.Name
$states.context.State.EnteredTime $states.context.State.RetryCount
$states.context.Map.Item.Index $states.context.Map.Item.Value
$v $vn $own0 $own1
$partition( $range( $hash( $random() $random(7) $uuid( $parse( $now( $millis( $shuffle(
$map( $reduce( $sort( $merge( $replace( $split( $toMillis( $fromMillis( $formatNumber( $assert(
$error( $string( $count( function( ~>
Fails:Arguments Fails:Output Fails:Items Fails:ItemSelector Fails:MaxConcurrency
Fails:TimeoutSeconds Fails:Seconds Fails:Timestamp Fails:Condition Fails:Error Fails:Cause
Fails:Choices Fails:Catch
)";

Features words_of(const char* text) {
    Features words;
    std::istringstream in(text);
    for (std::string word; in >> word;) words.insert(word);
    return words;
}

const Features& wanted() {
    static const Features all = words_of(kFeatures);
    return all;
}

const Features& wanted_of_jsonata() {
    static const Features all = words_of(kJsonataFeatures);
    return all;
}

void add_expression(const std::string& text, Features& out) {
    if (!text.starts_with("$") && !text.starts_with("States.")) return;
    for (const std::string& feature : wanted()) {
        const bool is_call = feature.starts_with("States.");
        const bool is_path = feature.starts_with("$");
        if (is_call && text.find(feature + "(") != text.npos) out.insert(feature);
        if (is_path && text.find(feature) != text.npos) out.insert(feature);
    }
    const std::pair<const char*, const char*> parts[] = {
        {"[0]", "Path:[]"}, {"[*]", "Path:[*]"}, {"[0:", "Path:[:]"}, {"[?(", "Path:[?]"},
        {"..", "Path:.."},  {"()", "Path:()"},   {"['", "Path:['']"}};
    for (const auto& [part, feature] : parts) {
        if (text.find(part) != text.npos) out.insert(feature);
    }
}

void add_expressions(const json::Value& value, Features& out) {
    if (value.is_string()) add_expression(value.as_string(), out);
    if (value.is_array()) {
        for (const json::Value& item : value.as_array()) add_expressions(item, out);
    }
    if (!value.is_object()) return;
    for (const auto& [key, member] : value.as_object()) {
        if (key != "States") add_expressions(member, out);  // of inner machines: not entered yet
    }
}

void add_rule(const json::Value& rule, Features& out) {
    for (const auto& [key, value] : rule.as_object()) {
        out.insert("Choice:" + key);
        if (key == "Not") add_rule(value, out);
        if (key != "And" && key != "Or") continue;
        for (const json::Value& inner : value.as_array()) add_rule(inner, out);
    }
}

void add_handlers(const json::Value& state, const std::string& list, Features& out) {
    const json::Value* handlers = state.find(list);
    for (const json::Value& handler : handlers ? handlers->as_array() : json::Array()) {
        for (const auto& [key, value] : handler.as_object()) out.insert(list + "." + key);
        out.insert(list + ":" + std::string(handler.string_or("JitterStrategy", "")));
        for (const json::Value& error : handler.find("ErrorEquals")->as_array())
            out.insert(list + ":" + error.as_string());
    }
}

void add_resource(const json::Value& state, Features& out) {
    const std::string_view resource = state.string_or("Resource", "");
    if (resource.ends_with(":f")) out.insert("Resource:function");
    if (resource.ends_with(":live")) out.insert("Resource:qualifier");
    if (resource.find("sqs") != resource.npos) out.insert("Resource:unsupported");
    if (!resource.ends_with("lambda:invoke")) return;
    out.insert("Resource:invoke");
    for (const auto& [key, value] : state.find("Parameters")->as_object())
        out.insert("Invoke." + key);
}

void add_state(const json::Value& state, Features& out) {
    for (const auto& [key, value] : state.as_object()) {
        out.insert(std::string(state.string_or("Type", "")) + "." + key);
        if (value.is_null()) out.insert(key + "=null");
    }
    add_expressions(state, out);
    add_handlers(state, "Retry", out);
    add_handlers(state, "Catch", out);
    add_resource(state, out);
    if (const json::Value* rules = state.find("Choices")) {
        for (const json::Value& rule : rules->as_array()) add_rule(rule, out);
    }
}

bool is_jsonata(const json::Value& json) {
    return json.string_or("QueryLanguage", "JSONPath") == "JSONata";
}

/// A state of a machine, and what its place says about it.
struct Found {
    json::Value state;
    bool is_jsonata = false;
    std::set<std::string> places;  // "In:..." of its machine and its own
};

/// All states of a machine and the machines within it, by name.
struct Collection {
    std::map<std::string, Found> states;
    bool is_whole = false;  // in JSONata

    /// `around`: the language of the state that it is in.
    void add(const json::Value& machine, const char* around) {
        for (const auto& [name, state] : machine.find("States")->as_object()) {
            Found& found = states[name];
            found.state = state;
            found.is_jsonata = is_whole || is_jsonata(state);
            const char* language = found.is_jsonata ? "JSONata" : "JSONPath";
            if (around != nullptr)
                found.places.insert("In:" + std::string(around) + ">" + language);
            if (is_whole) found.places.insert("In:Machine");
            else if (found.is_jsonata) found.places.insert("In:State");
            for (const char* processor : {"ItemProcessor", "Iterator"}) {
                if (const json::Value* inner = state.find(processor)) add(*inner, language);
            }
            const json::Value* branches = state.find("Branches");
            for (const json::Value& branch : branches ? branches->as_array() : json::Array())
                add(branch, language);
        }
    }
};

void add_formulas(const json::Value& value, Features& out) {
    if (value.is_string() && value.as_string().starts_with("{%")) {
        for (const std::string& feature : wanted_of_jsonata()) {
            const bool is_text =
                feature.starts_with("$") || feature == "~>" || feature == "function(";
            if (is_text && value.as_string().find(feature) != std::string::npos)
                out.insert(feature);
        }
    }
    if (value.is_array()) {
        for (const json::Value& item : value.as_array()) add_formulas(item, out);
    }
    if (!value.is_object()) return;
    for (const auto& [key, member] : value.as_object()) {
        if (key != "States") add_formulas(member, out);  // of inner machines: not entered yet
    }
}

/// The members of `json` as features, with "=" where they have an expression.
void add_members(const std::string& prefix, const json::Value& json, Features& out) {
    for (const auto& [key, value] : json.as_object()) {
        out.insert(prefix + key);
        if (json::print(value).find("{%") != std::string::npos) out.insert(prefix + key + "=");
        if (value.is_array()) out.insert(prefix + key + "[]");
    }
}

void add_jsonata_state(const Found& found, Features& out) {
    const json::Value& state = found.state;
    const std::string type(state.string_or("Type", ""));
    add_members(type + ".", state, out);
    add_formulas(state, out);
    add_handlers(state, "Retry", out);
    add_handlers(state, "Catch", out);
    if (type == "Map" && state.find("Items") == nullptr) out.insert("Map.NoItems");
    for (const char* list : {"Choices", "Catch"}) {
        const json::Value* items = state.find(list);
        for (const json::Value& item : items ? items->as_array() : json::Array())
            add_members(items == state.find("Catch") ? "Catch:" : "Choice:", item, out);
    }
    const json::Value* catchers = state.find("Catch");
    const std::string handled = catchers != nullptr ? json::print(*catchers) : "";
    for (const char* part : {"$states.errorOutput", "$states.input", "$states.context"}) {
        if (handled.find(part) != std::string::npos) out.insert(std::string("Catch:") + part);
    }
    if (const json::Value* output = state.find("Output")) {
        if (json::print(*output).find("$states.result") != std::string::npos)
            out.insert(type + ":$states.result");
    }
    if (type != "Task") return;
    const std::string_view resource = state.string_or("Resource", "");
    if (resource.ends_with(":f")) out.insert("Resource:function");
    if (resource.ends_with(":live")) out.insert("Resource:qualifier");
    if (!resource.ends_with("lambda:invoke")) return;
    out.insert("Resource:invoke");
    add_members("Invoke.", *state.find("Arguments"), out);
}

/// Answers, fails or forgets, as the payload has it.
std::optional<TaskResult> answer(const Action& action, bool may_forget) {
    const uint64_t hash = stable_hash(action.payload.view());
    if (hash % 6 == 0) return fail_with(R"({"errorType":"E","errorMessage":"as ever"})");
    if (may_forget && hash % 7 == 0) return std::nullopt;
    TaskResult result = *succeed_with("{\"r\":" + std::to_string(hash % 1000) + "}");
    result.request_id = "00000000-0000-4000-8000-000000000000";
    return result;
}

/// Runs a generated machine to its end; its states, and the events.
struct Ran {
    std::map<std::string, Found> states;
    json::Value machine;
    std::vector<Event> events;
};

Ran run(const Language& language, uint64_t seed, const RandomMachineOptions& options, int depth) {
    Ran ran;
    ran.machine = RandomMachine(seed, options).machine(depth);
    Collection collection;
    collection.is_whole = is_jsonata(ran.machine);
    collection.add(ran.machine, nullptr);
    ran.states = std::move(collection.states);
    const std::string text = json::print(ran.machine);
    const auto valid = language.validate(text);
    EXPECT_TRUE(valid) << valid.error().message << "\n" << text;
    const auto program = language.compile(text);
    EXPECT_TRUE(program) << program.error().message << "\n" << text;
    if (!program) return {{}, {}, {Event()}};
    Simulation simulation(language, *program);
    simulation.set_checks_each_input(false);
    simulation.start(RandomMachine::input(options), RandomMachine::attributes());
    simulation.run([&](const Action& action) { return answer(action, !options.is_exact); });
    ran.events = simulation.events();
    const bool may_hang = !options.is_exact;  // a task that is forgotten and has no time limit
    EXPECT_TRUE(may_hang || !simulation.execution().is_open()) << text;
    EXPECT_LE(text.size(), kBytesMax);
    return ran;
}

/// What of the languages a run came to use.
void add_run(const Ran& ran, Features& path, Features& jsonata) {
    for (const auto& [key, value] : ran.machine.as_object()) path.insert("Machine." + key);
    for (const Event& event : ran.events) {
        if (event.type == EventType::kStateEntered) {
            const Found& found = ran.states.at(event.name);
            if (found.is_jsonata) add_jsonata_state(found, jsonata);
            else add_state(found.state, path);
            jsonata.insert(found.places.begin(), found.places.end());
        }
        if (event.type == EventType::kEvaluationFailed)
            jsonata.insert("Fails:" + event.resource.substr(0, event.resource.find_first_of("/[")));
        if (event.type == EventType::kEvaluationFailed)
            jsonata.insert("Fails:" + event.resource.substr(event.resource.rfind('/') + 1));
        if (event.error) path.insert("Error:" + *event.error);
    }
    if (is_closing(ran.events.back().type))
        path.insert("Ends:" + std::string(to_string(ran.events.back().type)));
}

TEST(RandomMachine, UsesTheWholeLanguage) {
    const auto language = make_language({.takes_any_resource = true});
    Features path, jsonata;
    for (uint64_t seed = 1; seed <= kMachines; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        const Ran ran = run(*language, seed, {}, 2);
        add_run(ran, path, jsonata);
        EXPECT_LE(ran.states.size(), kStatesMax);
        EXPECT_LE(ran.events.size(), kEventsMax);
    }
    for (const std::string& feature : wanted())
        EXPECT_EQ(path.count(feature), 1u) << "no machine came to use " << feature;
    for (const std::string& feature : wanted_of_jsonata())
        EXPECT_EQ(jsonata.count(feature), 1u) << "no machine came to use JSONata's " << feature;
}

TEST(RandomMachine, ExactOnesFailOnlyAlike) {
    const auto language = make_language({.takes_any_resource = true});
    RandomMachineOptions options{.is_exact = true, .longest_wait_s = 100'000};
    size_t succeeded = 0;
    for (uint64_t seed = 1; seed <= kMachines; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        const Ran ran = run(*language, seed, options, 2);
        const Event& last = ran.events.back();
        if (last.type == EventType::kExecutionSucceeded) ++succeeded;
        else EXPECT_EQ(last.error, "E") << last.cause.value_or("") << json::print(ran.machine);
    }
    EXPECT_GT(succeeded, kMachines / 3);
}

TEST(RandomMachine, TasksMayBeAnsweredLater) {
    const auto language = make_language();
    RandomMachineOptions options{.is_exact = true, .has_later_tasks = true, .child = "k"};
    std::set<std::string> resources;
    for (uint64_t seed = 1; seed <= 150; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        const json::Value machine = RandomMachine(seed, options).machine(2);
        const std::string text = json::print(machine);
        const auto valid = language->validate(text);
        ASSERT_TRUE(valid) << valid.error().message << "\n" << text;
        Simulation simulation(*language, *language->compile(text));
        const auto child = std::make_shared<ExecutionSummary>();
        child->status = seed % 3 == 0 ? ExecutionStatus::kFailed : ExecutionStatus::kSucceeded;
        child->output = child->input = Payload("[1]");
        child->attributes = Payload("{}");
        simulation.set_later([](const TaskTicket&) { return *succeed_with("{\"r\":1}"); },
                             [&](const ExecutionId&) { return child; });
        simulation.start(RandomMachine::input(options), RandomMachine::attributes());
        simulation.run([&](const Action& action) {
            auto result = answer(action, false);
            if (action.target.kind != CallableKind::kService) return result;
            result = succeed_with(R"({"ExecutionArn":"arn","StartDate":1})");
            result->execution = ExecutionId("child");
            return result;
        });
        EXPECT_EQ(simulation.broken_law(), "") << text;
        ASSERT_FALSE(simulation.execution().is_open()) << text;
        const Event& last = simulation.events().back();
        EXPECT_TRUE(last.type == EventType::kExecutionSucceeded || last.error == "E")
            << last.error.value_or("") << last.cause.value_or("") << text;
        for (const Event& e : simulation.events()) {
            if (e.type == EventType::kTaskScheduled) resources.insert(e.resource);
        }
    }
    for (const char* resource : {"arn:aws:states:us-east-1:123456789012:activity:a",
                                 "invoke.waitForTaskToken", "startExecution", "startExecution.sync",
                                 "startExecution.sync:2", "startExecution.waitForTaskToken"}) {
        EXPECT_EQ(resources.count(resource), 1u) << resource;
    }
}

TEST(RandomMachine, TokensAreFoundAndLeftOut) {
    EXPECT_EQ(RandomMachine::token_in(R"({"a":1,"token":"xy=","b":2})"), "xy=");
    EXPECT_EQ(RandomMachine::parent_token_in(R"({"parentToken":"z","token":"xy"})"), "z");
    EXPECT_EQ(RandomMachine::token_in(R"({"parentToken":"z"})"), "");
    EXPECT_EQ(RandomMachine::without_tokens(R"({"parentToken":"z1","token":"xy","b":2})"),
              R"({"parentToken":"","token":"","b":2})");
}

TEST(RandomMachine, LargeListsAndManyRoundsStayWithinTheLimits) {
    const auto language = make_language({.takes_any_resource = true});
    RandomMachineOptions wide{.is_exact = true, .states = 8, .items = 100};
    RandomMachineOptions deep{.is_exact = true, .states = 8, .rounds = 100};
    size_t most_wide = 0, most_deep = 0;
    for (uint64_t seed = 1; seed <= 60; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        for (const auto& [options, most] : {std::pair(&wide, &most_wide), {&deep, &most_deep}}) {
            const Ran ran = run(*language, seed, *options, 2);
            const Event& last = ran.events.back();
            EXPECT_TRUE(last.type == EventType::kExecutionSucceeded || last.error == "E")
                << last.error.value_or("") << last.cause.value_or("") << json::print(ran.machine);
            *most = std::max(*most, ran.events.size());
        }
    }
    EXPECT_GT(most_wide, 2'000u);
    EXPECT_GT(most_deep, 2'000u);
}

}  // namespace
}  // namespace tandem::asl::testing
