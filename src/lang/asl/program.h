// Definition: a compiled state machine, the Program of this language. States of all nested machines
// (branches, item processors) stand in one vector and refer to each other by index; paths,
// templates, intrinsics and rules are compiled. Immutable, shared between threads. Says nothing
// about executions.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "lang/asl/data/formula.h"
#include "lang/asl/data/path.h"
#include "lang/asl/data/template.h"
#include "lang/asl/validate/validate.h"
#include "model/event.h"
#include "model/language.h"

namespace tandem::asl {

class Integration;

constexpr int kEnd = -1;

/// InputPath, OutputPath: absent means "$", null means "{}".
struct PathField {
    bool is_null = false;
    std::optional<Path> path;
};

/// ResultPath: absent means "$", null means "keep the input".
struct ResultPathField {
    bool is_null = false;
    std::optional<ReferencePath> path;
};

/// How a JSONata state is left.
struct JsonataExit {
    std::optional<Formula> output;
    std::optional<Formula> assign;
};

struct Retrier {
    std::vector<std::string> errors;
    int64_t interval_s = 1;
    int64_t max_attempts = 3;
    double backoff_rate = 2.0;
    std::optional<int64_t> max_delay_s;
    bool full_jitter = false;
};

struct Catcher {
    std::vector<std::string> errors;
    ResultPathField result_path;
    std::optional<Template> assign;
    JsonataExit exit;  // of a JSONata state
    int next = kEnd;
};

/// A whole number given in the definition or by a path.
struct NumberField {
    std::optional<int64_t> value;
    std::optional<Path> path;
    std::optional<Formula> formula;
    bool is_set() const { return value || path || formula; }
};

enum class Comparison : uint8_t {
    kEquals,
    kLessThan,
    kGreaterThan,
    kLessThanEquals,
    kGreaterThanEquals,
    kMatches,
};
enum class Operand : uint8_t { kString, kNumeric, kBoolean, kTimestamp };
enum class TypeTest : uint8_t { kNull, kPresent, kNumeric, kString, kBoolean, kTimestamp };

struct Rule {
    enum class Kind : uint8_t { kAnd, kOr, kNot, kType, kCompare };
    Kind kind = Kind::kCompare;
    std::vector<Rule> children;          // kAnd, kOr, kNot
    std::optional<Path> variable;        // kType, kCompare
    TypeTest type = TypeTest::kNull;     // kType
    bool wanted = true;                  // kType
    Operand operand = Operand::kString;  // kCompare
    Comparison comparison = Comparison::kEquals;
    json::Value literal;
    std::optional<Path> operand_path;  // kCompare with ...Path
};

struct Choice {
    Rule rule;
    int next = kEnd;
    std::optional<Template> assign;
    std::optional<Formula> condition;  // of a JSONata state, as is `exit`
    JsonataExit exit;
};

struct PassState {
    std::optional<json::Value> result;
};
/// When a task's work is done, and by what the result comes.
enum class Pattern : uint8_t {
    kRequestResponse,   // with the answer to the call
    kWaitForTaskToken,  // when somebody answers the task by its token
    kSync,              // when the execution that the call began has ended
    kSync2,             // the same; JSON in the result is parsed
    kActivity,          // when the worker that polled for it answers
};
constexpr bool waits_for_child(Pattern pattern) {
    return pattern == Pattern::kSync || pattern == Pattern::kSync2;
}
struct TaskState {
    const Integration* integration = nullptr;
    Pattern pattern = Pattern::kRequestResponse;
    std::string resource;
    // Of "arn:aws:states:::SERVICE:ACTION", the action with its pattern: as events show them.
    std::string service;
    std::string action;
    NumberField timeout;
    NumberField heartbeat;
};
struct ChoiceState {
    std::vector<Choice> choices;
    int default_next = kEnd;
};
struct WaitState {
    std::optional<int64_t> seconds;
    std::optional<Path> seconds_path;
    std::optional<Timestamp> timestamp;
    std::optional<Path> timestamp_path;
    std::optional<Formula> seconds_formula;
    std::optional<Formula> timestamp_formula;
};
struct SucceedState {};
/// A string that a Fail state gives as text, path or intrinsic.
struct TextField {
    std::optional<std::string> text;
    std::optional<Template> expression;
    std::optional<Formula> formula;
};
struct FailState {
    TextField error;
    TextField cause;
};
struct ParallelState {
    std::vector<int> machines;
};
/// A percentage given in the definition or by a path.
struct PercentageField {
    std::optional<double> value;
    std::optional<Path> path;
    std::optional<Formula> formula;
};
/// ItemReader or ResultWriter: where items are, or results go to.
struct ItemPlace {
    std::string resource;
    std::optional<Template> parameters;
    std::optional<Formula> arguments;  // of a JSONata state, as is `configuration`
    json::Value config;
    std::optional<Formula> configuration;
};
/// What a Map in distributed mode has beside the others.
struct DistributedMap {
    std::string label;
    bool is_express = false;  // its children
    std::optional<ItemPlace> reader;
    NumberField max_items;
    bool is_batched = false;
    NumberField batch_items;
    NumberField batch_bytes;
    std::optional<Template> batch_input;
    std::optional<Formula> batch_formula;  // of a JSONata state
    NumberField tolerated_count;
    PercentageField tolerated_percentage;
    std::optional<ItemPlace> writer;
};
struct MapState {
    int machine = 0;
    std::optional<Path> items_path;
    std::optional<Template> item_selector;
    std::optional<Formula> items;  // of a JSONata state, as is `selector`
    std::optional<Formula> selector;
    NumberField max_concurrency;
    std::shared_ptr<const DistributedMap> distributed;  // null: in inline mode
};

struct StateDefinition {
    std::string name;
    StateKind kind = StateKind::kNone;
    int next = kEnd;
    PathField input_path;
    PathField output_path;
    ResultPathField result_path;
    std::optional<Template> parameters;
    std::optional<Template> result_selector;
    std::optional<Template> assign;
    bool is_jsonata = false;  // then the fields above are not there
    std::optional<Formula> arguments;
    JsonataExit exit;
    std::vector<Retrier> retriers;
    std::vector<Catcher> catchers;
    std::variant<PassState, TaskState, ChoiceState, WaitState, SucceedState, FailState,
                 ParallelState, MapState>
        body;
};

struct Machine {
    int start = kEnd;
    int64_t timeout_s = 0;        // of the top machine only
    bool has_no_timeout = false;  // then that is the longest that any may take
};

class Definition final : public Program {
public:
    std::vector<StateDefinition> states;
    std::vector<Machine> machines;                 // [0] is the whole state machine
    std::unordered_map<std::string, int> by_name;  // state names are unique over all machines

    const StateDefinition& state(int index) const { return states[size_t(index)]; }
};

/// The only way to make one. No execution lives longer than `longest_s`, whatever the text says.
/// Error: kInvalidArgument in AWS's words.
Result<std::shared_ptr<const Definition>> compile_definition(
    std::string_view text, WorkflowType type, int64_t longest_s = Limits{}.execution_s);
/// What the children of the distributed Map with that label run. Error: as compile_definition().
Result<std::shared_ptr<const Definition>> compile_processor(
    std::string_view text, std::string_view label, WorkflowType type,
    int64_t longest_s = Limits{}.execution_s);

}  // namespace tandem::asl
