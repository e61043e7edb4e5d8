#include "json/member_order.h"

#include <algorithm>
#include <cstdint>
#include <numeric>

namespace tandem::json {

namespace {

/// java.lang.String.hashCode(): over UTF-16 code units.
uint32_t hash_code(const std::string& name) {
    uint32_t hash = 0;
    const auto add = [&hash](uint32_t unit) { hash = 31 * hash + unit; };
    for (size_t i = 0; i < name.size();) {
        const auto lead = static_cast<unsigned char>(name[i]);
        const size_t length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
        uint32_t code = length == 1 ? lead : lead & (0x7fu >> length);
        for (size_t k = 1; k < length && i + k < name.size(); ++k)
            code = code << 6 | (static_cast<unsigned char>(name[i + k]) & 0x3f);
        i += length;
        if (code < 0x10000) {
            add(code);
        } else {
            add(0xd800 + ((code - 0x10000) >> 10));
            add(0xdc00 + ((code - 0x10000) & 0x3ff));
        }
    }
    return hash;
}

}  // namespace

std::vector<size_t> hash_map_order(const std::vector<std::string>& names) {
    // A table of 16 places, doubled while it is more than three quarters full.
    size_t places = 16;
    while (names.size() > places / 4 * 3) places *= 2;
    std::vector<size_t> place;
    for (const std::string& name : names) {
        const uint32_t hash = hash_code(name);
        place.push_back((hash ^ hash >> 16) & (places - 1));
    }
    std::vector<size_t> order(names.size());
    std::iota(order.begin(), order.end(), size_t(0));
    std::stable_sort(order.begin(), order.end(),
                     [&place](size_t a, size_t b) { return place[a] < place[b]; });
    return order;
}

}  // namespace tandem::json
