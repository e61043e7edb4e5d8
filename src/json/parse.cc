#include <charconv>
#include <cmath>
#include <cstring>

#include "base/encoding.h"
#include "json/value.h"

namespace tandem::json {

namespace {

/// Recursive descent. A parser that does not build only checks: its values stay null.
template <bool kBuilds>
class Parser {
public:
    Parser(std::string_view text, const ParseOptions& options) : text_(text), options_(options) {}

    bool document(Value& out) {
        if (!value(out, 0)) return false;
        skip_space();
        return pos_ == text_.size() || error("unexpected text after the document");
    }

    const std::string& message() const { return message_; }
    size_t offset() const { return pos_; }

private:
    bool error(std::string message) {
        if (message_.empty()) message_ = std::move(message);
        return false;
    }

    void skip_space() {
        while (pos_ < text_.size() && (text_[pos_] == ' ' || text_[pos_] == '\n' ||
                                       text_[pos_] == '\r' || text_[pos_] == '\t'))
            ++pos_;
    }

    bool literal(std::string_view word) {
        if (text_.substr(pos_, word.size()) != word) return error("unknown word");
        pos_ += word.size();
        return true;
    }

    bool value(Value& out, size_t depth) {
        skip_space();
        if (pos_ == text_.size()) return error("unexpected end of the document");
        const bool is_container = text_[pos_] == '{' || text_[pos_] == '[';
        if (is_container && depth >= options_.max_depth) {
            return error("nested deeper than " + std::to_string(options_.max_depth) + " levels");
        }
        if (++values_ > options_.max_values) {
            return error("more than " + std::to_string(options_.max_values) + " values");
        }
        switch (text_[pos_]) {
            case '{': return object(out, depth);
            case '[': return array(out, depth);
            case '"': {
                std::string s;
                if (!string(s)) return false;
                if (kBuilds) out = Value(std::move(s));
                return true;
            }
            case 't': out = Value(true); return literal("true");
            case 'f': out = Value(false); return literal("false");
            case 'n': out = Value(); return literal("null");
            default: return number(out);
        }
    }

    bool object(Value& out, size_t depth) {
        ++pos_;
        Object members;
        skip_space();
        if (pos_ < text_.size() && text_[pos_] == '}') {
            ++pos_;
            if (kBuilds) out = Value(std::move(members));
            return true;
        }
        while (true) {
            skip_space();
            if (pos_ == text_.size() || text_[pos_] != '"')
                return error("expected a member name in double quotes");
            std::string key;
            if (!string(key)) return false;
            skip_space();
            if (pos_ == text_.size() || text_[pos_] != ':')
                return error("expected ':' after a member name");
            ++pos_;
            Value member;
            if (!value(member, depth + 1)) return false;
            if (kBuilds) members.set(key, std::move(member));
            skip_space();
            if (pos_ == text_.size()) return error("unexpected end inside an object");
            const char c = text_[pos_++];
            if (c == '}') break;
            if (c != ',') return --pos_, error("expected ',' or '}' in an object");
        }
        if (kBuilds) out = Value(std::move(members));
        return true;
    }

    bool array(Value& out, size_t depth) {
        ++pos_;
        Array items;
        skip_space();
        if (pos_ < text_.size() && text_[pos_] == ']') {
            ++pos_;
            if (kBuilds) out = Value(std::move(items));
            return true;
        }
        while (true) {
            if (kBuilds || items.empty()) items.emplace_back();
            if (!value(items.back(), depth + 1)) return false;
            skip_space();
            if (pos_ == text_.size()) return error("unexpected end inside an array");
            const char c = text_[pos_++];
            if (c == ']') break;
            if (c != ',') return --pos_, error("expected ',' or ']' in an array");
        }
        if (kBuilds) out = Value(std::move(items));
        return true;
    }

    bool hex4(uint32_t& code) {
        code = 0;
        if (pos_ + 4 > text_.size()) return error("truncated \\u escape");
        for (int i = 0; i < 4; ++i) {
            const char c = text_[pos_++];
            uint32_t digit = 0;
            if (c >= '0' && c <= '9') digit = uint32_t(c - '0');
            else if (c >= 'a' && c <= 'f') digit = uint32_t(c - 'a' + 10);
            else if (c >= 'A' && c <= 'F') digit = uint32_t(c - 'A' + 10);
            else return --pos_, error("bad \\u escape");
            code = code << 4 | digit;
        }
        return true;
    }

    static void append_utf8(std::string& out, uint32_t code) {
        if (code < 0x80) {
            out.push_back(char(code));
        } else if (code < 0x800) {
            out.push_back(char(0xc0 | code >> 6));
            out.push_back(char(0x80 | (code & 0x3f)));
        } else if (code < 0x10000) {
            out.push_back(char(0xe0 | code >> 12));
            out.push_back(char(0x80 | (code >> 6 & 0x3f)));
            out.push_back(char(0x80 | (code & 0x3f)));
        } else {
            out.push_back(char(0xf0 | code >> 18));
            out.push_back(char(0x80 | (code >> 12 & 0x3f)));
            out.push_back(char(0x80 | (code >> 6 & 0x3f)));
            out.push_back(char(0x80 | (code & 0x3f)));
        }
    }

    bool unicode_escape(std::string& out) {
        uint32_t code = 0;
        if (!hex4(code)) return false;
        if (code >= 0xdc00 && code <= 0xdfff) return error("lone low surrogate");
        if (code >= 0xd800 && code <= 0xdbff) {
            uint32_t low = 0;
            if (text_.substr(pos_, 2) != "\\u") return error("lone high surrogate");
            pos_ += 2;
            if (!hex4(low)) return false;
            if (low < 0xdc00 || low > 0xdfff) return error("lone high surrogate");
            code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        }
        append_utf8(out, code);
        return true;
    }

    bool string(std::string& out) {
        ++pos_;
        while (true) {
            const size_t start = pos_;
            while (pos_ < text_.size() && text_[pos_] != '"' && text_[pos_] != '\\' &&
                   uint8_t(text_[pos_]) >= 0x20)
                ++pos_;
            if (kBuilds) out.append(text_, start, pos_ - start);
            if (pos_ == text_.size()) return error("unexpected end inside a string");
            const char c = text_[pos_];
            if (c == '"') return ++pos_, true;
            if (c != '\\') return error("control character inside a string");
            if (++pos_ == text_.size()) return error("unexpected end inside a string");
            switch (text_[pos_++]) {
                case '"': out.push_back('"'); break;
                case '\\': out.push_back('\\'); break;
                case '/': out.push_back('/'); break;
                case 'b': out.push_back('\b'); break;
                case 'f': out.push_back('\f'); break;
                case 'n': out.push_back('\n'); break;
                case 'r': out.push_back('\r'); break;
                case 't': out.push_back('\t'); break;
                case 'u':
                    if (!unicode_escape(out)) return false;
                    break;
                default: return --pos_, error("unknown escape");
            }
        }
    }

    size_t digits() {
        const size_t start = pos_;
        while (pos_ < text_.size() && text_[pos_] >= '0' && text_[pos_] <= '9') ++pos_;
        return pos_ - start;
    }

    bool number(Value& out) {
        const size_t start = pos_;
        if (text_[pos_] == '-') ++pos_;
        const size_t first = pos_;
        const size_t whole = digits();
        if (whole == 0) return error("unexpected character");
        if (whole > 1 && text_[first] == '0')
            return pos_ = first, error("a number may not begin with 0");
        bool integer = true;
        if (pos_ < text_.size() && text_[pos_] == '.') {
            integer = false;
            ++pos_;
            if (digits() == 0) return error("expected a digit after the decimal point");
        }
        if (pos_ < text_.size() && (text_[pos_] == 'e' || text_[pos_] == 'E')) {
            integer = false;
            ++pos_;
            if (pos_ < text_.size() && (text_[pos_] == '+' || text_[pos_] == '-')) ++pos_;
            if (digits() == 0) return error("expected a digit in the exponent");
        }
        const char* begin = text_.data() + start;
        const char* end = text_.data() + pos_;
        if (integer) {
            int64_t i = 0;
            if (std::from_chars(begin, end, i).ec == std::errc()) {
                out = Value(i);
                return true;
            }
        }
        double d = 0;
        const auto [last, ec] = std::from_chars(begin, end, d);
        if (ec == std::errc::result_out_of_range) {
            // from_chars does not say which way: a number of this many digits is either 0 or too
            // large.
            d = std::strtod(std::string(begin, end).c_str(), nullptr);
        }
        if (!std::isfinite(d)) return pos_ = start, error("number out of range");
        out = Value(d);
        return true;
    }

    std::string_view text_;
    const ParseOptions& options_;
    size_t pos_ = 0;
    size_t values_ = 0;
    std::string message_;
};

template <bool kBuilds>
Result<Value> parse_text(std::string_view text, const ParseOptions& options, SyntaxError* where) {
    Parser<kBuilds> parser(text, options);
    Value value;
    std::string message;
    size_t offset = 0;
    if (!is_valid_utf8(text)) {
        message = "not valid UTF-8";
    } else if (!parser.document(value)) {
        message = parser.message();
        offset = parser.offset();
    } else {
        return value;
    }
    SyntaxError at{message, offset, 1, 1};
    for (size_t i = 0; i < offset && i < text.size(); ++i) {
        if (text[i] == '\n') ++at.line, at.column = 1;
        else ++at.column;
    }
    if (where != nullptr) *where = at;
    return fail(ErrorCode::kInvalidArgument, message + " at line " + std::to_string(at.line) +
                                                 ", column " + std::to_string(at.column));
}

}  // namespace

Result<Value> parse(std::string_view text, const ParseOptions& options, SyntaxError* where) {
    return parse_text<true>(text, options, where);
}

Result<void> check(std::string_view text, const ParseOptions& options) {
    const auto value = parse_text<false>(text, options, nullptr);
    if (!value) return tl::unexpected<Error>(value.error());
    return {};
}

}  // namespace tandem::json
