// Compiler: recursive descent over the text of a JSONPath; one per compilation, bounded in nesting.
// Internal to json/path. compile.cc reads paths, compile_filter.cc what stands in `[?( )]`.
#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "json/path/program.h"

namespace tandem::json::path {

class Compiler {
public:
    explicit Compiler(std::string_view text) : text_(text) {}

    /// The whole text as one path.
    Result<std::shared_ptr<const Program>> compile();

private:
    // All of these return false after error().
    bool error(std::string message);
    bool steps(Program& program, bool nested);
    bool step(Program& program, bool nested);
    bool dot(Program& program, bool nested);
    bool dotted_name(Program& program, bool nested);
    bool function(Program& program, std::string_view name);
    bool bracket(Program& program);
    bool names(Program& program);
    bool positions(Program& program);
    bool filter_step(Program& program);
    bool quoted(std::string& out);
    bool integer(int64_t& out);

    bool either(Filter& out);
    bool both(Filter& out);
    bool term(Filter& out);
    bool comparison(Filter& out);
    bool comparator(Operator& out);
    bool operand(Operand& out);
    bool nested_path(Operand& out);
    bool regex(Operand& out);
    bool json_literal(Operand& out);

    bool at_end() const { return pos_ >= text_.size(); }
    char peek(size_t ahead = 0) const {
        return pos_ + ahead < text_.size() ? text_[pos_ + ahead] : '\0';
    }
    bool take(std::string_view token);
    bool take_word(std::string_view word);
    void skip_space();
    bool expect(std::string_view token);

    std::string_view text_;
    size_t pos_ = 0;
    size_t nesting_ = 0;
    std::string message_;
};

/// Ties up what is known only when all steps are read: definiteness, leaves, the scanning function.
void finish(Program& program, std::string_view text);

}  // namespace tandem::json::path
