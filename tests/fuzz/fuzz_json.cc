// What parses must print, and what was printed must parse to an equal value and print the same
// again.
#include <cstdlib>

#include "json/value.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace tandem::json;
    const auto value = parse(std::string_view(reinterpret_cast<const char*>(data), size));
    if (!value) return 0;
    const std::string text = print(*value);
    const auto again = parse(text);
    if (!again || *again != *value || print(*again) != text) std::abort();
    const auto pretty = parse(print_pretty(*value));
    if (!pretty || print(*pretty) != text) std::abort();
    return 0;
}
