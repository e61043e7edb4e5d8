#include "api/aws/json_errors.h"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <vector>

#include "base/encoding.h"

namespace tandem::aws {

namespace {

constexpr size_t kTokenChars = 256;
constexpr std::string_view kLiterals =
    "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')";

class Scanner {
public:
    explicit Scanner(std::string_view text) : text_(text) {}

    std::string first_error() {
        value();
        if (error_.empty()) {
            space();
            if (!at_end()) unexpected("expected end of input");
        }
        return error_;
    }

    /// Where that parser stands then: behind the character or token that it cannot take.
    std::string location() const {
        size_t quoted = std::min<size_t>(text_.size(), 500);
        while (quoted < text_.size() && (static_cast<unsigned char>(text_[quoted]) & 0xC0) == 0x80)
            --quoted;
        const bool is_character = error_.starts_with("Unexpected character");
        const size_t end = std::min(text_.size(), at_ + (is_character ? 1 : 0));
        const std::string_view before = text_.substr(0, end);
        const size_t line = 1 + size_t(std::count(before.begin(), before.end(), '\n'));
        const size_t newline = before.rfind('\n');
        const size_t line_start = newline == std::string_view::npos ? 0 : newline + 1;
        std::string source = "\"" + std::string(text_.substr(0, quoted)) + "\"";
        if (text_.size() > quoted)
            source += "[truncated " + std::to_string(text_.size() - quoted) + " chars]";
        return "[Source: (String)" + source + "; line: " + std::to_string(line) +
               ", column: " + std::to_string(end - line_start + 1) + "]";
    }

private:
    bool at_end() const { return at_ >= text_.size(); }
    char peek() const { return at_end() ? '\0' : text_[at_]; }
    void space() {
        while (!at_end() && (peek() == ' ' || peek() == '\t' || peek() == '\n' || peek() == '\r'))
            ++at_;
    }

    void unexpected(std::string_view wanted) {
        if (!error_.empty()) return;
        if (at_end()) {
            error_ = "Unexpected end-of-input";
            return;
        }
        error_ = "Unexpected character (" + described_character() + "): " + std::string(wanted);
    }

    // 'x' (code 120), 'é' (code 233), '€' (code 8364 / 0x20ac)
    std::string described_character() const {
        const auto lead = static_cast<unsigned char>(peek());
        if (lead < 0x20) return "(CTRL-CHAR, code " + std::to_string(int(lead)) + ")";
        const size_t bytes = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
        const std::string_view character = text_.substr(at_, bytes);
        if (!is_valid_utf8(character))
            return "invalid UTF-8 start byte 0x" + hex(text_.substr(at_, 1));
        uint32_t code = bytes == 1 ? lead : lead & (0xFF >> (bytes + 1));
        for (const char next : character.substr(1))
            code = code << 6 | (static_cast<unsigned char>(next) & 0x3F);
        std::string out = "'" + std::string(character) + "' (code " + std::to_string(code);
        if (code > 0xFF) {
            char number[16];
            std::snprintf(number, sizeof number, " / 0x%x", code);
            out += number;
        }
        return out + ")";
    }

    // One value with an explicit stack of open containers: depth must not cost stack space.
    void value() {
        std::vector<char> open;
        for (;;) {
            if (!element(open)) return;
            // After a value: close or continue containers.
            for (;;) {
                if (!error_.empty() || open.empty()) return;
                space();
                if (peek() == (open.back() == '{' ? '}' : ']')) {
                    ++at_;
                    open.pop_back();
                    continue;
                }
                if (peek() != ',') {
                    if (at_end()) {
                        error_ = open.back() == '{'
                                     ? "Unexpected end-of-input: expected close marker for Object"
                                     : "Unexpected end-of-input: expected close marker for Array";
                    } else {
                        unexpected(open.back() == '{'
                                       ? "was expecting comma to separate Object entries"
                                       : "was expecting comma to separate Array entries");
                    }
                    return;
                }
                ++at_;
                if (open.back() == '{' && !field_name()) return;
                break;
            }
        }
    }

    // A scalar, an empty container, or the opening of one (pushed); false on error.
    bool element(std::vector<char>& open) {
        for (;;) {
            space();
            const char c = peek();
            if (c == '{') {
                ++at_;
                space();
                if (peek() == '}') {
                    ++at_;
                    return true;
                }
                open.push_back('{');
                if (!field_name()) return false;
            } else if (c == '[') {
                ++at_;
                space();
                if (peek() == ']') {
                    ++at_;
                    return true;
                }
                open.push_back('[');
            } else {
                return scalar();
            }
        }
    }

    bool field_name() {
        space();
        if (peek() != '"') {
            unexpected("was expecting double-quote to start field name");
            return false;
        }
        if (!string()) return false;
        space();
        if (peek() != ':') {
            unexpected("was expecting a colon to separate field name and value");
            return false;
        }
        ++at_;
        return true;
    }

    bool string() {
        ++at_;
        while (!at_end() && peek() != '"') {
            const unsigned char c = static_cast<unsigned char>(peek());
            if (c < 0x20) {
                error_ = "Illegal unquoted character ((CTRL-CHAR, code " + std::to_string(int(c)) +
                         ")): has to be escaped using backslash to be included in string value";
                return false;
            }
            at_ += c == '\\' ? 2 : 1;
        }
        if (at_end()) {
            error_ = "Unexpected end-of-input: was expecting closing quote for a string value";
            return false;
        }
        ++at_;
        return true;
    }

    bool scalar() {
        const char c = peek();
        if (c == '"') return string();
        if (c == '-' || (c >= '0' && c <= '9')) {
            ++at_;
            while (!at_end() && (std::isdigit(static_cast<unsigned char>(peek())) ||
                                 std::string_view("+-.eE").find(peek()) != std::string_view::npos))
                ++at_;
            return true;
        }
        size_t end = at_;
        while (end < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[end])) ||
                                      text_[end] == '_' || text_[end] == '$'))
            ++end;
        const std::string_view token = text_.substr(at_, end - at_);
        if (token.empty()) {
            unexpected(std::string("expected a valid value ").append(kLiterals));
            return false;
        }
        if (token != "null" && token != "true" && token != "false") {
            at_ = end;
            const bool is_long = token.size() > kTokenChars;
            error_ = "Unrecognized token '" + std::string(token.substr(0, kTokenChars)) +
                     (is_long ? "..." : "") + "': was expecting " + std::string(kLiterals);
            return false;
        }
        at_ = end;
        return true;
    }

    std::string_view text_;
    size_t at_ = 0;
    std::string error_;
};

}  // namespace

std::string describe_json_error(std::string_view text) { return Scanner(text).first_error(); }

std::string locate_json_error(std::string_view text) {
    Scanner scanner(text);
    std::string error = scanner.first_error();
    return error.empty() ? error : error + " at " + scanner.location();
}

}  // namespace tandem::aws
