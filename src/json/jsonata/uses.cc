// What an expression asks of its surroundings, read off its tree.
#include <algorithm>

#include "json/jsonata/ast.h"

namespace tandem::jsonata {

namespace {

class Reader {
public:
    explicit Reader(const Symbols& symbols) : symbols_(symbols) {}

    /// `outer`: the context is still the expression's input.
    void read(const Node& node, bool outer) {
        if (node.kind == NodeKind::kVariable) variable(node, outer);
        if (outer && node.kind == NodeKind::kName) note(uses.fields, node.text);
        if (outer && node.kind == NodeKind::kWildcard) note(uses.fields, "*");
        if (outer && node.kind == NodeKind::kDescendants) note(uses.fields, "**");
        if ((node.kind == NodeKind::kCall || node.kind == NodeKind::kPartial) &&
            node.left->kind == NodeKind::kVariable) {
            note(uses.functions, node.left->text);
        }
        for (const NodePtr* child : {&node.left, &node.right, &node.third}) {
            if (*child != nullptr) read(**child, outer && node.kind != NodeKind::kTransform);
        }
        if (node.kind == NodeKind::kPath) {
            for (size_t i = 0; i < node.items.size(); ++i) read(*node.items[i], outer && i == 0);
        } else {
            for (const NodePtr& item : node.items) read(*item, outer);
        }
        for (const Pair& pair : node.pairs) read(*pair.key, outer), read(*pair.value, outer);
        for (const Pair& pair : node.group) read(*pair.key, false), read(*pair.value, false);
        for (const NodePtr& predicate : node.predicates) read(*predicate, false);
        for (const Term& term : node.terms) read(*term.expression, false);
        for (const Stage& stage : node.stages) {
            if (stage.filter != nullptr) read(*stage.filter, false);
        }
    }
    Uses uses;

private:
    static void note(std::vector<std::string>& names, const std::string& name) {
        if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
    void variable(const Node& node, bool outer) {
        if (node.symbol == Symbols::kContext && !outer) return;
        if (node.builtin != nullptr || symbols_.is_bound(node.symbol)) return;
        note(uses.variables, node.text);
    }
    const Symbols& symbols_;
};

}  // namespace

Uses uses_of(const Node& root, const Symbols& symbols) {
    Reader reader(symbols);
    reader.read(root, true);
    return std::move(reader.uses);
}

}  // namespace tandem::jsonata
