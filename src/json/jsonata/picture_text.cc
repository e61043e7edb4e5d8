#include "json/jsonata/picture_text.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <iterator>
#include <numeric>

namespace tandem::jsonata {

namespace {

constexpr char32_t kReplacement = 0xfffd;

// Unicode 14: the zeros of category Nd.
constexpr char32_t kZeros[] = {
    0x30,    0x660,   0x6f0,   0x7c0,   0x966,   0x9e6,   0xa66,   0xae6,   0xb66,   0xbe6,
    0xc66,   0xce6,   0xd66,   0xde6,   0xe50,   0xed0,   0xf20,   0x1040,  0x1090,  0x17e0,
    0x1810,  0x1946,  0x19d0,  0x1a80,  0x1a90,  0x1b50,  0x1bb0,  0x1c40,  0x1c50,  0xa620,
    0xa8d0,  0xa900,  0xa9d0,  0xa9f0,  0xaa50,  0xabf0,  0xff10,  0x104a0, 0x10d30, 0x11066,
    0x110f0, 0x11136, 0x111d0, 0x112f0, 0x11450, 0x114d0, 0x11650, 0x116c0, 0x11730, 0x118e0,
    0x11950, 0x11c50, 0x11d50, 0x11da0, 0x16a60, 0x16ac0, 0x16b50, 0x1d7ce, 0x1d7d8, 0x1d7e2,
    0x1d7ec, 0x1d7f6, 0x1e140, 0x1e2f0, 0x1e950, 0x1fbf0};

/// Bytes of the character that `lead` begins; 0 where it begins none.
size_t sequence_length(unsigned char lead) {
    if (lead < 0x80) return 1;
    if (lead < 0xc2) return 0;
    if (lead < 0xe0) return 2;
    if (lead < 0xf0) return 3;
    return lead < 0xf5 ? 4 : 0;
}

}  // namespace

Failure picture_too_long() {
    return {"D3130", "A picture string longer than " + std::to_string(kMostPicture) +
                         " bytes is not supported by this implementation"};
}

std::u32string decode(std::string_view utf8) {
    std::u32string out;
    out.reserve(utf8.size());
    for (size_t i = 0; i < utf8.size();) {
        const unsigned char lead = static_cast<unsigned char>(utf8[i]);
        const size_t length = sequence_length(lead);
        char32_t c = length <= 1 ? lead : lead & (0x7fu >> length);
        bool is_good = length > 0 && i + length <= utf8.size();
        for (size_t k = 1; is_good && k < length; ++k) {
            const unsigned char next = static_cast<unsigned char>(utf8[i + k]);
            is_good = (next & 0xc0) == 0x80;
            c = c << 6 | (next & 0x3f);
        }
        out += is_good ? c : kReplacement;
        i += is_good ? length : 1;
    }
    return out;
}

void append_utf8(std::string& out, char32_t c) {
    if (c < 0x80) {
        out += char(c);
    } else if (c < 0x800) {
        out += char(0xc0 | c >> 6);
        out += char(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        out += char(0xe0 | c >> 12);
        out += char(0x80 | (c >> 6 & 0x3f));
        out += char(0x80 | (c & 0x3f));
    } else {
        out += char(0xf0 | c >> 18);
        out += char(0x80 | (c >> 12 & 0x3f));
        out += char(0x80 | (c >> 6 & 0x3f));
        out += char(0x80 | (c & 0x3f));
    }
}

std::string encode(std::u32string_view text) {
    std::string out;
    out.reserve(text.size());
    for (const char32_t c : text) append_utf8(out, c);
    return out;
}

std::string ascii_lower(std::string text) {
    for (char& c : text) {
        if (c >= 'A' && c <= 'Z') c = char(c - 'A' + 'a');
    }
    return text;
}

std::string ascii_upper(std::string text) {
    for (char& c : text) {
        if (c >= 'a' && c <= 'z') c = char(c - 'a' + 'A');
    }
    return text;
}

std::optional<char32_t> zero_of(char32_t c) {
    const auto* after = std::upper_bound(std::begin(kZeros), std::end(kZeros), c);
    if (after == std::begin(kZeros) || c - *(after - 1) > 9) return std::nullopt;
    return *(after - 1);
}

size_t regular_distance(const std::vector<size_t>& positions) {
    size_t distance = 0;
    for (const size_t position : positions) distance = std::gcd(distance, position);
    if (distance == 0) return 0;
    for (size_t i = 1; i <= positions.size(); ++i) {
        if (std::find(positions.begin(), positions.end(), i * distance) == positions.end())
            return 0;
    }
    return distance;
}

double shift_decimal(double value, int exponent) {
    if (value == 0 || exponent == 0 || !std::isfinite(value)) return value;
    char text[64];
    const auto written =
        std::to_chars(text, text + sizeof text, value, std::chars_format::scientific);
    const std::string_view all(text, size_t(written.ptr - text));
    const size_t e = all.find('e');
    const int own = std::atoi(std::string(all.substr(e + 1)).c_str());
    const std::string shifted =
        std::string(all.substr(0, e)) + "e" + std::to_string(own + exponent);
    return std::strtod(shifted.c_str(), nullptr);
}

double round_half_even(double value, int places) {
    const double shifted = shift_decimal(value, places);
    if (!std::isfinite(shifted)) return value;
    double whole = std::floor(shifted);
    const double rest = shifted - whole;
    if (rest > 0.5 || (rest == 0.5 && std::fmod(whole, 2) != 0)) whole += 1;
    return shift_decimal(whole, -places);
}

std::string whole_digits(double value) {
    if (value < 0x1p53) return fixed(value, 0);
    char text[64];
    const auto written =
        std::to_chars(text, text + sizeof text, value, std::chars_format::scientific);
    const std::string_view all(text, size_t(written.ptr - text));
    const size_t e = all.find('e');
    std::string digits(all.substr(0, e));
    std::erase(digits, '.');
    digits.resize(size_t(std::atoi(std::string(all.substr(e + 1)).c_str())) + 1, '0');
    return digits;
}

std::string fixed(double value, int places) {
    // 310 digits before the point at most.
    std::string out(size_t(places) + 320, '\0');
    const auto written =
        std::to_chars(out.data(), out.data() + out.size(), value, std::chars_format::fixed, places);
    out.resize(size_t(written.ptr - out.data()));
    return out;
}

}  // namespace tandem::jsonata
