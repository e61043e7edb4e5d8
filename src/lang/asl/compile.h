// Compiler: JSON of a state machine -> Definition. The first fault is kept (with where it is, as a
// JSON pointer) and the rest is read on without effect, so that the readers below need no error
// paths. Used once per definition; the validator has seen the text before.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "json/value.h"
#include "lang/asl/program.h"

namespace tandem::asl {

class Compiler {
public:
    Compiler(std::string_view text, WorkflowType type, int64_t longest_s)
        : text_(text), type_(type), longest_s_(longest_s) {}
    Result<std::shared_ptr<const Definition>> compile(const json::Value& text);

private:
    using Names = std::unordered_map<std::string, int>;  // states of one machine
    /// One state being read: its JSON, where it stands, what its names mean.
    struct Source {
        const json::Value& json;
        std::string at;
        const Names& names;
        bool is_jsonata = false;
    };

    // compile.cc
    int machine(const json::Value& json, const std::string& at);
    StateDefinition state(const std::string& name, const Source& source);
    void common(StateDefinition& state, const Source& source);
    std::vector<Retrier> retriers(const Source& source);
    std::vector<Catcher> catchers(const Source& source);

    // compile_states.cc
    void body(StateDefinition& state, const Source& source, std::string_view type);
    PassState pass(const Source& source);
    TaskState task(const Source& source);
    WaitState wait(const Source& source);
    FailState fail_state(const Source& source);
    ParallelState parallel(const Source& source);

    // compile_map.cc
    MapState map(const std::string& name, const Source& source);
    std::shared_ptr<const DistributedMap> distributed(const std::string& name, const Source& source,
                                                      const json::Value& config);
    std::optional<ItemPlace> item_place(const Source& source, std::string_view key,
                                        std::string_view config);
    void item_batcher(DistributedMap& map, const Source& source);
    PercentageField percentage(const Source& source, std::string_view key);

    // compile_choice.cc
    ChoiceState choice(const Source& source);
    Rule rule(const json::Value& json, const std::string& at);
    void comparison(Rule& rule, std::string_view key, const json::Value& value,
                    const std::string& at);

    // compile_fields.cc: single fields
    std::string text(const Source& source, std::string_view key);
    std::optional<Path> path(const json::Value& json, std::string_view key, const std::string& at);
    PathField path_field(const Source& source, std::string_view key);
    ResultPathField result_path(const json::Value& json, const std::string& at);
    std::optional<Template> payload(const json::Value& json, std::string_view key,
                                    const std::string& at);
    std::optional<Formula> formula(const json::Value& json, std::string_view key,
                                   const std::string& at, const std::string& prefix);
    JsonataExit exit(const json::Value& json, const std::string& at, const std::string& prefix);
    NumberField number(const Source& source, std::string_view key);
    TextField text_field(const Source& source, std::string_view key);
    std::vector<std::string> error_names(const json::Value& json, const std::string& at);
    int target(const Source& source, const json::Value& json, std::string_view key,
               const std::string& at);

    void fault(std::string reason, const std::string& at);

    const std::string_view text_;
    const WorkflowType type_;
    const int64_t longest_s_;
    bool is_jsonata_ = false;  // the whole state machine
    Definition definition_;
    std::optional<std::string> fault_;
};

}  // namespace tandem::asl
