// RandomMachine: generated definitions for laws and simulations. They use every feature of the
// language that this room has, in both of its query languages (random_machine_test.cc lists them);
// each is valid, of bounded size, and ends if its tasks are answered. Tasks call the function "f",
// which fails with error "E". Machines test themselves where they can: a variable that is not its
// branch's own ends them with another error. Determined by the seed. For tests only.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/rng.h"
#include "json/value.h"
#include "lang/asl/testing/random_expression.h"
#include "lang/asl/testing/random_formula.h"

namespace tandem::asl::testing {

struct RandomMachineOptions {
    // The output depends on nothing but the input and the answers of tasks: no time, entropy or
    // count of redrives in data, time-outs that never come, and all errors that leave a state
    // alike.
    bool is_exact = false;
    bool with_timeouts = true;         // short ones, unless is_exact
    int64_t longest_wait_s = 5;        // of Wait states
    std::string fail_cause = "as so";  // of Fail states: that of the tasks, to make failures alike
    int64_t states = 10;               // about so many
    int64_t items = 3;                 // of the list that Maps go over; 3 or more
    int64_t rounds = 3;                // of loops
    bool has_later_tasks = false;      // activity "a", .waitForTaskToken: their answers come later
    std::string child;                 // then also a state machine that tasks start; empty: none
    bool has_map_runs = false;         // Maps in distributed mode
    bool has_services = false;         // http:invoke, aws-sdk:s3:getObject: they answer as "f" does
};

inline constexpr const char* kFunction = "arn:aws:lambda:us-east-1:123456789012:function:";
inline constexpr const char* kInvoke = "arn:aws:states:::lambda:invoke";

class RandomMachine {
public:
    explicit RandomMachine(uint64_t seed, RandomMachineOptions options = {})
        : random_(seed),
          options_(std::move(options)),
          expressions_(random_, around_),
          formulas_(random_, around_),
          left_(options_.states) {
        around_.is_exact = options_.is_exact;
    }

    /// A machine whose Parallel and Map states hold machines of `depth` - 1.
    json::Value machine(int depth);
    /// What its executions must be started with. Times are near kBegin_ms.
    static constexpr int64_t kBegin_ms = 1'700'000'000'000;
    static std::string input(const RandomMachineOptions& options = {});
    static std::string attributes(const std::string& machine = "m");
    /// The task token that a function's payload or a child's input hands on; empty: none. Either
    /// without tokens, which is the same whenever the task is repeated.
    static std::string token_in(std::string_view payload);
    static std::string parent_token_in(std::string_view input);
    static std::string without_tokens(std::string_view json);
    /// All that the ItemReader of a map run finds whose arguments and configuration these are.
    static json::Array items_of_reader(const json::Value& arguments, const json::Value& config);

private:
    enum class Part { kTop, kBranch, kIteration };
    enum class Query { kPath, kJsonata };
    /// Where a state leads.
    struct Way {
        std::optional<std::string> next;  // else it ends the machine
        std::vector<std::string> later;   // others that it may skip to
        bool is_loop = false;             // the data must keep what was put there
    };
    struct Place {
        json::Value& states;
        int depth;
    };
    /// What a loop counts its rounds in: a variable, or a member of the data.
    struct Counter {
        std::string name;
        bool is_variable;
    };

    // random_machine.cc: machines, their data's way in and out, and what both languages share
    json::Value chain(int depth, Part part, bool has_input);
    json::Value inner(int depth, Part part, bool has_input);
    void segment(Place place, const std::string& name, const Way& way);
    std::string first_variables(Place place, const std::string& next);
    std::string own_variable(Place place, const std::string& next);
    void tail(Place place, const std::string& name, const std::string& owned, bool is_small);
    void loop(Place place, const std::string& name, Way way);
    void count(Place place, const std::string& name, const Counter& counter, bool is_first,
               const std::string& next);
    void count_test(Place place, const std::string& name, const Counter& counter, int64_t rounds,
                    const std::string& body, const std::string& next);
    std::string exit(Place place);

    // random_steering.cc: the states that only steer, in JSONPath
    void choice(Place place, const std::string& name, Way way);
    void pass(Place place, const std::string& name, const Way& way);
    void wait(Place place, const std::string& name, const Way& way);
    void succeed(Place place, const std::string& name);
    void failure(Place place, const std::string& name);
    void restore(Place place, const std::string& name, const std::optional<std::string>& next);
    json::Value small_input() const;
    bool input_path(json::Value& state, bool must_be_input);
    void result_path(json::Value& state, const std::string& name, const Way& way);
    void passed_on(json::Value& state, const Way& way);
    void assign(json::Value& state, const std::string& name, bool has_input);
    json::Value fields(const std::string& root);

    // random_work.cc: states that can fail and be tried again, in JSONPath
    void work(Place place, const std::string& name, const Way& way);
    void task(Place place, const std::string& name, const Way& way);
    void parallel(Place place, const std::string& name, const Way& way);
    void map(Place place, const std::string& name, const Way& way);
    void items_of(json::Value& state);
    json::Value item_selector();
    void time_limit(json::Value& state, const std::string& field, bool has_input);
    /// A heartbeat that is no shorter than the time-out would be refused.
    static void shorten_heartbeat(json::Value& state);
    void invoke(json::Value& state);
    json::Value retry();
    void catchers(Place place, json::Value& state, const Way& way, Query query,
                  bool fails_in_own_way);
    void path_catcher(json::Value& catcher, bool restores, bool hides_error);
    void result_selector(json::Value& state, bool is_list);

    // random_later.cc: tasks whose results come later, in both languages
    bool is_later();
    std::string later_resource(std::string& alike);
    void later_task(Place place, const std::string& name, const Way& way);
    void jsonata_later_task(Place place, const std::string& name, const Way& way);

    // random_services.cc: tasks that call a service and get its answer
    void service_task(Place place, const std::string& name, const Way& way, Query query);
    json::Value service_call(std::string& resource, Query query);

    // random_map_run.cc: Maps in distributed mode, in both languages
    bool is_distributed();
    void distributed_map(Place place, const std::string& name, const Way& way, Query query);
    void distributed_items(json::Value& state, Query query, bool is_read);
    void item_reader(json::Value& state, Query query);
    void item_batcher(json::Value& state, Query query);
    void tolerance(json::Value& state, Query query);
    void result_writer(json::Value& state, Query query);
    json::Value small_child();

    // random_jsonata.cc: the same in JSONata
    bool speaks_jsonata() { return is_jsonata_ || dice(3) == 0; }
    json::Value jsonata_state(const char* type);
    void jsonata_choice(Place place, const std::string& name, Way way);
    void jsonata_pass(Place place, const std::string& name, const Way& way);
    void jsonata_wait(Place place, const std::string& name, const Way& way);
    void jsonata_succeed(Place place, const std::string& name);
    void jsonata_failure(Place place, const std::string& name);
    void jsonata_restore(Place place, const std::string& name,
                         const std::optional<std::string>& next);
    void jsonata_output(json::Value& state, const std::string& name, const Way& way);
    void jsonata_assign(json::Value& state, const std::string& name, const std::string& result);
    std::string jsonata_wrong(const std::string& right, uint64_t one_in = 20);

    // random_jsonata_work.cc
    void jsonata_task(Place place, const std::string& name, const Way& way);
    void jsonata_invoke(json::Value& state);
    void jsonata_parallel(Place place, const std::string& name, const Way& way);
    void jsonata_map(Place place, const std::string& name, const Way& way);
    bool jsonata_items(json::Value& state);
    void jsonata_limit(json::Value& state, const std::string& field);
    void jsonata_result(json::Value& state, const std::string& name, const Way& way,
                        const std::string& result, const std::string& root = "$states.input");
    void jsonata_selector(json::Value& state, const std::string& root);
    void jsonata_catcher(json::Value& catcher, bool restores, bool hides_error);

    bool coin() { return random_.next() % 2 == 0; }
    uint64_t dice(uint64_t sides) { return random_.next() % sides; }
    bool is_large() const { return options_.items > 10; }
    /// Whether the execution's whole input may get into data that is kept.
    bool may_spread_input() const { return !(is_large() && around_.is_in_map); }
    std::string fresh() { return "s" + std::to_string(next_name_++); }
    void add(Place place, const std::string& name, json::Value state, const Way& way);
    void put(Place place, const std::string& name, json::Value state);

    SplitMix64 random_;
    RandomMachineOptions options_;
    Surroundings around_;
    RandomExpression expressions_;
    RandomFormula formulas_;
    bool is_jsonata_ = false;  // the whole state machine
    int64_t left_;
    int next_name_ = 0;
};

}  // namespace tandem::asl::testing
