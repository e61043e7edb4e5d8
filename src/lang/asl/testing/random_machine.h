// RandomMachine: generated definitions for laws and simulations. They use every feature of the
// language that this room has (random_machine_test.cc lists them); each is valid, of bounded size,
// and ends if its tasks are answered. Tasks call the function "f", which fails with error "E".
// Determined by the seed. For tests only.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/rng.h"
#include "json/value.h"
#include "lang/asl/testing/random_expression.h"

namespace tandem::asl::testing {

struct RandomMachineOptions {
    // The output depends on nothing but the input and the answers of tasks: no time or entropy in
    // data, time-outs that never come, and all errors that leave a state alike.
    bool is_exact = false;
    bool with_timeouts = true;         // short ones, unless is_exact
    int64_t longest_wait_s = 5;        // of Wait states
    std::string fail_cause = "as so";  // of Fail states: that of the tasks, to make failures alike
    int64_t states = 10;               // about so many
    int64_t items = 3;                 // of the list that Maps go over; 3 or more
    int64_t rounds = 3;                // of loops
};

class RandomMachine {
public:
    explicit RandomMachine(uint64_t seed, RandomMachineOptions options = {})
        : random_(seed),
          options_(std::move(options)),
          expressions_(random_, options_.is_exact),
          left_(options_.states) {}

    /// A machine whose Parallel and Map states hold machines of `depth` - 1.
    json::Value machine(int depth);
    /// What its executions must be started with. Times are near from_millis(1'700'000'000'000).
    static std::string input(const RandomMachineOptions& options = {});
    static std::string attributes();

private:
    enum class Part { kTop, kBranch, kIteration };
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

    // random_machine.cc: machines and the states that only steer
    json::Value chain(int depth, Part part, bool has_input);
    void segment(Place place, const std::string& name, const Way& way);
    void choice(Place place, const std::string& name, Way way);
    void loop(Place place, const std::string& name, Way way);
    void pass(Place place, const std::string& name, const Way& way);
    void wait(Place place, const std::string& name, const Way& way);
    void succeed(Place place, const std::string& name);
    void failure(Place place, const std::string& name);
    void restore(Place place, const std::string& name, const std::optional<std::string>& next);
    std::string exit(Place place);

    // random_work.cc: states that can fail and be tried again
    void work(Place place, const std::string& name, const Way& way);
    void task(Place place, const std::string& name, const Way& way);
    void parallel(Place place, const std::string& name, const Way& way);
    void map(Place place, const std::string& name, const Way& way);
    void items_of(json::Value& state);
    void time_limit(json::Value& state, const std::string& field, bool has_input);
    void invoke(json::Value& state);
    json::Value retry();
    void catchers(Place place, json::Value& state, const Way& way, bool fails_in_own_way);

    // Data flow
    bool input_path(json::Value& state, bool must_be_input);
    void result_path(json::Value& state, const std::string& name, const Way& way);
    void passed_on(json::Value& state, const Way& way);
    void assign(json::Value& state, const std::string& name, bool has_input);
    void result_selector(json::Value& state, bool is_list);
    json::Value fields(const std::string& root);

    bool coin() { return random_.next() % 2 == 0; }
    uint64_t dice(uint64_t sides) { return random_.next() % sides; }
    bool is_large() const { return options_.items > 10; }
    /// Whether the execution's whole input may get into data that is kept.
    bool may_spread_input() const { return !(is_large() && expressions_.is_in_map); }
    std::string fresh() { return "s" + std::to_string(next_name_++); }
    void add(Place place, const std::string& name, json::Value state, const Way& way);
    void put(Place place, const std::string& name, json::Value state);

    SplitMix64 random_;
    RandomMachineOptions options_;
    RandomExpression expressions_;
    int64_t left_;
    int next_name_ = 0;
};

}  // namespace tandem::asl::testing
