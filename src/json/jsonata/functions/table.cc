// The table of all functions, by name.
#include <algorithm>
#include <unordered_map>

#include "json/jsonata/builtin.h"

namespace tandem::jsonata {

namespace {

Builtins all_builtins() {
    Builtins all;
    add_string_functions(all);
    add_pattern_functions(all);
    add_number_functions(all);
    add_picture_functions(all);
    add_array_functions(all);
    add_object_functions(all);
    add_higher_order_functions(all);
    add_encoding_functions(all);
    add_states_functions(all);
    for (Builtin& builtin : all) builtin.signature = Signature::parse(builtin.signature_text);
    return all;
}

}  // namespace

const Builtin* find_builtin(std::string_view name, Dialect dialect) {
    static const Builtins all = all_builtins();
    for (const Builtin& builtin : all) {
        if (builtin.name != name) continue;
        if (builtin.in == In::kReferenceOnly && dialect == Dialect::kStates) continue;
        if (builtin.in == In::kStatesOnly && dialect == Dialect::kReference) continue;
        return &builtin;
    }
    return nullptr;
}

}  // namespace tandem::jsonata
