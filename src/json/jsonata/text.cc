#include "json/jsonata/text.h"

#include <algorithm>
#include <iterator>

#include "json/jsonata/case_ranges.h"
#include "json/jsonata/picture_text.h"

namespace tandem::jsonata {

size_t character_count(std::string_view text) {
    size_t n = 0;
    for (const char c : text) n += is_continuation(c) ? 0 : 1;
    return n;
}

size_t utf16_length(std::string_view text) {
    size_t n = 0;
    for (const char c : text) {
        if (!is_continuation(c)) n += static_cast<unsigned char>(c) >= 0xF0 ? 2 : 1;
    }
    return n;
}

size_t offset_of_character(std::string_view text, size_t number) {
    size_t i = 0;
    for (; i < text.size(); ++i) {
        if (is_continuation(text[i])) continue;
        if (number-- == 0) return i;
    }
    return i;
}

namespace {

template <class Ranges>
char32_t mapped(const Ranges& ranges, char32_t c) {
    const auto it = std::upper_bound(std::begin(ranges), std::end(ranges), c,
                                     [](char32_t x, const CaseRange& r) { return x < r.first; });
    for (auto at = it; at != std::begin(ranges) && std::distance(at, it) < 3;) {
        --at;
        if (c <= at->last && (c - at->first) % at->step == 0)
            return char32_t(int64_t(c) + at->delta);
    }
    return c;
}

bool is_ascii(std::string_view text) {
    return std::none_of(text.begin(), text.end(), [](char c) { return (c & 0x80) != 0; });
}

}  // namespace

std::string lower(std::string_view text) {
    if (is_ascii(text)) return ascii_lower(std::string(text));
    std::string out;
    for (const char32_t c : decode(text)) {
        append_utf8(out, c >= U'A' && c <= U'Z' ? c + 32 : c < 0x80 ? c : mapped(kToLower, c));
    }
    return out;
}

std::string upper(std::string_view text) {
    if (is_ascii(text)) return ascii_upper(std::string(text));
    std::string out;
    for (const char32_t c : decode(text)) {
        if (c == U'ß') out += "SS";
        else append_utf8(out, c >= U'a' && c <= U'z' ? c - 32 : c < 0x80 ? c : mapped(kToUpper, c));
    }
    return out;
}

}  // namespace tandem::jsonata
