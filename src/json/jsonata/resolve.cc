// From the tree as written to the tree as evaluated.
#include <algorithm>

#include "json/jsonata/ast.h"
#include "json/jsonata/builtin.h"
#include "json/jsonata/error.h"

namespace tandem::jsonata {

namespace {

class Resolver {
public:
    Resolver(Symbols& symbols, Dialect dialect) : symbols_(symbols), dialect_(dialect) {}

    NodePtr resolve(NodePtr node);

private:
    NodePtr dot(NodePtr node);
    NodePtr subscript(NodePtr node);
    NodePtr group_by(NodePtr node);
    NodePtr order_by(NodePtr node);
    NodePtr focus(NodePtr node);
    NodePtr index(NodePtr node);
    NodePtr name(NodePtr node);
    NodePtr parent(NodePtr node);
    NodePtr negate(NodePtr node);
    NodePtr lambda(NodePtr node);
    void children(Node& node);
    void child(Node& node, NodePtr& at) {
        if (at == nullptr) return;
        at = resolve(std::move(at));
        inherit(node, *at);
    }
    NodePtr tail_calls(NodePtr body);

    static NodePtr path_of(NodePtr step) {
        if (step->kind == NodeKind::kPath) return step;
        auto path = std::make_unique<Node>(NodeKind::kPath, step->position);
        path->items.push_back(std::move(step));
        return path;
    }
    static void inherit(Node& node, const Node& value);
    void seek(Node& node, SlotPtr& slot);
    void settle(Node& path);

    Symbols& symbols_;
    Dialect dialect_;
    std::vector<Node*> parents_;
    std::map<const Slot*, size_t> parent_of_;
};

/// What `value` still looks for, `node` looks for.
void Resolver::inherit(Node& node, const Node& value) {
    node.seeking.insert(node.seeking.end(), value.seeking.begin(), value.seeking.end());
    if (value.kind == NodeKind::kParent) node.seeking.push_back(value.slot);
}

/// One step back from where `slot` was needed.
void Resolver::seek(Node& node, SlotPtr& slot) {
    if (node.kind == NodeKind::kName || node.kind == NodeKind::kWildcard) {
        if (--slot->level > 0) return;
        if (node.ancestor == nullptr) node.ancestor = slot;
        else slot->label = node.ancestor->label;
        node.is_tuple = true;
    } else if (node.kind == NodeKind::kParent) {
        ++slot->level;
    } else if (node.kind == NodeKind::kBlock) {
        if (node.items.empty()) return;
        node.is_tuple = true;
        seek(*node.items.back(), slot);
    } else if (node.kind == NodeKind::kPath) {
        node.is_tuple = true;
        for (size_t i = node.items.size(); i-- > 0;) {
            seek(*node.items[i], slot);
            if (slot->level <= 0) return;
        }
    } else {
        fail_at(node.position, "S0217",
                "The object representing the 'parent' cannot be derived from this expression",
                node.text);
    }
}

void Resolver::settle(Node& path) {
    Node& last = *path.items.back();
    std::vector<SlotPtr> slots = last.seeking;
    if (last.kind == NodeKind::kParent) slots.push_back(last.slot);
    for (SlotPtr& slot : slots) {
        ptrdiff_t i = ptrdiff_t(path.items.size()) - 2;
        while (slot->level > 0) {
            if (i < 0) {
                path.seeking.push_back(slot);
                break;
            }
            Node* step = path.items[size_t(i--)].get();
            // Of steps one after another that bind the focus, the first counts.
            while (i >= 0 && step->focus != 0 && path.items[size_t(i)]->focus != 0) {
                step = path.items[size_t(i--)].get();
            }
            seek(*step, slot);
        }
    }
}

NodePtr Resolver::dot(NodePtr node) {
    NodePtr first = resolve(std::move(node->left));
    std::vector<SlotPtr> seeking;
    if (first->kind == NodeKind::kParent) seeking.push_back(first->slot);
    NodePtr path = path_of(std::move(first));
    if (!seeking.empty()) path->seeking = std::move(seeking);
    NodePtr rest = resolve(std::move(node->right));
    if (rest->kind == NodeKind::kPath) {
        for (NodePtr& step : rest->items) path->items.push_back(std::move(step));
        path->keep_singleton = path->keep_singleton || rest->keep_singleton;
    } else {
        for (NodePtr& predicate : rest->predicates)
            rest->stages.push_back({std::move(predicate), 0});
        rest->predicates.clear();
        path->items.push_back(std::move(rest));
    }
    for (NodePtr& step : path->items) {
        if (step->kind == NodeKind::kLiteral) {
            if (!step->literal.is_string()) {
                fail_at(step->position, "S0213",
                        "The literal value " + shown(step->constant) +
                            " cannot be used as a step within a path expression",
                        step->text);
            }
            step->kind = NodeKind::kName;
        }
        if (step->keep_array) path->keep_singleton = true;
    }
    for (Node* end : {path->items.front().get(), path->items.back().get()}) {
        if (end->kind == NodeKind::kArray) end->is_constructed = true;
    }
    settle(*path);
    return path;
}

NodePtr Resolver::subscript(NodePtr node) {
    NodePtr result = resolve(std::move(node->left));
    const bool is_path = result->kind == NodeKind::kPath;
    Node& step = is_path ? *result->items.back() : *result;
    if (step.has_group) {
        fail_at(node->position, "S0209",
                "A predicate cannot follow a grouping expression in a step");
    }
    NodePtr predicate = resolve(std::move(node->right));
    for (SlotPtr& slot : predicate->seeking) {
        if (slot->level == 1) seek(step, slot);
        else --slot->level;
    }
    inherit(step, *predicate);
    if (is_path) step.stages.push_back({std::move(predicate), 0});
    else step.predicates.push_back(std::move(predicate));
    return result;
}

NodePtr Resolver::group_by(NodePtr node) {
    NodePtr result = resolve(std::move(node->left));
    if (result->has_group) {
        fail_at(node->position, "S0210", "Each step can only have one grouping expression");
    }
    result->has_group = true;
    for (Pair& pair : node->pairs) {
        pair.key = resolve(std::move(pair.key));
        pair.value = resolve(std::move(pair.value));
    }
    result->group = std::move(node->pairs);
    return result;
}

NodePtr Resolver::order_by(NodePtr node) {
    NodePtr path = path_of(resolve(std::move(node->left)));
    auto sort = std::make_unique<Node>(NodeKind::kSort, node->position);
    for (Term& term : node->terms) {
        term.expression = resolve(std::move(term.expression));
        inherit(*sort, *term.expression);
        sort->terms.push_back(std::move(term));
    }
    path->items.push_back(std::move(sort));
    settle(*path);
    return path;
}

NodePtr Resolver::focus(NodePtr node) {
    NodePtr result = resolve(std::move(node->left));
    Node& step = result->kind == NodeKind::kPath ? *result->items.back() : *result;
    if (!step.stages.empty() || !step.predicates.empty()) {
        fail_at(node->position, "S0215",
                "A context variable binding must precede any predicates on a step");
    }
    if (step.kind == NodeKind::kSort) {
        fail_at(node->position, "S0216",
                "A context variable binding must precede the 'order-by' clause on a step");
    }
    if (node->keep_array) step.keep_array = true;
    step.focus = node->right->symbol;
    step.is_tuple = true;
    return result;
}

NodePtr Resolver::index(NodePtr node) {
    NodePtr result = resolve(std::move(node->left));
    if (result->kind != NodeKind::kPath) {
        result = path_of(std::move(result));
        Node& only = *result->items.back();
        for (NodePtr& predicate : only.predicates) only.stages.push_back({std::move(predicate), 0});
        only.predicates.clear();
    }
    Node& step = *result->items.back();
    if (step.stages.empty()) step.index = node->right->symbol;
    else step.stages.push_back({nullptr, node->right->symbol});
    step.is_tuple = true;
    return result;
}

NodePtr Resolver::name(NodePtr node) {
    const bool keep = node->keep_array;
    NodePtr path = path_of(std::move(node));
    path->keep_singleton = keep;
    return path;
}

NodePtr Resolver::parent(NodePtr node) {
    node->slot = std::make_shared<Slot>();
    node->slot->label = symbols_.fresh();
    symbols_.mark_bound(node->slot->label);
    return node;
}

NodePtr Resolver::negate(NodePtr node) {
    child(*node, node->left);
    Node& operand = *node->left;
    if (operand.kind != NodeKind::kLiteral || !operand.literal.is_number()) return node;
    operand.literal = operand.literal.is_int() ? json::Value(-operand.literal.as_int())
                                               : json::Value(-operand.literal.as_double());
    operand.constant = Item::of(operand.literal);
    return std::move(node->left);
}

/// A call whose value is the value of the lambda around it is made after that lambda has ended.
NodePtr Resolver::tail_calls(NodePtr body) {
    if (body->kind == NodeKind::kCall && body->predicates.empty()) {
        const Node& callee = *body->left;
        if (callee.builtin != nullptr && !symbols_.is_bound(callee.symbol)) return body;
        auto thunk = std::make_unique<Node>(NodeKind::kThunk, body->position);
        thunk->right = std::move(body);
        return thunk;
    }
    if (body->kind == NodeKind::kCondition) {
        body->right = tail_calls(std::move(body->right));
        if (body->third != nullptr) body->third = tail_calls(std::move(body->third));
    } else if (body->kind == NodeKind::kBlock && !body->items.empty()) {
        body->items.back() = tail_calls(std::move(body->items.back()));
    }
    return body;
}

NodePtr Resolver::lambda(NodePtr node) {
    node->right = tail_calls(resolve(std::move(node->right)));
    return node;
}

void Resolver::children(Node& node) {
    // What is called looks for no parent outside of itself.
    if (node.kind == NodeKind::kCall) node.left = resolve(std::move(node.left));
    else child(node, node.left);
    child(node, node.right);
    child(node, node.third);
    for (NodePtr& item : node.items) child(node, item);
    for (Pair& pair : node.pairs) {
        child(node, pair.key);
        child(node, pair.value);
    }
}

NodePtr Resolver::resolve(NodePtr node) {
    const bool keep = node->keep_array;
    NodePtr result;
    switch (node->kind) {
        case NodeKind::kDot: result = dot(std::move(node)); break;
        case NodeKind::kSubscript: result = subscript(std::move(node)); break;
        case NodeKind::kGroupBy: result = group_by(std::move(node)); break;
        case NodeKind::kOrderBy: result = order_by(std::move(node)); break;
        case NodeKind::kFocus: result = focus(std::move(node)); break;
        case NodeKind::kIndex: result = index(std::move(node)); break;
        case NodeKind::kEnd:
            fail_at(node->position, "S0207", "Unexpected end of expression", node->text);
        case NodeKind::kName: result = name(std::move(node)); break;
        case NodeKind::kParent: result = parent(std::move(node)); break;
        case NodeKind::kNegate: result = negate(std::move(node)); break;
        case NodeKind::kLambda: result = lambda(std::move(node)); break;
        case NodeKind::kPlaceholder:
            fail_at(node->position, "S0201", "Syntax error: {{token}}", node->text);
        case NodeKind::kVariable:
            node->builtin = find_builtin(node->text, dialect_);
            result = std::move(node);
            break;
        case NodeKind::kPartial:
            node->left = resolve(std::move(node->left));
            for (NodePtr& item : node->items) {
                if (item->kind != NodeKind::kPlaceholder) child(*node, item);
            }
            result = std::move(node);
            break;
        case NodeKind::kBlock:
            children(*node);
            for (const NodePtr& item : node->items) {
                const Node& end = item->kind == NodeKind::kPath ? *item->items.front() : *item;
                if (end.is_constructed) node->is_constructed = true;
            }
            result = std::move(node);
            break;
        case NodeKind::kApply:
            children(*node);
            node->keep_array |= node->left->keep_array || node->right->keep_array;
            result = std::move(node);
            break;
        case NodeKind::kTransform:
            node->left = resolve(std::move(node->left));
            node->right = resolve(std::move(node->right));
            if (node->third != nullptr) node->third = resolve(std::move(node->third));
            result = std::move(node);
            break;
        case NodeKind::kLiteral:
        case NodeKind::kWildcard:
        case NodeKind::kDescendants:
        case NodeKind::kRegex:
        case NodeKind::kPath:
        case NodeKind::kBinary:
        case NodeKind::kAnd:
        case NodeKind::kOr:
        case NodeKind::kArray:
        case NodeKind::kObject:
        case NodeKind::kCondition:
        case NodeKind::kElvis:
        case NodeKind::kCoalesce:
        case NodeKind::kBind:
        case NodeKind::kThunk:
        case NodeKind::kCall:
        case NodeKind::kSort:
            children(*node);
            result = std::move(node);
            break;
    }
    if (keep) result->keep_array = true;
    return result;
}

}  // namespace

NodePtr resolve(NodePtr raw, Symbols& symbols, Dialect dialect) {
    NodePtr root = Resolver(symbols, dialect).resolve(std::move(raw));
    if (root->kind == NodeKind::kParent || !root->seeking.empty()) {
        fail_at(root->position, "S0217",
                "The object representing the 'parent' cannot be derived from this expression",
                root->text);
    }
    return root;
}

}  // namespace tandem::jsonata
