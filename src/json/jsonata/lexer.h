// Lexer: an expression's text as tokens. Throws S0101 to S0106, S0204, S0301 to S0303.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "json/jsonata/heap.h"

namespace tandem::jsonata {

struct Token {
    enum class Kind : uint8_t {
        kEnd,
        kOperator,
        kName,
        kVariable,
        kString,
        kNumber,
        kValue,
        kRegex
    };
    Kind kind = Kind::kEnd;
    std::string text;   // operator, name, contents; of a number as written
    json::Value value;  // of numbers, true, false, null
    size_t position = 0;
    std::shared_ptr<re2::RE2> regex;
};

class Lexer {
public:
    explicit Lexer(std::string_view text) : text_(text) {}
    /// A slash divides where `after_operand`; elsewhere it begins a regular expression.
    Token next(bool after_operand);
    std::string_view text() const { return text_; }

private:
    void skip_blanks();
    Token regex();
    Token string(char quote);
    void escape(std::string& out);
    Token number();
    Token quoted_name();
    Token name();

    std::string_view text_;
    size_t at_ = 0;
};

}  // namespace tandem::jsonata
