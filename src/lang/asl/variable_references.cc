#include "lang/asl/variable_references.h"

#include <algorithm>

#include "lang/asl/data/formula.h"
#include "lang/asl/data/path.h"
#include "lang/asl/intrinsics/intrinsic.h"

namespace tandem::asl {

namespace {

// Members of a state that hold no data of its own: other states, or names and numbers.
constexpr std::string_view kNoData[] = {"Comment", "Type",          "Next",     "Default",
                                        "End",     "QueryLanguage", "Branches", "ItemProcessor",
                                        "Retry",   "Iterator",      "Resource", "Label"};

bool is_data(std::string_view field) {
    return std::find(std::begin(kNoData), std::end(kNoData), field) == std::end(kNoData);
}

class Collector {
public:
    std::vector<VariableReferences> found;

    void machine(const json::Value& machine, bool jsonata) {
        const json::Value* states = machine.find("States");
        if (states == nullptr || !states->is_object()) return;
        jsonata = is_jsonata(machine, jsonata);
        for (const auto& [name, state] : states->as_object()) {
            if (state.is_object()) this->state(name, state, jsonata);
        }
    }

private:
    static bool is_jsonata(const json::Value& holder, bool otherwise) {
        const json::Value* language = holder.find("QueryLanguage");
        if (language == nullptr || !language->is_string()) return otherwise;
        return language->as_string() == "JSONata";
    }

    void state(const std::string& name, const json::Value& state, bool outer_jsonata) {
        const bool jsonata = is_jsonata(state, outer_jsonata);
        names_.clear();
        for (const auto& [field, value] : state.as_object()) {
            if (!is_data(field)) continue;
            if (jsonata) formulas(value);
            else paths(field, value);
        }
        if (!names_.empty()) found.push_back({name, names_});
        for (const char* field : {"ItemProcessor", "Iterator"}) {
            // A JSONata state may not hold JSONPath states: theirs is its language.
            if (const json::Value* inner = state.find(field); inner && inner->is_object())
                machine(*inner, jsonata);
        }
        const json::Value* branches = state.find("Branches");
        if (branches == nullptr || !branches->is_array()) return;
        for (const json::Value& branch : branches->as_array()) {
            if (branch.is_object()) machine(branch, jsonata);
        }
    }

    void add(const std::string& name) {
        if (std::find(names_.begin(), names_.end(), name) == names_.end()) names_.push_back(name);
    }

    void formulas(const json::Value& value) {
        const auto formula = Formula::compile(value, {});
        if (!formula) return;
        std::vector<std::string> names;
        formula->references(names);
        for (const std::string& name : names) add(name);
    }

    // Paths and intrinsics stand in members named "...Path", "Variable" and "x.$".
    void paths(std::string_view field, const json::Value& value) {
        if (value.is_object()) {
            for (const auto& [name, member] : value.as_object()) paths(name, member);
        } else if (value.is_array()) {
            for (const json::Value& item : value.as_array()) paths({}, item);
        } else if (value.is_string() &&
                   (field.ends_with("Path") || field.ends_with(".$") || field == "Variable")) {
            expression(value.as_string());
        }
    }

    void expression(const std::string& text) {
        if (Intrinsic::is_intrinsic(text)) {
            const auto intrinsic = Intrinsic::compile(text);
            if (!intrinsic) return;
            intrinsic->for_each_path([&](const IntrinsicPath& path) {
                if (path.root == IntrinsicPath::Root::kVariable) add(path.variable);
            });
            return;
        }
        const auto path = Path::compile(text);
        if (path && !path->variable().empty()) add(path->variable());
    }

    std::vector<std::string> names_;
};

}  // namespace

std::vector<VariableReferences> variable_references(std::string_view definition) {
    const auto machine = json::parse(definition);
    if (!machine || !machine->is_object()) return {};
    Collector collector;
    collector.machine(*machine, false);
    return std::move(collector.found);
}

}  // namespace tandem::asl
