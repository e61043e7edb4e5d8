#include <algorithm>

#include "base/limits.h"
#include "lang/asl/intrinsics/call.h"

namespace tandem::asl::intrinsics {

namespace {

struct Signature {
    std::string_view name;
    Function function;
    size_t min, max;  // arguments
};

constexpr size_t kAny = 1000;
constexpr Signature kSignatures[] = {
    {"States.Array", Function::kArray, 0, kAny},
    {"States.ArrayPartition", Function::kArrayPartition, 2, 2},
    {"States.ArrayContains", Function::kArrayContains, 2, 2},
    {"States.ArrayRange", Function::kArrayRange, 3, 3},
    {"States.ArrayGetItem", Function::kArrayGetItem, 2, 2},
    {"States.ArrayLength", Function::kArrayLength, 1, 1},
    {"States.ArrayUnique", Function::kArrayUnique, 1, 1},
    {"States.Base64Encode", Function::kBase64Encode, 1, 1},
    {"States.Base64Decode", Function::kBase64Decode, 1, 1},
    {"States.Hash", Function::kHash, 2, 2},
    {"States.JsonMerge", Function::kJsonMerge, 3, 3},
    {"States.StringToJson", Function::kStringToJson, 1, 1},
    {"States.JsonToString", Function::kJsonToString, 1, 1},
    {"States.MathRandom", Function::kMathRandom, 2, 3},
    {"States.MathAdd", Function::kMathAdd, 2, 2},
    {"States.StringSplit", Function::kStringSplit, 2, 2},
    {"States.UUID", Function::kUuid, 0, 0},
    {"States.Format", Function::kFormat, 1, kAny},
};

class Parser {
public:
    explicit Parser(std::string_view text) : text_(text) {}

    Result<std::shared_ptr<const Call>> parse() {
        auto out = std::make_shared<Call>();
        skip_space();
        bool ok = call(*out, 1);
        skip_space();
        if (ok && pos_ != text_.size()) ok = error("unexpected text after the function");
        if (!ok) return fail(ErrorCode::kInvalidArgument, message_);
        return std::shared_ptr<const Call>(std::move(out));
    }

private:
    bool error(std::string message) {
        if (message_.empty())
            message_ = std::move(message) + " (at position " + std::to_string(pos_) + ")";
        return false;
    }

    char peek() const { return pos_ < text_.size() ? text_[pos_] : '\0'; }
    void skip_space() {
        while (peek() == ' ' || peek() == '\t' || peek() == '\n' || peek() == '\r') ++pos_;
    }

    std::string_view word() {
        const size_t start = pos_;
        while (pos_ < text_.size() &&
               std::string_view(" \t\r\n(),'").find(peek()) == std::string_view::npos)
            ++pos_;
        return text_.substr(start, pos_ - start);
    }

    bool call(Call& out, size_t depth) {
        if (depth > kIntrinsicNesting) return error("functions are nested deeper than 10 levels");
        const size_t start = pos_;
        const std::string_view name = word();
        const auto* known = std::find_if(std::begin(kSignatures), std::end(kSignatures),
                                         [&](const Signature& s) { return s.name == name; });
        if (known == std::end(kSignatures))
            return error("unknown function '" + std::string(name) + "'");
        out.function = known->function;
        skip_space();
        if (peek() != '(') return error("expected '(' after the name of a function");
        ++pos_;
        skip_space();
        if (peek() != ')' && !arguments(out, depth)) return false;
        ++pos_;
        out.text = std::string(text_.substr(start, pos_ - start));
        if (out.arguments.size() < known->min || out.arguments.size() > known->max) {
            return error("wrong number of arguments for " + std::string(name));
        }
        return true;
    }

    bool arguments(Call& out, size_t depth) {
        while (true) {
            if (!argument(out.arguments.emplace_back(), depth)) return false;
            skip_space();
            if (peek() == ')') return true;
            if (peek() != ',') return error("expected ',' or ')' in the arguments of a function");
            ++pos_;
            skip_space();
        }
    }

    bool argument(Argument& out, size_t depth) {
        if (peek() == '\'') return quoted(out);
        if (peek() == '$') return path(out);
        if (text_.substr(pos_, 7) == "States.") {
            auto inner = std::make_unique<Call>();
            if (!call(*inner, depth + 1)) return false;
            out.data = std::unique_ptr<const Call>(std::move(inner));
            return true;
        }
        auto value = json::parse(word(), {.max_depth = 0});
        if (!value || value->is_string() || value->is_array() || value->is_object()) {
            return error("expected a text in single quotes, a number, a path or a function");
        }
        out.data = Literal{std::move(*value), {}};
        return true;
    }

    bool quoted(Argument& out) {
        const size_t start = ++pos_;
        std::string plain;
        for (; peek() != '\''; ++pos_) {
            if (peek() == '\\') {
                ++pos_;
                if (std::string_view("'\\{}").find(peek()) == std::string_view::npos) {
                    return error("only ', \\, { and } can be escaped");
                }
            }
            if (pos_ >= text_.size()) return error("a text is not closed");
            plain.push_back(text_[pos_]);
        }
        std::string raw(text_.substr(start, pos_ - start));
        ++pos_;
        out.data = Literal{json::Value(std::move(plain)), std::move(raw)};
        return true;
    }

    /// Up to the comma or parenthesis that ends the argument; brackets and quotes may hold either.
    std::string_view path_text() {
        const size_t start = pos_;
        int depth = 0;
        char quote = '\0';
        for (; pos_ < text_.size(); ++pos_) {
            const char c = peek();
            if (quote != '\0') {
                if (c == '\\') ++pos_;
                if (c == quote) quote = '\0';
            } else if (depth == 0 && (c == ',' || c == ')')) {
                break;
            } else if (c == '[' || c == '(') {
                ++depth;
            } else if (c == ']' || c == ')') {
                --depth;
            } else if (depth > 0 && (c == '\'' || c == '"')) {
                quote = c;
            }
        }
        pos_ = std::min(pos_, text_.size());
        std::string_view out = text_.substr(start, pos_ - start);
        while (!out.empty() && (out.back() == ' ' || out.back() == '\n' || out.back() == '\t'))
            out.remove_suffix(1);
        return out;
    }

    bool path(Argument& out) {
        const std::string_view text = path_text();
        IntrinsicPath p;
        p.text = std::string(text);
        std::string_view steps = text.substr(1);
        if (!steps.empty() && steps[0] == '$') {
            p.root = IntrinsicPath::Root::kContext;
            steps.remove_prefix(1);
        } else if (!steps.empty() && steps[0] != '.' && steps[0] != '[') {
            p.root = IntrinsicPath::Root::kVariable;
            p.variable = std::string(steps.substr(0, steps.find_first_of(".[")));
            steps.remove_prefix(p.variable.size());
        }
        auto compiled = json::Path::compile("$" + std::string(steps));
        if (!compiled) return error("invalid path '" + p.text + "': " + compiled.error().message);
        p.path = std::move(*compiled);
        out.data = std::move(p);
        return true;
    }

    std::string_view text_;
    size_t pos_ = 0;
    std::string message_;
};

}  // namespace

Result<std::shared_ptr<const Call>> compile(std::string_view text) { return Parser(text).parse(); }

}  // namespace tandem::asl::intrinsics
