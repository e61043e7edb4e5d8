#include <algorithm>
#include <charconv>

#include "base/encoding.h"
#include "json/path/compiler.h"

namespace tandem::json::path {

namespace {

constexpr size_t kMaxSteps = 500;
constexpr size_t kMaxText = 64 * 1024;

const std::pair<std::string_view, Function> kFunctions[] = {
    {"min", Function::kMin},       {"max", Function::kMax},     {"avg", Function::kAvg},
    {"stddev", Function::kStddev}, {"sum", Function::kSum},     {"length", Function::kLength},
    {"size", Function::kLength},   {"keys", Function::kKeys},   {"concat", Function::kConcat},
    {"append", Function::kAppend}, {"first", Function::kFirst}, {"last", Function::kLast},
    {"index", Function::kIndex},
};

Step& add(Program& program, StepKind kind) {
    program.steps.emplace_back();
    program.steps.back().kind = kind;
    return program.steps.back();
}

}  // namespace

void finish(Program& program, std::string_view text) {
    program.text = std::string(text);
    bool definite = true;
    for (size_t i = 0; i < program.steps.size(); ++i) {
        Step& step = program.steps[i];
        step.upstream_definite = definite;
        step.is_leaf = i + 1 == program.steps.size();
        definite = definite && step.is_definite();
    }
    const auto& steps = program.steps;
    program.aggregates_scan = steps.size() > 1 && steps.front().kind == StepKind::kDescend &&
                              steps.back().kind == StepKind::kFunction;
    program.is_definite = definite || program.aggregates_scan;
}

Result<std::shared_ptr<const Program>> Compiler::compile() {
    auto program = std::make_shared<Program>();
    const bool ok = text_.size() > kMaxText ? error("the path is too long")
                    : !is_valid_utf8(text_) ? error("not valid UTF-8")
                    : !take("$")            ? error("a path begins with '$'")
                                            : steps(*program, false);
    if (!ok) return fail(ErrorCode::kInvalidArgument, message_);
    finish(*program, text_);
    return std::shared_ptr<const Program>(std::move(program));
}

bool Compiler::error(std::string message) {
    if (message_.empty())
        message_ = std::move(message) + " (at position " + std::to_string(pos_) + ")";
    return false;
}

/// Nested paths (operands, arguments) end where no further step begins; a whole one at its end.
bool Compiler::steps(Program& program, bool nested) {
    while (!at_end() && (!nested || peek() == '.' || peek() == '[')) {
        if (program.steps.size() >= kMaxSteps) return error("the path has too many steps");
        if (!step(program, nested)) return false;
    }
    if (!program.steps.empty() && program.steps.back().kind == StepKind::kDescend) {
        return error("a path must not end with '.' or '..'");
    }
    return true;
}

bool Compiler::step(Program& program, bool nested) {
    if (take("..")) {
        add(program, StepKind::kDescend);
        return peek() == '[' || dot(program, nested);
    }
    if (take(".")) return peek() == '[' || dot(program, nested);
    if (peek() == '[') return bracket(program);
    return error(std::string("unexpected character '") + peek() + "'");
}

bool Compiler::dot(Program& program, bool nested) {
    if (take("*")) return add(program, StepKind::kWildcard), true;
    return dotted_name(program, nested);
}

bool Compiler::dotted_name(Program& program, bool nested) {
    const size_t start = pos_;
    while (!at_end() && peek() != '.' && peek() != '[' && peek() != '(') {
        const char c = peek();
        const bool ends_operand = c == ')' || c == ']' || c == ',' || c == '=' || c == '!' ||
                                  c == '<' || c == '>' || c == '&' || c == '|' || c == '~';
        if (nested && (c == ' ' || ends_operand)) break;
        if (c == ' ')
            return error("a property name with blanks needs bracket notation, ['my prop']");
        if (c == '*' || c == '\'' || c == '"' || c == ']' || c == ')' || uint8_t(c) < 0x20) {
            return error(std::string("unexpected character '") + c + "' in a property name");
        }
        ++pos_;
    }
    const std::string_view name = text_.substr(start, pos_ - start);
    if (name.empty()) return error("a path must not end with '.' or '..'");
    if (peek() == '(') return function(program, name);
    add(program, StepKind::kProperty).names.emplace_back(name);
    return true;
}

bool Compiler::function(Program& program, std::string_view name) {
    const auto* known = std::find_if(std::begin(kFunctions), std::end(kFunctions),
                                     [&](const auto& f) { return f.first == name; });
    if (known == std::end(kFunctions)) return error("unknown function '" + std::string(name) + "'");
    Step step;
    step.kind = StepKind::kFunction;
    step.function = known->second;
    ++pos_;
    if (++nesting_ > 32) return error("functions are nested too deep");
    skip_space();
    while (peek() != ')') {
        if (!operand(step.arguments.emplace_back())) return false;
        if (step.arguments.back().kind == Operand::Kind::kRegex)
            return error("unexpected regular expression");
        skip_space();
        if (!take(",") && peek() != ')')
            return error("expected ',' or ')' in the arguments of a function");
        skip_space();
    }
    ++pos_;
    --nesting_;
    if (step.function == Function::kIndex && step.arguments.size() != 1)
        return error("index() needs one argument");
    program.steps.push_back(std::move(step));
    return true;
}

bool Compiler::bracket(Program& program) {
    ++pos_;
    skip_space();
    if (take("*")) {
        skip_space();
        add(program, StepKind::kWildcard);
        return expect("]");
    }
    if (peek() == '\'' || peek() == '"') return names(program);
    if (take("?")) return filter_step(program);
    return positions(program);
}

bool Compiler::names(Program& program) {
    Step step;
    step.kind = StepKind::kProperty;
    do {
        skip_space();
        if (!quoted(step.names.emplace_back())) return false;
        skip_space();
    } while (take(","));
    program.steps.push_back(std::move(step));
    return expect("]");
}

bool Compiler::quoted(std::string& out) {
    const char quote = peek();
    if (quote != '\'' && quote != '"') return error("expected a quoted name");
    ++pos_;
    while (peek() != quote) {
        const bool escaped = take("\\");
        if (at_end()) return error("a quoted text is not closed");
        const char c = text_[pos_++];
        out.push_back(!escaped ? c : c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c);
    }
    ++pos_;
    return true;
}

bool Compiler::integer(int64_t& out) {
    const char* begin = text_.data() + pos_;
    const auto [end, ec] = std::from_chars(begin, text_.data() + text_.size(), out);
    // Far beyond any array, and far from overflow in what is computed with it.
    constexpr int64_t kMax = int64_t(1) << 31;
    if (ec != std::errc() || out >= kMax || out < -kMax) return error("expected an index");
    pos_ += size_t(end - begin);
    skip_space();
    return true;
}

bool Compiler::positions(Program& program) {
    Step step;
    int64_t number = 0;
    const bool has_from = peek() != ':';
    if (has_from && !integer(number)) return false;
    if (take(":")) {
        step.kind = StepKind::kSlice;
        if (has_from) step.from = number;
        skip_space();
        if (peek() != ']') {
            if (!integer(number)) return false;
            step.to = number;
        }
        if (!step.from && !step.to) return error("a slice needs a bound");
    } else {
        step.kind = StepKind::kIndex;
        step.indices.push_back(number);
        while (take(",")) {
            skip_space();
            if (!integer(number)) return false;
            step.indices.push_back(number);
        }
    }
    program.steps.push_back(std::move(step));
    return expect("]");
}

bool Compiler::take(std::string_view token) {
    if (text_.substr(std::min(pos_, text_.size()), token.size()) != token) return false;
    pos_ += token.size();
    return true;
}

void Compiler::skip_space() {
    while (peek() == ' ' || peek() == '\t' || peek() == '\n' || peek() == '\r') ++pos_;
}

bool Compiler::expect(std::string_view token) {
    return take(token) || error("expected '" + std::string(token) + "'");
}

bool Step::is_definite() const {
    switch (kind) {
        case StepKind::kProperty:
            return names.size() == 1 || is_leaf;  // several at the end are merged
        case StepKind::kIndex: return indices.size() == 1;
        case StepKind::kFunction: return true;
        case StepKind::kSlice:
        case StepKind::kWildcard:
        case StepKind::kDescend:
        case StepKind::kFilter: return false;
    }
    return false;
}

std::string Step::text() const {
    std::string out;
    switch (kind) {
        case StepKind::kProperty:
            for (const std::string& name : names) out += (out.empty() ? "['" : ",'") + name + "'";
            return out + "]";
        case StepKind::kIndex:
            for (const int64_t i : indices) out += (out.empty() ? "[" : ",") + std::to_string(i);
            return out + "]";
        case StepKind::kSlice:
            return "[" + (from ? std::to_string(*from) : "") + ":" +
                   (to ? std::to_string(*to) : "") + "]";
        case StepKind::kWildcard: return "[*]";
        case StepKind::kDescend: return "..";
        case StepKind::kFilter: return "[?]";
        case StepKind::kFunction:
            for (const auto& [name, f] : kFunctions) {
                if (f == function) return "." + std::string(name) + "()";
            }
    }
    return out;
}

std::string Program::canonical() const {
    std::string out = "$";
    for (const Step& step : steps) out += step.text();
    return out;
}

}  // namespace tandem::json::path
