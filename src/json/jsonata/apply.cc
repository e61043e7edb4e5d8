// Calls: arguments, tail calls, partial application, chains, transformers.
#include "json/jsonata/error.h"
#include "json/jsonata/run.h"

namespace tandem::jsonata {

namespace {

/// The name by which a call names its function, for error texts.
std::string callee_name(const Node& callee) {
    if (callee.kind == NodeKind::kVariable) return callee.text;
    if (callee.kind == NodeKind::kPath) return callee.items.front()->text;
    return {};
}

void complete(Thrown& thrown, const Node& node) {
    if (!thrown.has_position) {
        thrown.failure.position = node.position;
        thrown.has_position = true;
    }
    if (thrown.failure.token.empty()) thrown.failure.token = callee_name(*node.left);
}

}  // namespace

size_t Run::arity_of(const Item& item) {
    const Function& function = item.function();
    switch (function.kind) {
        case Function::Kind::kLambda:
            return function.is_partial ? function.parameters.size()
                                       : function.node->parameters.size();
        case Function::Kind::kBuiltin: return function.builtin->arity;
        case Function::Kind::kPartial: {
            size_t open = 0;
            for (const bool given : function.given) open += given ? 0 : 1;
            return open;
        }
        case Function::Kind::kRegex: return 2;
        case Function::Kind::kChain:
        case Function::Kind::kTransformer: return 1;
        case Function::Kind::kThunk:
        case Function::Kind::kNextMatch: return 0;
    }
    return 0;
}

Item Run::call(const Node& node, const Item& input, Frame* frame, const Item* piped) {
    Arguments arguments;
    arguments.reserve(node.items.size() + (piped != nullptr ? 1 : 0));
    // A built-in function that nothing hides is called without becoming an item.
    const Node& callee = *node.left;
    const bool direct = callee.builtin != nullptr && callee.kind == NodeKind::kVariable &&
                        callee.predicates.empty() && !callee.has_group &&
                        !symbols_->is_bound(callee.symbol) &&
                        external(callee.symbol).is_undefined();
    Item function;
    if (!direct) function = evaluate(callee, input, frame);
    if (!direct && function.is_undefined() && callee.kind == NodeKind::kPath) {
        const std::string& name = callee.items.front()->text;
        if (find_builtin(name, dialect_) != nullptr) {
            fail_at(node.position, "T1005",
                    "Attempted to invoke a non-function. Did you mean $" + name + "?", name);
        }
    }
    if (piped != nullptr) arguments.push_back(*piped);
    for (const NodePtr& item : node.items) arguments.push_back(evaluate(*item, input, frame));
    try {
        if (!direct) return apply(function, std::move(arguments), input, frame);
        const Builtin& builtin = *callee.builtin;
        if (builtin.signature) builtin.signature->apply(arguments, input, memory_);
        return builtin.make(*this, arguments, input, frame);
    } catch (Thrown& thrown) {
        complete(thrown, node);
        throw;
    }
}

Item Run::apply(const Item& function, Arguments arguments, const Item& context, Frame* frame) {
    Item result = apply_once(function, arguments, context, frame);
    while (result.is_function() && result.function().kind == Function::Kind::kThunk) {
        spend(1);
        const Item thunk = std::move(result);
        const Function& held = thunk.function();
        const Node& node = *held.node->right;
        const Item next = evaluate(*node.left, held.input, held.frame);
        Arguments more;
        more.reserve(node.items.size());
        for (const NodePtr& item : node.items) {
            more.push_back(evaluate(*item, held.input, held.frame));
        }
        try {
            result = apply_once(next, more, context, frame);
        } catch (Thrown& thrown) {
            complete(thrown, node);
            throw;
        }
    }
    return result;
}

Item Run::apply_once(const Item& item, Arguments& arguments, const Item& context, Frame* frame) {
    if (!item.is_function()) fail("T1006", "Attempted to invoke a non-function");
    const Item held = item;  // it may let go of itself
    const Function& function = held.function();
    const char here = 0;
    if (stack_top_ - &here > ptrdiff_t(kStackBytes)) overflow();
    switch (function.kind) {
        case Function::Kind::kLambda: {
            if (function.signature != nullptr)
                function.signature->apply(arguments, context, memory_);
            const FrameRef inner(new Frame(memory_, function.frame));
            const std::vector<Symbol>& names =
                function.is_partial ? function.parameters : function.node->parameters;
            for (size_t i = 0; i < names.size(); ++i) {
                inner.get()->bind(names[i],
                                  i < arguments.size() ? std::move(arguments[i]) : Item());
            }
            return evaluate(*function.node->right, function.input, inner.get());
        }
        case Function::Kind::kBuiltin:
            if (function.builtin->signature) {
                function.builtin->signature->apply(arguments, context, memory_);
            }
            return function.builtin->make(*this, arguments, context, frame);
        case Function::Kind::kPartial: {
            Arguments all = function.parts;
            size_t next = 0;
            for (size_t i = 0; i < all.size(); ++i) {
                if (function.given[i]) continue;
                if (next < arguments.size()) all[i] = arguments[next++];
            }
            if (function.builtin->signature) {
                function.builtin->signature->apply(all, context, memory_);
            }
            return function.builtin->make(*this, all, context, frame);
        }
        case Function::Kind::kRegex: {
            const Item text = arguments.empty() ? Item() : arguments[0];
            return text.is_text() ? match_regex(held, text, 0) : Item();
        }
        case Function::Kind::kNextMatch:
            return match_regex(function.parts[0], function.parts[1], function.from);
        case Function::Kind::kChain: {
            const Deeper deeper(depth_);
            Item middle = apply(function.parts[0], std::move(arguments), context, frame);
            Arguments one;
            one.push_back(std::move(middle));
            return apply(function.parts[1], std::move(one), context, frame);
        }
        case Function::Kind::kTransformer:
            return transform(function, arguments.empty() ? Item() : arguments[0]);
        case Function::Kind::kThunk: break;
    }
    return {};
}

Item Run::apply_up_to(const Item& function, size_t arity, const Item& a, const Item& b,
                      const Item& c, Frame* frame) {
    Arguments arguments;
    arguments.reserve(3);
    arguments.push_back(a);
    if (arity >= 2) arguments.push_back(b);
    if (arity >= 3) arguments.push_back(c);
    return apply(function, std::move(arguments), Item::null(), frame);
}

Item Run::partial(const Node& node, const Item& input, Frame* frame) {
    const Item item = evaluate(*node.left, input, frame);
    if (!item.is_function()) {
        const std::string name = callee_name(*node.left);
        if (item.is_undefined() && node.left->kind == NodeKind::kPath &&
            find_builtin(name, dialect_) != nullptr) {
            fail_at(node.position, "T1007",
                    "Attempted to partially apply a non-function. Did you mean $" + name + "?",
                    name);
        }
        fail_at(node.position, "T1008", "Attempted to partially apply a non-function", name);
    }
    const Function& base = item.function();
    if (base.kind == Function::Kind::kLambda) {
        Function* made = new Function(memory_, Function::Kind::kLambda);
        Item result = Item::adopt(made);
        made->node = base.node;
        made->input = base.input;
        made->is_partial = true;
        made->frame = new Frame(memory_, base.frame);
        const std::vector<Symbol>& names =
            base.is_partial ? base.parameters : base.node->parameters;
        for (size_t i = 0; i < names.size(); ++i) {
            const bool open =
                i < node.items.size() && node.items[i]->kind == NodeKind::kPlaceholder;
            if (open) made->parameters.push_back(names[i]);
            else
                made->frame->bind(names[i], i < node.items.size()
                                                ? evaluate(*node.items[i], input, frame)
                                                : Item());
        }
        return result;
    }
    if (base.kind != Function::Kind::kBuiltin) {
        fail_at(node.position, "T1008", "Attempted to partially apply a non-function");
    }
    Function* made = new Function(memory_, Function::Kind::kPartial);
    Item result = Item::adopt(made);
    made->builtin = base.builtin;
    for (const NodePtr& argument : node.items) {
        const bool open = argument->kind == NodeKind::kPlaceholder;
        made->given.push_back(!open);
        made->parts.push_back(open ? Item() : evaluate(*argument, input, frame));
    }
    return result;
}

Item Run::piped(const Node& node, const Item& input, Frame* frame) {
    const Item left = evaluate(*node.left, input, frame);
    if (node.right->kind == NodeKind::kCall && node.right->predicates.empty() &&
        !node.right->has_group) {
        return call(*node.right, input, frame, &left);
    }
    const Item right = evaluate(*node.right, input, frame);
    if (!right.is_function()) {
        fail_at(node.position, "T2006",
                "The right side of the function application operator ~> must be a function");
    }
    if (left.is_function()) {
        Function* chain = new Function(memory_, Function::Kind::kChain);
        chain->parts = {left, right};
        return Item::adopt(chain);
    }
    Arguments one;
    one.push_back(left);
    return apply(right, std::move(one), Item::null(), frame);
}

Item Run::transform(const Function& function, const Item& input) {
    if (input.is_undefined()) return {};
    const Node& node = *function.node;
    if (!input.is_array() && !input.is_object()) {
        fail("T0410", "Argument 1 of function {{token}} does not match function signature");
    }
    const Item result = clone(input);
    const Item found = evaluate(*node.left, result, function.frame);
    const size_t n = found.is_array() ? found.size() : found.is_undefined() ? 0 : 1;
    for (size_t i = 0; i < n; ++i) {
        const Item match = found.is_array() ? found.at(i) : found;
        const Item update = evaluate(*node.right, match, function.frame);
        if (!update.is_undefined()) {
            if (!update.is_object()) {
                fail_at(node.right->position, "T2011",
                        "The insert/update clause of the transform expression must evaluate to an "
                        "object: " +
                            shown(update));
            }
            if (match.tag() == Tag::kRecord) {
                const Item copy = clone(update);  // nothing may come to hold itself
                for_members(copy, [&](const Item& key, const Item& value) {
                    match.record().set(key, value);
                });
            }
        }
        if (node.third == nullptr) continue;
        const Item dropped = evaluate(*node.third, match, function.frame);
        if (dropped.is_undefined()) continue;
        const size_t count = dropped.is_array() ? dropped.size() : 1;
        for (size_t k = 0; k < count; ++k) {
            const Item key = dropped.is_array() ? dropped.at(k) : dropped;
            if (!key.is_text()) {
                fail_at(node.third->position, "T2012",
                        "The delete clause of the transform expression must evaluate to a string "
                        "or array of strings: " +
                            shown(dropped));
            }
            if (match.tag() == Tag::kRecord) match.record().erase(key.text());
        }
    }
    return result;
}

}  // namespace tandem::jsonata
