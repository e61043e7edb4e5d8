#include "json/jsonata/lexer.h"

#include <cmath>
#include <cstdlib>

#include <re2/re2.h>

#include "json/jsonata/error.h"
#include "json/jsonata/picture_text.h"
#include "json/jsonata/regex.h"

namespace tandem::jsonata {

namespace {

constexpr std::string_view kBlanks = " \t\n\r\v";
constexpr std::string_view kOperators = ".[]{}()|,@#;:?+-*/%=<>^&!~";

bool is_digit(char c) { return c >= '0' && c <= '9'; }

Token token(Token::Kind kind, std::string text, size_t position) {
    Token made;
    made.kind = kind;
    made.text = std::move(text);
    made.position = position;
    return made;
}

}  // namespace

void Lexer::skip_blanks() {
    while (at_ < text_.size()) {
        if (kBlanks.find(text_[at_]) != std::string_view::npos) {
            ++at_;
            continue;
        }
        if (text_.compare(at_, 2, "/*") != 0) return;
        const size_t end = text_.find("*/", at_ + 2);
        if (end == std::string_view::npos) fail_at(at_, "S0106", "Comment has no closing tag");
        at_ = end + 2;
    }
}

Token Lexer::next(bool after_operand) {
    skip_blanks();
    if (at_ >= text_.size()) return token(Token::Kind::kEnd, "(end)", text_.size());
    const char c = text_[at_];
    const size_t start = at_;
    if (c == '/' && !after_operand) return regex();
    for (const std::string_view two : {"..", ":=", "!=", ">=", "<=", "**", "~>", "?:", "??"}) {
        if (text_.compare(at_, 2, two) != 0) continue;
        at_ += 2;
        return token(Token::Kind::kOperator, std::string(two), start);
    }
    if (c == '!' || c == '~') {
        fail_at(start, "S0204", "Unknown operator: {{token}}", std::string(1, c));
    }
    if (kOperators.find(c) != std::string_view::npos) {
        ++at_;
        return token(Token::Kind::kOperator, std::string(1, c), start);
    }
    if (c == '"' || c == '\'') return string(c);
    if (is_digit(c)) return number();
    if (c == '`') return quoted_name();
    return name();
}

Token Lexer::regex() {
    const size_t start = at_++;
    int depth = 0;
    const size_t first = at_;
    for (; at_ < text_.size(); ++at_) {
        const char c = text_[at_];
        if (c == '\\') {
            ++at_;
            continue;
        }
        if (c == '/' && depth == 0) break;
        if (c == '(' || c == '[' || c == '{') ++depth;
        if (c == ')' || c == ']' || c == '}') --depth;
    }
    if (at_ >= text_.size())
        fail_at(text_.size(), "S0302", "No terminating / in regular expression");
    const std::string pattern(text_.substr(first, at_ - first));
    if (pattern.empty()) fail_at(at_, "S0301", "Empty regular expressions are not allowed");
    ++at_;
    const size_t flags = at_;
    while (at_ < text_.size() && (text_[at_] == 'i' || text_[at_] == 'm')) ++at_;
    Token made = token(Token::Kind::kRegex, pattern, start);
    made.regex = compile_regex(pattern, text_.substr(flags, at_ - flags), start);
    return made;
}

Token Lexer::string(char quote) {
    const size_t start = at_++;
    std::string out;
    while (at_ < text_.size()) {
        const char c = text_[at_];
        if (c == quote) {
            ++at_;
            return token(Token::Kind::kString, std::move(out), start);
        }
        if (c == '\\') {
            escape(out);
        } else {
            out += c;
            ++at_;
        }
    }
    fail_at(at_, "S0101", "String literal must be terminated by a matching quote");
}

void Lexer::escape(std::string& out) {
    constexpr std::string_view kEscapes = "\"\\/bfnrt";
    constexpr std::string_view kMeant = "\"\\/\b\f\n\r\t";
    const char c = ++at_ < text_.size() ? text_[at_] : '\0';
    const size_t simple = c == '\0' ? std::string_view::npos : kEscapes.find(c);
    if (simple != std::string_view::npos) {
        out += kMeant[simple];
        ++at_;
        return;
    }
    if (c != 'u') {
        fail_at(at_, "S0103", "Unsupported escape sequence: \\{{token}}", std::string(1, c));
    }
    const auto unit = [this](size_t at) -> long {
        if (at + 4 > text_.size()) return -1;
        for (size_t i = at; i < at + 4; ++i) {
            if (std::isxdigit(static_cast<unsigned char>(text_[i])) == 0) return -1;
        }
        return std::strtol(std::string(text_.substr(at, 4)).c_str(), nullptr, 16);
    };
    long code = unit(at_ + 1);
    if (code < 0) {
        fail_at(at_, "S0104", "The escape sequence \\u must be followed by 4 hex digits");
    }
    at_ += 5;
    if (code >= 0xD800 && code < 0xDC00 && text_.compare(at_, 2, "\\u") == 0) {
        const long low = unit(at_ + 2);
        if (low >= 0xDC00 && low < 0xE000) {
            code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
            at_ += 6;
        }
    }
    if (code >= 0xD800 && code < 0xE000) {  // alone: kept until somebody looks
        out += char(0xE0 | (code >> 12));
        out += char(0x80 | ((code >> 6) & 0x3F));
        out += char(0x80 | (code & 0x3F));
    } else {
        append_utf8(out, char32_t(code));
    }
}

Token Lexer::number() {
    const size_t start = at_;
    const auto digits = [this](size_t at) {
        while (at < text_.size() && is_digit(text_[at])) ++at;
        return at;
    };
    size_t end = text_[at_] == '0' ? at_ + 1 : digits(at_);
    bool is_whole = true;
    if (end + 1 < text_.size() && text_[end] == '.' && is_digit(text_[end + 1])) {
        end = digits(end + 1);
        is_whole = false;
    }
    if (end < text_.size() && (text_[end] == 'e' || text_[end] == 'E')) {
        size_t exponent = end + 1;
        if (exponent < text_.size() && (text_[exponent] == '+' || text_[exponent] == '-')) {
            ++exponent;
        }
        if (digits(exponent) > exponent) {
            end = digits(exponent);
            is_whole = false;
        }
    }
    Token made = token(Token::Kind::kNumber, std::string(text_.substr(start, end - start)), start);
    const double d = std::strtod(made.text.c_str(), nullptr);
    if (!std::isfinite(d)) fail_at(end, "S0102", "Number out of range: {{token}}", made.text);
    const Item item = Item::number(d);
    if (item.is_int()) made.value = json::Value(item.as_int());
    else made.value = json::Value(d);
    at_ = end;
    (void)is_whole;
    return made;
}

Token Lexer::quoted_name() {
    const size_t start = at_++;
    const size_t end = text_.find('`', at_);
    if (end == std::string_view::npos) {
        fail_at(text_.size(), "S0105",
                "Quoted property name must be terminated with a backquote (`)");
    }
    Token made = token(Token::Kind::kName, std::string(text_.substr(at_, end - at_)), start);
    at_ = end + 1;
    return made;
}

Token Lexer::name() {
    const size_t start = at_;
    while (at_ < text_.size() && kBlanks.find(text_[at_]) == std::string_view::npos &&
           kOperators.find(text_[at_]) == std::string_view::npos) {
        ++at_;
    }
    std::string word(text_.substr(start, at_ - start));
    if (word[0] == '$') return token(Token::Kind::kVariable, word.substr(1), start);
    if (word == "or" || word == "in" || word == "and") {
        return token(Token::Kind::kOperator, std::move(word), start);
    }
    Token made = token(Token::Kind::kName, std::move(word), start);
    if (made.text == "true" || made.text == "false") {
        made.kind = Token::Kind::kValue;
        made.value = json::Value(made.text == "true");
    } else if (made.text == "null") {
        made.kind = Token::Kind::kValue;
    }
    return made;
}

}  // namespace tandem::jsonata
