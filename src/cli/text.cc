#include "cli/text.h"

#include <algorithm>
#include <cstdio>
#include <iterator>

namespace tandem::cli {

namespace {

constexpr char32_t kInvalid = 0xfffd;
constexpr std::string_view kReplacement = "\xef\xbf\xbd";
constexpr std::string_view kEllipsis = "…";

struct Range {
    char32_t first;
    char32_t last;
};

// The blocks that terminals draw two columns wide (Unicode Standard Annex 11: W and F).
constexpr Range kWide[] = {
    {0x1100, 0x115f},   {0x231a, 0x231b},   {0x23e9, 0x23ec},   {0x2e80, 0x303e},
    {0x3041, 0x33ff},   {0x3400, 0x4dbf},   {0x4e00, 0x9fff},   {0xa000, 0xa4cf},
    {0xa960, 0xa97f},   {0xac00, 0xd7a3},   {0xf900, 0xfaff},   {0xfe30, 0xfe6f},
    {0xff01, 0xff60},   {0xffe0, 0xffe6},   {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff},
    {0x1f900, 0x1faff}, {0x20000, 0x3fffd},
};

// Combining marks and joiners: drawn onto the character before.
constexpr Range kZero[] = {
    {0x0300, 0x036f}, {0x0483, 0x0489}, {0x0591, 0x05bd}, {0x064b, 0x065f},
    {0x0e34, 0x0e3a}, {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff}, {0x200b, 0x200f},
    {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}, {0xfeff, 0xfeff},
};

template <size_t n>
bool within(const Range (&ranges)[n], char32_t c) {
    return std::any_of(std::begin(ranges), std::end(ranges),
                       [c](const Range& r) { return c >= r.first && c <= r.last; });
}

/// Takes one character off the front of non-empty `text`; kInvalid for bytes that are none.
char32_t next_character(std::string_view& text) {
    const auto byte = [&text](size_t i) { return i < text.size() ? uint8_t(text[i]) : uint8_t(0); };
    const uint8_t first = byte(0);
    const size_t size = first < 0x80                    ? 1
                        : first >= 0xf0 && first < 0xf5 ? 4
                        : first >= 0xe0 && first < 0xf0 ? 3
                        : first >= 0xc2 && first < 0xe0 ? 2
                                                        : 0;
    char32_t c = size < 2 ? first : first & (0xff >> (size + 1));
    for (size_t i = 1; i < size; ++i) {
        if ((byte(i) & 0xc0) != 0x80) {
            text.remove_prefix(1);
            return kInvalid;
        }
        c = c << 6 | (byte(i) & 0x3f);
    }
    text.remove_prefix(std::max<size_t>(size, 1));
    const bool overlong = (size == 3 && c < 0x800) || (size == 4 && c < 0x10000);
    return size == 0 || overlong || (c >= 0xd800 && c < 0xe000) || c > 0x10ffff ? kInvalid : c;
}

size_t width_of(char32_t c) { return within(kZero, c) ? 0 : within(kWide, c) ? 2 : 1; }

/// Length of the colour sequence that `text` begins with, or 0.
size_t escape_length(std::string_view text) {
    if (text.substr(0, 2) != "\033[") return 0;
    const size_t end = text.find('m');
    return end == std::string_view::npos ? 0 : end + 1;
}

/// As many whole characters, with the colour sequences between them, as fit into `columns`.
std::string_view head(std::string_view text, size_t columns) {
    std::string_view rest = text;
    size_t used = 0;
    while (!rest.empty()) {
        if (const size_t escape = escape_length(rest)) {
            rest.remove_prefix(escape);
            continue;
        }
        std::string_view after = rest;
        used += width_of(next_character(after));
        if (used > columns) break;
        rest = after;
    }
    return text.substr(0, text.size() - rest.size());
}

bool moves_or_hides(char32_t c) {
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x200e && c <= 0x200f) ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

}  // namespace

size_t display_width(std::string_view text) {
    size_t width = 0;
    while (!text.empty()) {
        if (const size_t escape = escape_length(text)) text.remove_prefix(escape);
        else width += width_of(next_character(text));
    }
    return width;
}

std::string fit(std::string_view text, size_t columns) {
    if (display_width(text) <= columns) return std::string(text);
    if (columns == 0) return {};
    std::string cut(head(text, columns - 1));
    const bool coloured = cut.find('\033') != std::string::npos;
    return cut.append(kEllipsis) + (coloured ? "\033[0m" : "");
}

std::string fit_middle(std::string_view text, size_t columns) {
    const size_t width = display_width(text);
    if (width <= columns) return std::string(text);
    if (columns < 3) return fit(text, columns);
    const size_t left = (columns - 1) / 2;
    std::string_view tail = text;
    while (display_width(tail) > columns - 1 - left) next_character(tail);
    return std::string(head(text, left)).append(kEllipsis).append(tail);
}

std::string pad(std::string_view text, size_t columns) {
    const size_t width = display_width(text);
    return std::string(text) + std::string(width < columns ? columns - width : 0, ' ');
}

std::string printable(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const std::string_view before = text;
        const char32_t c = next_character(text);
        if (c == '\n' || c == '\t') out += ' ';
        else if (c == kInvalid || moves_or_hides(c)) out += kReplacement;
        else out += before.substr(0, before.size() - text.size());
    }
    return out;
}

std::string shortened(std::string_view text, size_t columns) {
    const std::string line = printable(text);
    if (display_width(line) <= columns) return line;
    return fit(line, columns) + " (" + counted(int64_t(text.size()), "byte") + ")";
}

std::string human_duration(Duration duration) {
    const double seconds = std::max(0.0, double(duration.count()) / 1e6);
    const int64_t whole = int64_t(seconds);
    char text[64];
    if (seconds < 60) {
        std::snprintf(text, sizeof text, "%.3f s", seconds);
        return text;
    }
    const bool days = whole >= 86400;
    const bool hours = whole >= 3600;
    const int64_t large = days ? whole / 86400 : hours ? whole / 3600 : whole / 60;
    const int64_t small = days ? whole / 3600 % 24 : hours ? whole / 60 % 60 : whole % 60;
    std::snprintf(text, sizeof text, "%lld %s %02lld %s", static_cast<long long>(large),
                  days    ? "d"
                  : hours ? "h"
                          : "min",
                  static_cast<long long>(small),
                  days    ? "h"
                  : hours ? "min"
                          : "s");
    return text;
}

std::string countdown(Duration duration) {
    using namespace std::chrono;
    if (duration < seconds(10)) return elapsed(duration + milliseconds(99));
    return elapsed(ceil<seconds>(duration));
}

std::string elapsed(Duration duration) {
    const int64_t tenths = std::max<int64_t>(duration.count(), 0) / 100'000;
    if (tenths >= 600) return human_duration(duration);
    std::string text = std::to_string(tenths / 10);
    if (tenths < 100) text += "." + std::to_string(tenths % 10);
    return text + " s";
}

std::string brief(Duration duration) {
    if (duration >= std::chrono::seconds(1)) return elapsed(duration);
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
    return std::to_string(std::max<int64_t>(ms, 0)) + " ms";
}

std::string grouped(int64_t number) {
    const std::string digits = std::to_string(number);
    const size_t sign = number < 0 ? 1 : 0;
    std::string text;
    for (size_t i = 0; i < digits.size(); ++i) {
        if (i > sign && (digits.size() - i) % 3 == 0) text += ',';
        text += digits[i];
    }
    return text;
}

std::string counted(int64_t number, std::string_view noun) {
    return grouped(number) + " " + std::string(noun) + (number == 1 ? "" : "s");
}

}  // namespace tandem::cli
