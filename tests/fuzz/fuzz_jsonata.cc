// An expression (first line) over a document (the rest, or a small one): no crash, bounded depth,
// steps and memory, the same answer twice, and a result that is JSON.
#include <cstdlib>

#include "json/jsonata/jsonata.h"

namespace {

constexpr std::string_view kDocument =
    R"({"a":[1,2.5,"x",null,{"b":[[],{}]}],"b":{"a":{"a":"hello"},"c":true},
    "":0,"x":[{"y":1,"t":"2018-02-03"},{"y":2,"t":"z"}]})";

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace tandem;
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const size_t line = input.find('\n');
    const auto dialect = size % 2 == 0 ? jsonata::Dialect::kReference : jsonata::Dialect::kStates;
    const auto expression = jsonata::Expression::compile(input.substr(0, line), dialect);
    if (!expression) {
        if (expression.error().code.empty()) std::abort();
        return 0;
    }
    auto root = line == std::string_view::npos ? json::parse(kDocument)
                                               : json::parse(input.substr(line + 1));
    if (!root) root = json::parse(kDocument);
    jsonata::Options options;
    options.bounds = {.depth = 100, .steps = 20'000, .bytes = 4u << 20};
    options.now = from_millis(1'500'000'000'000);
    const json::Value variable("value of a variable");
    const auto lookup = [&](std::string_view name) {
        return name == "states" ? &variable : nullptr;
    };
    const auto first = (*expression)->evaluate(&*root, lookup, options);
    const auto second = (*expression)->evaluate(&*root, lookup, options);
    if (first.has_value() != second.has_value()) std::abort();
    if (!first) {
        if (first.error().code.empty() || first.error().code != second.error().code) std::abort();
        return 0;
    }
    if (first->has_value() != second->has_value()) std::abort();
    if (!*first) return 0;
    // Values share their parts: what is small in memory may be a text without end.
    const auto text = json::print_within(**first, 1u << 20);
    if (!text) return 0;
    if (json::print_within(**second, 1u << 20) != text) std::abort();
    if (!json::parse(*text, {.max_depth = 10'000})) std::abort();
    return 0;
}
