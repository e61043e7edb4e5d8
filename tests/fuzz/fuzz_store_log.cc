// Foreign bytes as a log of the store: where it ends is within it, and what is kept ends there,
// too. Then a log of records of the input's lengths, cut anywhere and with zeros behind, as a
// killed process leaves it: it ends behind the last whole record.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "store/rocks/log_end.h"
#include "store/testing/rocks_log.h"

namespace {

using tandem::log_end;

void require(bool holds) {
    if (!holds) std::abort();
}

void any_file(std::string_view bytes) {
    const auto end = log_end(bytes);
    if (!end) return;
    require(*end <= bytes.size());
    require(log_end(bytes.substr(0, *end)) == end);
}

void torn_file(std::string_view input) {
    if (input.size() < 3) return;
    tandem::store_test::RocksLog log;
    std::vector<size_t> ends{0};
    for (const char c : input.substr(2, 40)) {
        // No zeros: what is cut off would come back as what is behind it.
        log.add(std::string(size_t(uint8_t(c)) * uint8_t(c), char(c | 1)));
        ends.push_back(log.bytes.size());
    }
    const size_t cut =
        (size_t(uint8_t(input[0])) << 8 | uint8_t(input[1])) * log.bytes.size() / 65535;
    std::string torn = log.bytes.substr(0, cut);
    torn.append(50'000, '\0');
    require(log_end(torn) == *std::prev(std::upper_bound(ends.begin(), ends.end(), cut)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    any_file(bytes);
    torn_file(bytes);
    return 0;
}
