#include <algorithm>

#include "json/path/compiler.h"

namespace tandem::json::path {

namespace {

constexpr size_t kMaxNesting = 32;
constexpr size_t kMaxRegex = 512;
constexpr size_t kMaxRegexStates = 1'000;

char upper(char c) { return c >= 'a' && c <= 'z' ? char(c - 'a' + 'A') : c; }
bool is_word(char c) {
    return (upper(c) >= 'A' && upper(c) <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/// The larger number of "{n}", "{n,}" or "{n,m}", which begins at `i`; leaves `i` at its end.
size_t repetitions(std::string_view pattern, size_t& i) {
    size_t most = 1;
    for (size_t n = 0; ++i < pattern.size() && pattern[i] != '}';) {
        const char c = pattern[i];
        n = c >= '0' && c <= '9' ? n * 10 + size_t(c - '0') : 0;
        n = std::min(n, kMaxRegexStates);
        most = std::max(most, n);
    }
    return most;
}

/// About how many states the automaton of a pattern has: counted repetitions copy what they repeat.
size_t states_of(std::string_view pattern) {
    std::vector<size_t> groups(1, 0);  // states so far in each open group
    size_t last = 0;                   // of the part that a repetition would repeat
    for (size_t i = 0; i < pattern.size() && groups[0] <= kMaxRegexStates; ++i) {
        const char c = pattern[i];
        if (c == '(') {
            groups.push_back(0);
        } else if (c == ')' && groups.size() > 1) {
            last = std::min(groups.back() + 2, kMaxRegexStates + 1);
            groups.pop_back();
            groups.back() += last;
        } else if (c == '{') {
            groups.back() += last * (repetitions(pattern, i) - 1);
        } else {
            if (c == '\\') ++i;
            // A class is one state, but a large one.
            while (c == '[' && ++i < pattern.size() && pattern[i] != ']') {
                if (pattern[i] == '\\') ++i;
            }
            last = c == '\\' || c == '[' ? 4 : 1;
            groups.back() += last;
        }
        groups.back() = std::min(groups.back(), kMaxRegexStates + 1);
    }
    size_t states = 1;
    for (const size_t group : groups) states += group;
    return states;
}

Filter join(Filter::Kind kind, Filter left, Filter right) {
    Filter out;
    out.kind = kind;
    out.children.push_back(std::move(left));
    out.children.push_back(std::move(right));
    return out;
}

}  // namespace

bool Compiler::filter_step(Program& program) {
    Filter filter;
    skip_space();
    if (!expect("(") || !either(filter)) return false;
    skip_space();
    if (!expect(")")) return false;
    skip_space();
    program.steps.emplace_back();
    program.steps.back().kind = StepKind::kFilter;
    program.steps.back().filter = std::make_shared<const Filter>(std::move(filter));
    return expect("]");
}

bool Compiler::either(Filter& out) {
    if (++nesting_ > kMaxNesting) return error("the filter is nested too deep");
    if (!both(out)) return false;
    for (skip_space(); take("||"); skip_space()) {
        Filter right;
        if (!both(right)) return false;
        out = join(Filter::Kind::kOr, std::move(out), std::move(right));
    }
    --nesting_;
    return true;
}

bool Compiler::both(Filter& out) {
    if (!term(out)) return false;
    for (skip_space(); take("&&"); skip_space()) {
        Filter right;
        if (!term(right)) return false;
        out = join(Filter::Kind::kAnd, std::move(out), std::move(right));
    }
    return true;
}

bool Compiler::term(Filter& out) {
    skip_space();
    if (take("(")) {
        if (!either(out)) return false;
        skip_space();
        return expect(")");
    }
    if (!take("!")) return comparison(out);
    if (++nesting_ > kMaxNesting) return error("the filter is nested too deep");
    Filter inner;
    if (!term(inner)) return false;
    --nesting_;
    out.kind = Filter::Kind::kNot;
    out.children.push_back(std::move(inner));
    return true;
}

bool Compiler::comparison(Filter& out) {
    if (!operand(out.left)) return false;
    skip_space();
    if (at_end() || peek() == ')' || (peek() == '&' && peek(1) == '&') ||
        (peek() == '|' && peek(1) == '|')) {
        out.op = Operator::kExists;
        return out.left.kind == Operand::Kind::kPath || error("expected a comparison");
    }
    if (!comparator(out.op) || !operand(out.right)) return false;
    if (out.op == Operator::kRegex && out.right.kind != Operand::Kind::kRegex &&
        out.left.kind != Operand::Kind::kRegex) {
        return error("=~ needs a regular expression");
    }
    return true;
}

bool Compiler::comparator(Operator& out) {
    static constexpr std::pair<std::string_view, Operator> kSymbols[] = {
        {"===", Operator::kStrictEq}, {"!==", Operator::kStrictNe}, {"==", Operator::kEq},
        {"!=", Operator::kNe},        {"=~", Operator::kRegex},     {"<=", Operator::kLe},
        {">=", Operator::kGe},        {"<", Operator::kLt},         {">", Operator::kGt}};
    static constexpr std::pair<std::string_view, Operator> kWords[] = {
        {"IN", Operator::kIn},
        {"NIN", Operator::kNin},
        {"SUBSETOF", Operator::kSubsetOf},
        {"ANYOF", Operator::kAnyOf},
        {"NONEOF", Operator::kNoneOf},
        {"CONTAINS", Operator::kContains},
        {"ALL", Operator::kAll},
        {"SIZE", Operator::kSize},
        {"EMPTY", Operator::kEmpty}};
    for (const auto& [symbol, op] : kSymbols) {
        if (take(symbol)) return out = op, true;
    }
    for (const auto& [word, op] : kWords) {
        if (take_word(word)) return out = op, true;
    }
    return error("expected a comparison operator");
}

/// `word` is in upper case; the text may be in either.
bool Compiler::take_word(std::string_view word) {
    for (size_t i = 0; i < word.size(); ++i) {
        if (upper(peek(i)) != word[i]) return false;
    }
    if (is_word(peek(word.size()))) return false;
    pos_ += word.size();
    return true;
}

bool Compiler::operand(Operand& out) {
    skip_space();
    switch (peek()) {
        case '$':
        case '@': return nested_path(out);
        case '/': return regex(out);
        case '\'':
        case '"': {
            std::string s;
            if (!quoted(s)) return false;
            out.value = Value(std::move(s));
            return true;
        }
        default: return json_literal(out);
    }
}

bool Compiler::nested_path(Operand& out) {
    const size_t start = pos_;
    out.kind = Operand::Kind::kPath;
    out.from_root = peek() == '$';
    ++pos_;
    if (++nesting_ > kMaxNesting) return error("the path is nested too deep");
    auto program = std::make_shared<Program>();
    if (!steps(*program, true)) return false;
    --nesting_;
    finish(*program, text_.substr(start, pos_ - start));
    out.path = std::move(program);
    return true;
}

bool Compiler::regex(Operand& out) {
    const size_t start = ++pos_;
    while (!at_end() && peek() != '/') pos_ += peek() == '\\' ? 2 : 1;
    if (at_end()) return error("a regular expression is not closed");
    const std::string pattern(text_.substr(start, pos_ - start));
    const size_t states = states_of(pattern);
    if (pattern.size() > kMaxRegex || states > kMaxRegexStates) {
        return error("a regular expression is too long");
    }
    ++pos_;
    // __polynomial keeps the matcher breadth-first: no pattern can make it take exponential time.
    auto flags = std::regex::ECMAScript | std::regex_constants::__polynomial;
    for (; is_word(peek()); ++pos_) {
        if (peek() == 'i') flags |= std::regex::icase;
        else
            return error(std::string("the flag '") + peek() +
                         "' of a regular expression is not supported");
    }
    try {
        out.regex = std::make_shared<const std::regex>(pattern, flags);
    } catch (const std::regex_error&) {
        return error("invalid regular expression");
    }
    out.kind = Operand::Kind::kRegex;
    out.regex_cost = 1 + states / 4;
    return true;
}

/// A number, word, array or object as in JSON, but strings in it may be in single quotes.
bool Compiler::json_literal(Operand& out) {
    std::string json;
    size_t depth = 0;
    const size_t start = pos_;
    while (!at_end()) {
        const char c = peek();
        if (c == '\'' || c == '"') {
            std::string s;
            if (!quoted(s)) return false;
            print_to(json, Value(std::move(s)));
            continue;
        }
        const bool number_or_word = is_word(c) || c == '-' || c == '+' || c == '.';
        if (depth == 0 && !number_or_word && c != '[' && c != '{') break;
        if (c == '[' || c == '{') ++depth;
        json.push_back(c);
        ++pos_;
        if ((c == ']' || c == '}') && --depth == 0) break;
    }
    auto value = parse(json, {.max_depth = kMaxNesting});
    if (!value) {
        pos_ = start;
        return error("expected a value");
    }
    out.value = std::move(*value);
    return true;
}

}  // namespace tandem::json::path
