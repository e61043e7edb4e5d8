// Node: the syntax tree that is evaluated. The parser makes it as it is written; resolve() turns
// field names into paths, gathers predicates, finds what each `%` means and which calls are tail
// calls. Immutable afterwards, shared between threads.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "json/jsonata/heap.h"
#include "json/jsonata/jsonata.h"
#include "json/jsonata/signature.h"

namespace tandem::jsonata {

/// Names of variables as small numbers. 0 is none.
class Symbols {
public:
    static constexpr Symbol kContext = 1;  // $
    static constexpr Symbol kInput = 2;    // $$
    Symbols() : names_{"", "", "$"} { numbers_ = {{"", kContext}, {"$", kInput}}; }
    Symbol of(std::string_view name) {
        const auto it = numbers_.find(name);
        if (it != numbers_.end()) return it->second;
        names_.emplace_back(name);
        numbers_.emplace(std::string(name), Symbol(names_.size() - 1));
        return Symbol(names_.size() - 1);
    }
    Symbol fresh() {
        names_.emplace_back();
        return Symbol(names_.size() - 1);
    }
    const std::string& name(Symbol symbol) const { return names_[symbol]; }
    size_t size() const { return names_.size(); }
    /// Whether the text binds it anywhere; if not, no frame can have it.
    void mark_bound(Symbol symbol) {
        if (bound_.size() <= symbol) bound_.resize(symbol + 1);
        bound_[symbol] = true;
    }
    bool is_bound(Symbol symbol) const { return symbol < bound_.size() && bound_[symbol]; }

private:
    std::vector<std::string> names_;
    std::map<std::string, Symbol, std::less<>> numbers_;
    std::vector<bool> bound_;
};

struct Node;
using NodePtr = std::unique_ptr<Node>;

/// What a `%` looks for: `level` steps up; the step there binds its context to `label`.
struct Slot {
    Symbol label = 0;
    int level = 1;
};
using SlotPtr = std::shared_ptr<Slot>;

struct Stage {
    NodePtr filter;  // or, where null, the position is bound to `index`
    Symbol index = 0;
};

struct Pair {
    NodePtr key;
    NodePtr value;
};

struct Term {
    NodePtr expression;
    bool is_descending = false;
};

enum class NodeKind : uint8_t {
    kLiteral,
    kName,
    kVariable,
    kWildcard,
    kDescendants,
    kParent,
    kRegex,
    kPath,
    kBinary,
    kAnd,
    kOr,
    kNegate,
    kArray,
    kObject,
    kBlock,
    kCondition,
    kElvis,
    kCoalesce,
    kBind,
    kLambda,
    kThunk,
    kCall,
    kPartial,
    kPlaceholder,
    kApply,
    kSort,
    kTransform,
    // Of the parser only:
    kDot,
    kSubscript,
    kGroupBy,
    kOrderBy,
    kFocus,
    kIndex,
    kEnd,  // where an operand should be
};

enum class Op : uint8_t {
    kNone,
    kAdd,
    kSubtract,
    kMultiply,
    kDivide,
    kRemainder,
    kConcat,
    kRange,
    kEqual,
    kUnequal,
    kLess,
    kLessEqual,
    kGreater,
    kGreaterEqual,
    kIn,
};

struct Node {
    explicit Node(NodeKind k, size_t p) : kind(k), position(p) {}
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;

    NodeKind kind;
    Op op = Op::kNone;
    bool keep_array = false;
    bool keep_singleton = false;  // of a path
    bool is_constructed = false;  // [...] at an end of a path
    bool is_tuple = false;
    bool is_descending = false;
    bool has_group = false;
    bool is_integer_index = false;
    size_t position = 0;
    uint32_t height = 1;
    Symbol symbol = 0;  // variables; the parameter of a binding
    Symbol focus = 0;
    Symbol index = 0;
    SlotPtr slot;                      // of a parent
    SlotPtr ancestor;                  // the label that this step's context is bound to
    const Builtin* builtin = nullptr;  // of a variable whose name is one
    std::string text;                  // name, operator, variable
    json::Value literal;
    Item constant;  // the literal, in place
    NodePtr left, right, third;
    std::vector<NodePtr> items;  // steps, arguments, elements, expressions
    std::vector<Pair> pairs;     // of an object
    std::vector<Pair> group;     // {...} behind an expression
    std::vector<Stage> stages;   // of a step of a path
    std::vector<NodePtr> predicates;
    std::vector<Term> terms;
    std::vector<Symbol> parameters;
    std::vector<SlotPtr> seeking;  // parents that are still looked for above
    std::shared_ptr<const Signature> signature;
    std::shared_ptr<re2::RE2> regex;
};

struct Program {
    std::string text;
    Symbols symbols;
    NodePtr root;
    Uses uses;
};

/// Throws Thrown.
NodePtr parse(std::string_view text, Symbols& symbols);
NodePtr resolve(NodePtr raw, Symbols& symbols, Dialect dialect);
Uses uses_of(const Node& root, const Symbols& symbols);

constexpr uint32_t kHeightMax = 600;  // nodes above each other

}  // namespace tandem::jsonata
