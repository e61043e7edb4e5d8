#include <array>
#include <charconv>
#include <cmath>

#include "base/check.h"
#include "json/value.h"

namespace tandem::json {

namespace {

void print_string(std::string& out, std::string_view text) {
    constexpr char kHex[] = "0123456789abcdef";
    out.push_back('"');
    size_t start = 0;
    for (size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c != '"' && c != '\\' && uint8_t(c) >= 0x20) continue;
        out.append(text, start, i - start);
        start = i + 1;
        switch (c) {
            case '"': out += "\\\""; break;
            case '\\': out += "\\\\"; break;
            case '\b': out += "\\b"; break;
            case '\f': out += "\\f"; break;
            case '\n': out += "\\n"; break;
            case '\r': out += "\\r"; break;
            case '\t': out += "\\t"; break;
            default:
                out += "\\u00";
                out.push_back(kHex[uint8_t(c) >> 4]);
                out.push_back(kHex[uint8_t(c) & 15]);
        }
    }
    out.append(text, start, text.size() - start);
    out.push_back('"');
}

/// Java's Double.toString: plain decimals for 1e-3 <= |d| < 1e7, else d.ddddE±n; always a point.
void print_double(std::string& out, double d) {
    CHECK(std::isfinite(d));
    std::array<char, 40> buffer{};
    const double magnitude = std::fabs(d);
    const bool plain = d == 0 || (magnitude >= 1e-3 && magnitude < 1e7);
    const auto format = plain ? std::chars_format::fixed : std::chars_format::scientific;
    const auto [end, ec] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), d, format);
    CHECK(ec == std::errc());
    const std::string_view text(buffer.data(), size_t(end - buffer.data()));
    const size_t e = text.find('e');
    const std::string_view mantissa = text.substr(0, e);
    out += mantissa;
    if (mantissa.find('.') == std::string_view::npos) out += ".0";
    if (e == std::string_view::npos) return;
    out.push_back('E');
    if (text[e + 1] == '-') out.push_back('-');
    size_t digits = e + 2;
    while (digits + 1 < text.size() && text[digits] == '0') ++digits;
    out += text.substr(digits);
}

/// Prints until done or `out` is longer than `limit`: then it is cut off somewhere.
struct Printer {
    static constexpr int kCompact = -1;
    std::string& out;
    size_t limit = SIZE_MAX;

    void new_line(int indent) {
        if (indent == kCompact) return;
        out.push_back('\n');
        out.append(size_t(indent) * 2, ' ');
    }

    void print(const Value& value, int indent) {
        const int inner = indent == kCompact ? kCompact : indent + 1;
        switch (value.kind()) {
            case Kind::kNull: out += "null"; return;
            case Kind::kBool: out += value.as_bool() ? "true" : "false"; return;
            case Kind::kInt: out += std::to_string(value.as_int()); return;
            case Kind::kDouble: print_double(out, value.as_double()); return;
            case Kind::kString: print_string(out, value.as_string()); return;
            case Kind::kArray: {
                out.push_back('[');
                bool first = true;
                for (const Value& item : value.as_array()) {
                    if (out.size() > limit) return;
                    if (!first) out.push_back(',');
                    first = false;
                    new_line(inner);
                    print(item, inner);
                }
                if (!first) new_line(indent);
                out.push_back(']');
                return;
            }
            case Kind::kObject: {
                out.push_back('{');
                bool first = true;
                for (const auto& [key, member] : value.as_object()) {
                    if (out.size() > limit) return;
                    if (!first) out.push_back(',');
                    first = false;
                    new_line(inner);
                    print_string(out, key);
                    out += indent == kCompact ? ":" : ": ";
                    print(member, inner);
                }
                if (!first) new_line(indent);
                out.push_back('}');
                return;
            }
        }
    }
};

}  // namespace

void print_string_to(std::string& out, std::string_view text) { print_string(out, text); }

void print_to(std::string& out, const Value& value) {
    Printer{out}.print(value, Printer::kCompact);
}

std::string print(const Value& value) {
    std::string out;
    print_to(out, value);
    return out;
}

std::optional<std::string> print_within(const Value& value, size_t limit) {
    std::string out;
    Printer{out, limit}.print(value, Printer::kCompact);
    if (out.size() > limit) return std::nullopt;
    return out;
}

std::string print_clipped(const Value& value, size_t limit) {
    std::string out;
    Printer{out, limit}.print(value, Printer::kCompact);
    if (out.size() <= limit) return out;
    while (limit > 0 && (uint8_t(out[limit]) & 0xC0) == 0x80) --limit;
    out.resize(limit);
    return out;
}

std::string print_pretty(const Value& value) {
    std::string out;
    Printer{out}.print(value, 0);
    return out;
}

}  // namespace tandem::json
