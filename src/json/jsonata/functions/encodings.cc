// Base64 (of Latin-1, as the reference implementation has it) and percent-encoding.
#include "base/encoding.h"
#include "json/jsonata/builtin.h"
#include "json/jsonata/error.h"
#include "json/jsonata/picture_text.h"
#include "json/jsonata/run.h"

namespace tandem::jsonata {

namespace {

constexpr std::string_view kComponent = "-_.!~*'()";
constexpr std::string_view kReserved = ";/?:@&=+$,#";

Item arg(const Arguments& a, size_t i) { return i < a.size() ? a[i] : Item(); }

Item base64encode(Run& run, Arguments& a, const Item&, Frame*) {
    if (arg(a, 0).is_undefined()) return {};
    std::string bytes;
    for (const char32_t c : decode(a[0].text())) {
        if (c > 0xFFFF) bytes += char(((c - 0x10000) >> 10) & 0xFF);
        bytes += char(c & 0xFF);
    }
    return run.text(base64_encode(bytes));
}

Item base64decode(Run& run, Arguments& a, const Item&, Frame*) {
    if (arg(a, 0).is_undefined()) return {};
    constexpr std::string_view kAlphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    uint32_t bits = 0;
    int count = 0;
    for (char c : a[0].text()) {
        if (c == '=') break;
        if (c == '-') c = '+';
        if (c == '_') c = '/';
        const size_t value = kAlphabet.find(c);
        if (value == std::string_view::npos) continue;
        bits = (bits << 6) | uint32_t(value);
        count += 6;
        if (count < 8) continue;
        count -= 8;
        append_utf8(out, (bits >> count) & 0xFF);
    }
    return run.text(std::move(out));
}

[[noreturn]] void malformed(const char* function, const Item& text) {
    fail("D3140", "Malformed URL passed to $" + std::string(function) + "(): " + shown(text));
}

Item encoded(Run& run, const Arguments& a, const char* name, std::string_view keep) {
    if (arg(a, 0).is_undefined()) return {};
    if (!is_valid_utf8(a[0].text())) malformed(name, a[0]);
    return run.text(percent_encode(a[0].text(), keep));
}

/// Escapes of `kept` characters stay as they are.
Item decoded(Run& run, const Arguments& a, const char* name, std::string_view kept) {
    if (arg(a, 0).is_undefined()) return {};
    const std::string_view text = a[0].text();
    std::string out;
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out += text[i];
            continue;
        }
        const auto byte = percent_decode(text.substr(i, 3));
        if (!byte.has_value() || byte->size() != 1) malformed(name, a[0]);
        if (kept.find((*byte)[0]) != std::string_view::npos) out += text.substr(i, 3);
        else out += *byte;
        i += 2;
    }
    if (!is_valid_utf8(out)) malformed(name, a[0]);
    return run.text(std::move(out));
}

Item encode_component(Run& run, Arguments& a, const Item&, Frame*) {
    return encoded(run, a, "encodeUrlComponent", kComponent);
}
Item encode_url(Run& run, Arguments& a, const Item&, Frame*) {
    static const std::string keep = std::string(kComponent) + std::string(kReserved);
    return encoded(run, a, "encodeUrl", keep);
}
Item decode_component(Run& run, Arguments& a, const Item&, Frame*) {
    return decoded(run, a, "decodeUrlComponent", "");
}
Item decode_url(Run& run, Arguments& a, const Item&, Frame*) {
    return decoded(run, a, "decodeUrl", kReserved);
}

}  // namespace

void add_encoding_functions(Builtins& all) {
    all.push_back({"base64encode", "<s-:s>", 1, base64encode});
    all.push_back({"base64decode", "<s-:s>", 1, base64decode});
    all.push_back({"encodeUrlComponent", "<s-:s>", 1, encode_component});
    all.push_back({"encodeUrl", "<s-:s>", 1, encode_url});
    all.push_back({"decodeUrlComponent", "<s-:s>", 1, decode_component});
    all.push_back({"decodeUrl", "<s-:s>", 1, decode_url});
}

}  // namespace tandem::jsonata
