// A path (first line) over a document (the rest, or a small one): no crash, bounded work, definite
// results only from definite paths, and a reference path finds what it has put.
#include <cstdlib>

#include "json/path/path.h"

namespace {

constexpr std::string_view kDocument =
    R"({"a":[1,2.5,"x",null,{"b":[[],{}]}],"b":{"a":{"a":"hello"},"c":true},
    "":0,"x":[{"y":1},{"y":"z"}]})";

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace tandem::json;
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const size_t line = input.find('\n');
    const auto path = Path::compile(input.substr(0, line));
    if (!path) return 0;
    auto root = line == std::string_view::npos ? parse(kDocument) : parse(input.substr(line + 1));
    if (!root) root = parse(kDocument);
    const auto value = path->evaluate(*root);
    if (value && !path->is_definite() && !value->is_array()) std::abort();
    if (!path->is_reference_path()) return 0;
    if (!path->is_definite() || !Path::compile(path->text())) std::abort();
    const Value marker("put here");
    const auto changed = path->put(*root, marker);
    if (!changed) return 0;
    const auto found = path->evaluate(*changed);
    if (!found || *found != marker) std::abort();
    return 0;
}
