// Validator: one pass over a definition's JSON that collects diagnostics. Schema first (fields,
// types, paths); transitions only where the schema holds, because they need it. Lives for one call.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "json/value.h"
#include "lang/asl/validate/validate.h"

namespace tandem::asl {

struct ServiceAction;

class Validator {
public:
    explicit Validator(WorkflowType type) : type_(type) {}
    void run(const json::Value& definition);
    std::vector<Diagnostic> take() && { return std::move(diagnostics_); }

private:
    using Names = std::vector<std::string_view>;

    // validate.cc
    void machine(const json::Value& json, const std::string& at, const Names& fields);
    void schema(std::string message, const std::string& at);
    void report(std::string_view code, std::string message, std::string_view at);

    // fields.cc: rules for single fields; each is silent where the field is absent
    void required(const json::Value& json, const std::string& at, const Names& names);
    void supported(const json::Value& json, const std::string& at, const Names& names);
    void only_one_of(const json::Value& json, const std::string& at, const Names& names);
    void path(const json::Value& json, std::string_view name, const std::string& at);
    void path_or_null(const json::Value& json, std::string_view name, const std::string& at);
    void reference_path(const json::Value& json, std::string_view name, const std::string& at);
    void payload(const json::Value& json, std::string_view name, const std::string& at);
    void integer(const json::Value& json, std::string_view name, const std::string& at,
                 int64_t least, int64_t most);

    // states.cc: one state of each type
    void state(const json::Value& json, const std::string& at);
    void common(const json::Value& json, const std::string& at);
    void task(const json::Value& json, const std::string& at);
    void parameters(const json::Value& json, const std::string& at);
    void must_have(const json::Value& json, std::string_view object, std::string_view field,
                   const std::string& at);
    void wait(const json::Value& json, const std::string& at);
    void parallel(const json::Value& json, const std::string& at);
    void map(const json::Value& json, const std::string& at);
    // distributed.cc
    void distributed(const json::Value& json, const json::Value& processor, const std::string& at,
                     const std::string& processor_at);
    void retry(const json::Value& json, const std::string& at);
    void catchers(const json::Value& json, const std::string& at);
    void resource(const std::string& text, const std::string& at);

    // choices.cc
    void choice(const json::Value& json, const std::string& at);
    void condition(const json::Value& json, const std::string& at);
    void rule(const json::Value& json, const std::string& at, bool is_top);

    // query_language.cc
    void other_language(std::string_view field, bool jsonata, const std::string& at);
    /// Against fields that only the other query language has.
    void fields_of_language(const json::Value& json, bool jsonata, const std::string& at);
    void query_language(const json::Value& json, const std::string& at);
    /// Every string "{% ... %}" inside.
    void expressions(const json::Value& json, const std::string& at);
    void expressions_of_state(const json::Value& json, const std::string& at);
    /// The names that "Assign" gives values to.
    void variables(const json::Value& json, bool jsonata, const std::string& at);

    // transitions.cc
    void transitions(const json::Value& machine, const std::string& at, bool is_top);
    void target(const json::Value& json, std::string_view name, const std::string& at,
                const json::Value& states, std::set<std::string_view>& reached);

    WorkflowType type_;
    bool is_jsonata_ = false;  // the whole state machine
    std::vector<Diagnostic> diagnostics_;
    std::set<std::string, std::less<>> names_;   // of states, unique over all machines
    std::set<std::string, std::less<>> labels_;  // of Maps, unique too
};

/// What a task with this resource calls; nullptr: nothing that is known here.
const ServiceAction* called_action(std::string_view resource);

/// Whether Step Functions knows the resource of a task, in any region.
bool is_known_resource(std::string_view resource);

size_t characters_of(std::string_view text);

/// "JSONata" states have other rules; only their fields are checked.
bool is_jsonata(const json::Value& json);

}  // namespace tandem::asl
