// Builtin: one of the functions of the language, found by name when an expression is compiled.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "json/jsonata/heap.h"
#include "json/jsonata/jsonata.h"
#include "json/jsonata/signature.h"

namespace tandem::jsonata {

class Run;

enum class In : uint8_t { kBoth, kReferenceOnly, kStatesOnly };

struct Builtin {
    /// `arguments` have passed the signature; missing ones at the end may be absent.
    using Make = Item (*)(Run& run, Arguments& arguments, const Item& context, Frame* frame);

    std::string_view name;
    std::string_view signature_text;
    uint8_t arity;  // how many arguments a higher-order function gives it
    Make make;
    In in = In::kBoth;
    std::shared_ptr<const Signature> signature = nullptr;
};

/// Null where there is none.
const Builtin* find_builtin(std::string_view name, Dialect dialect);

/// Parts of the table, one per file in functions/.
using Builtins = std::vector<Builtin>;
void add_string_functions(Builtins& all);
void add_pattern_functions(Builtins& all);
void add_number_functions(Builtins& all);
void add_picture_functions(Builtins& all);
void add_array_functions(Builtins& all);
void add_object_functions(Builtins& all);
void add_higher_order_functions(Builtins& all);
void add_encoding_functions(Builtins& all);
void add_states_functions(Builtins& all);

}  // namespace tandem::jsonata
