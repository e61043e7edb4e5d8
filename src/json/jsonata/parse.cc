// The parser: operator precedence after Pratt, as the reference implementation's grammar has it.
#include <algorithm>

#include "json/jsonata/ast.h"
#include "json/jsonata/error.h"
#include "json/jsonata/lexer.h"

namespace tandem::jsonata {

namespace {

struct Infix {
    std::string_view text;
    int power;
    Op op;
};

constexpr Infix kInfix[] = {
    {".", 75, Op::kNone},       {"[", 80, Op::kNone},          {"{", 70, Op::kNone},
    {"(", 80, Op::kNone},       {"@", 80, Op::kNone},          {"#", 80, Op::kNone},
    {"?", 20, Op::kNone},       {"+", 50, Op::kAdd},           {"-", 50, Op::kSubtract},
    {"*", 60, Op::kMultiply},   {"/", 60, Op::kDivide},        {"%", 60, Op::kRemainder},
    {"=", 40, Op::kEqual},      {"<", 40, Op::kLess},          {">", 40, Op::kGreater},
    {"^", 40, Op::kNone},       {":=", 10, Op::kNone},         {"!=", 40, Op::kUnequal},
    {"<=", 40, Op::kLessEqual}, {">=", 40, Op::kGreaterEqual}, {"~>", 40, Op::kNone},
    {"and", 30, Op::kNone},     {"or", 25, Op::kNone},         {"in", 40, Op::kIn},
    {"&", 50, Op::kConcat},     {"?:", 40, Op::kNone},         {"??", 40, Op::kNone},
};

constexpr std::string_view kCoalesceWord = "??";

const Infix* infix_of(const Token& token) {
    if (token.kind != Token::Kind::kOperator) return nullptr;
    for (const Infix& infix : kInfix) {
        if (infix.text == token.text) return &infix;
    }
    return nullptr;
}

/// As error texts have it: numbers, true, false and null without quotes.
std::string as_written(const Token& token) {
    const bool bare = token.kind == Token::Kind::kNumber || token.kind == Token::Kind::kValue;
    return bare ? token.text : quoted(token.text);
}

class Parser {
public:
    Parser(std::string_view text, Symbols& symbols) : lexer_(text), symbols_(symbols) {}

    NodePtr whole() {
        advance();
        NodePtr node = expression(0);
        if (token_.kind != Token::Kind::kEnd) {
            fail_at(token_.position, "S0201", "Syntax error: " + as_written(token_), token_.text);
        }
        return node;
    }

private:
    void advance(bool after_operand = false) { token_ = lexer_.next(after_operand); }
    bool at(std::string_view op) const {
        return token_.kind == Token::Kind::kOperator && token_.text == op;
    }
    void expect(std::string_view op, bool after_operand = false) {
        if (!at(op)) {
            if (token_.kind == Token::Kind::kEnd) {
                fail_at(token_.position, "S0203",
                        "Expected " + quoted(op) + " before end of expression", token_.text);
            }
            fail_at(token_.position, "S0202",
                    "Expected " + quoted(op) + ", got " + as_written(token_), token_.text);
        }
        advance(after_operand);
    }

    NodePtr make(NodeKind kind, const Token& token) {
        auto node = std::make_unique<Node>(kind, token.position);
        node->text = token.text;
        return node;
    }
    NodePtr over(NodePtr node) {  // measures what it has got
        uint32_t height = 0;
        const auto measure = [&height](const NodePtr& child) {
            if (child != nullptr) height = std::max(height, child->height);
        };
        measure(node->left), measure(node->right), measure(node->third);
        for (const NodePtr& item : node->items) measure(item);
        for (const Pair& pair : node->pairs) measure(pair.key), measure(pair.value);
        for (const Term& term : node->terms) measure(term.expression);
        node->height = height + 1;
        if (node->height > kHeightMax) too_deep(node->position);
        return node;
    }
    [[noreturn]] static void too_deep(size_t position) {
        fail_at(position, "U1001", "The expression is nested too deeply");
    }

    NodePtr expression(int power) {
        if (++nested_ > kHeightMax) too_deep(token_.position);
        Token token = std::move(token_);
        advance(true);
        NodePtr left = prefix(token);
        for (const Infix* infix; (infix = infix_of(token_)) != nullptr && power < infix->power;) {
            token = std::move(token_);
            advance();
            left = over(follow(std::move(left), token, *infix));
        }
        --nested_;
        return left;
    }

    NodePtr prefix(const Token& token);
    NodePtr prefix_operator(const Token& token);
    NodePtr follow(NodePtr left, const Token& token, const Infix& infix);
    NodePtr literal(const Token& token);
    NodePtr variable(const Token& token);
    NodePtr block(const Token& token);
    NodePtr array(const Token& token);
    std::vector<Pair> pairs();
    NodePtr transform(const Token& token);
    NodePtr subscript(NodePtr left, const Token& token);
    NodePtr order_by(NodePtr left, const Token& token);
    NodePtr call(NodePtr left, const Token& token);
    NodePtr lambda(NodePtr call);
    NodePtr bind_tuple(NodePtr left, const Token& token, NodeKind kind);
    NodePtr condition(NodePtr left, const Token& token);
    NodePtr assignment(NodePtr left, const Token& token);

    Lexer lexer_;
    Symbols& symbols_;
    Token token_;
    uint32_t nested_ = 0;
};

NodePtr Parser::literal(const Token& token) {
    NodePtr node = make(NodeKind::kLiteral, token);
    node->literal = token.kind == Token::Kind::kString ? json::Value(token.text) : token.value;
    node->constant = Item::of(node->literal);
    return node;
}

NodePtr Parser::variable(const Token& token) {
    NodePtr node = make(NodeKind::kVariable, token);
    node->symbol = symbols_.of(token.text);
    return node;
}

NodePtr Parser::prefix(const Token& token) {
    switch (token.kind) {
        case Token::Kind::kEnd: return make(NodeKind::kEnd, token);
        case Token::Kind::kString:
        case Token::Kind::kNumber:
        case Token::Kind::kValue: return literal(token);
        case Token::Kind::kName: return make(NodeKind::kName, token);
        case Token::Kind::kVariable: return variable(token);
        case Token::Kind::kRegex: {
            NodePtr node = make(NodeKind::kRegex, token);
            node->regex = token.regex;
            return node;
        }
        case Token::Kind::kOperator: return over(prefix_operator(token));
    }
    return nullptr;
}

NodePtr Parser::prefix_operator(const Token& token) {
    const std::string& op = token.text;
    if (op == "-") {
        // The token behind the sign was read as one behind an operand: a regular expression there
        // makes no sense.
        NodePtr node = make(NodeKind::kNegate, token);
        node->left = expression(70);
        return node;
    }
    if (op == "*") return make(NodeKind::kWildcard, token);
    if (op == "**") return make(NodeKind::kDescendants, token);
    if (op == "%") return make(NodeKind::kParent, token);
    if (op == "(") return block(token);
    if (op == "[") return array(token);
    if (op == "{") {
        NodePtr node = make(NodeKind::kObject, token);
        node->pairs = pairs();
        return node;
    }
    if (op == "|") return transform(token);
    if (op == "and" || op == "or" || op == "in") return make(NodeKind::kName, token);
    fail_at(token.position, "S0211", "The symbol {{token}} cannot be used as a unary operator", op);
}

NodePtr Parser::block(const Token& token) {
    NodePtr node = make(NodeKind::kBlock, token);
    while (!at(")")) {
        node->items.push_back(expression(0));
        if (!at(";")) break;
        expect(";");
    }
    expect(")", true);
    return node;
}

NodePtr Parser::array(const Token& token) {
    NodePtr node = make(NodeKind::kArray, token);
    for (bool more = !at("]"); more;) {
        NodePtr item = expression(0);
        if (at("..")) {
            NodePtr range = make(NodeKind::kBinary, token_);
            range->op = Op::kRange;
            expect("..");
            range->left = std::move(item);
            range->right = expression(0);
            item = over(std::move(range));
        }
        node->items.push_back(std::move(item));
        more = at(",");
        if (more) expect(",");
    }
    expect("]", true);
    return node;
}

std::vector<Pair> Parser::pairs() {
    std::vector<Pair> all;
    for (bool more = !at("}"); more;) {
        Pair pair;
        pair.key = expression(0);
        expect(":");
        pair.value = expression(0);
        all.push_back(std::move(pair));
        more = at(",");
        if (more) expect(",");
    }
    expect("}", true);
    return all;
}

NodePtr Parser::transform(const Token& token) {
    NodePtr node = make(NodeKind::kTransform, token);
    node->left = expression(0);
    expect("|");
    node->right = expression(0);
    if (at(",")) {
        expect(",");
        node->third = expression(0);
    }
    expect("|");
    return node;
}

NodePtr Parser::subscript(NodePtr left, const Token& token) {
    if (at("]")) {  // an empty predicate: single values stay arrays
        Node* step = left.get();
        while (step->kind == NodeKind::kSubscript) step = step->left.get();
        step->keep_array = true;
        expect("]", true);
        return left;
    }
    NodePtr node = make(NodeKind::kSubscript, token);
    node->left = std::move(left);
    node->right = expression(0);
    expect("]", true);
    return node;
}

NodePtr Parser::order_by(NodePtr left, const Token& token) {
    NodePtr node = make(NodeKind::kOrderBy, token);
    node->left = std::move(left);
    expect("(");
    for (;;) {
        Term term;
        if (at("<") || at(">")) {
            term.is_descending = at(">");
            advance();
        }
        term.expression = expression(0);
        node->terms.push_back(std::move(term));
        if (!at(",")) break;
        expect(",");
    }
    expect(")", true);
    return node;
}

NodePtr Parser::call(NodePtr left, const Token& token) {
    NodePtr node = make(NodeKind::kCall, token);
    node->left = std::move(left);
    for (bool more = !at(")"); more;) {
        if (at("?")) {
            node->kind = NodeKind::kPartial;
            node->items.push_back(make(NodeKind::kPlaceholder, token_));
            expect("?", true);
        } else {
            node->items.push_back(expression(0));
        }
        more = at(",");
        if (more) expect(",");
    }
    expect(")", true);
    if (node->left->kind == NodeKind::kName &&
        (node->left->text == "function" || node->left->text == "\xce\xbb")) {
        return lambda(std::move(node));
    }
    return node;
}

NodePtr Parser::lambda(NodePtr call) {
    NodePtr node = std::make_unique<Node>(NodeKind::kLambda, call->position);
    for (size_t i = 0; i < call->items.size(); ++i) {
        const Node& parameter = *call->items[i];
        if (parameter.kind != NodeKind::kVariable) {
            fail_at(parameter.position, "S0208",
                    "Parameter " + std::to_string(i + 1) +
                        " of function definition must be a variable name (start with $)",
                    parameter.text);
        }
        symbols_.mark_bound(parameter.symbol);
        node->parameters.push_back(parameter.symbol);
    }
    if (at("<")) {
        const size_t position = token_.position;
        std::string text = "<";
        for (size_t depth = 1; depth > 0 && !at("{") && token_.kind != Token::Kind::kEnd;) {
            advance();
            if (at(">")) --depth;
            if (at("<")) ++depth;
            text += token_.text;
        }
        expect(">");
        try {
            node->signature = Signature::parse(text);
        } catch (Thrown& thrown) {
            fail_at(position, thrown.failure.code.c_str(), thrown.failure.message,
                    thrown.failure.token);
        }
    }
    expect("{");
    node->right = expression(0);
    expect("}", true);
    return node;
}

NodePtr Parser::bind_tuple(NodePtr left, const Token& token, NodeKind kind) {
    NodePtr node = make(kind, token);
    node->left = std::move(left);
    node->right = expression(80);
    if (node->right->kind != NodeKind::kVariable) {
        fail_at(node->right->position, "S0214",
                "The right side of {{token}} must be a variable name (start with $)", token.text);
    }
    symbols_.mark_bound(node->right->symbol);
    return node;
}

NodePtr Parser::condition(NodePtr left, const Token& token) {
    NodePtr node = make(NodeKind::kCondition, token);
    node->left = std::move(left);
    node->right = expression(0);
    if (at(":")) {
        expect(":");
        node->third = expression(0);
    }
    return node;
}

NodePtr Parser::assignment(NodePtr left, const Token& token) {
    if (left->kind != NodeKind::kVariable) {
        fail_at(left->position, "S0212",
                "The left side of := must be a variable name (start with $)", left->text);
    }
    NodePtr node = make(NodeKind::kBind, token);
    node->symbol = left->symbol;
    symbols_.mark_bound(node->symbol);
    node->right = expression(9);
    return node;
}

NodePtr Parser::follow(NodePtr left, const Token& token, const Infix& infix) {
    const std::string& op = token.text;
    if (op == "[") return subscript(std::move(left), token);
    if (op == "(") return call(std::move(left), token);
    if (op == "^") return order_by(std::move(left), token);
    if (op == "@") return bind_tuple(std::move(left), token, NodeKind::kFocus);
    if (op == "#") return bind_tuple(std::move(left), token, NodeKind::kIndex);
    if (op == "?") return condition(std::move(left), token);
    if (op == ":=") return assignment(std::move(left), token);
    if (op == "{") {
        NodePtr node = make(NodeKind::kGroupBy, token);
        node->left = std::move(left);
        node->pairs = pairs();
        return node;
    }
    if (op == "?:" || op == kCoalesceWord) {
        NodePtr node = make(op == "?:" ? NodeKind::kElvis : NodeKind::kCoalesce, token);
        node->left = std::move(left);
        node->right = expression(0);
        return node;
    }
    NodeKind kind = NodeKind::kBinary;
    if (op == ".") kind = NodeKind::kDot;
    else if (op == "~>") kind = NodeKind::kApply;
    else if (op == "and") kind = NodeKind::kAnd;
    else if (op == "or") kind = NodeKind::kOr;
    NodePtr node = make(kind, token);
    node->op = infix.op;
    node->left = std::move(left);
    node->right = expression(infix.power);
    return node;
}

}  // namespace

NodePtr parse(std::string_view text, Symbols& symbols) { return Parser(text, symbols).whole(); }

}  // namespace tandem::jsonata
