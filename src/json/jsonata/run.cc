// The evaluation of nodes, all but paths (path.cc), operators (operators.cc) and calls (apply.cc).
#include "json/jsonata/run.h"

#include "json/jsonata/error.h"

namespace tandem::jsonata {

Run::Run(const Program& program, Dialect dialect, const Lookup& variables, const Options& options)
    : program_(program),
      symbols_(&program.symbols),
      dialect_(dialect),
      variables_(variables),
      options_(options),
      memory_(options.bounds.bytes),
      random_(options.seed),
      externals_(program.symbols.size()) {
    ask_at_ = std::min(options.bounds.steps,
                       options.expired ? kStepsBetweenQuestions : options.bounds.steps);
}

Run::~Run() {
    root_ = {};
    externals_.clear();
    // Lambdas and the frames that they are in hold each other: all frames let go of what they hold.
    std::vector<Frame*> alive;
    for (Frame* each = memory_.frames; each != nullptr; each = each->next_alive) {
        ++each->refs;
        alive.push_back(each);
    }
    for (Frame* each : alive) each->clear();
    for (Frame* each : alive) {
        if (--each->refs == 0) free_heap(each);
    }
    if (root_frame_ != nullptr && --root_frame_->refs == 0) free_heap(root_frame_);
}

Item Run::start(const json::Value* input) {
    char here = 0;
    stack_top_ = &here;
    if (input != nullptr) {
        root_ = Item::of(*input);
        if (root_.is_array()) {
            List* wrapper = sequence();
            const Item wrapped = Item::adopt(wrapper);
            wrapper->is_outer_wrapper = true;
            wrapper->push(root_);
            root_ = wrapped;
        }
    }
    root_frame_ = new Frame(memory_, nullptr);
    return evaluate(*program_.root, root_, root_frame_);
}

void Run::ask() {
    if (steps_ >= options_.bounds.steps || (options_.expired && options_.expired())) {
        fail("U1001", "Expression evaluation timeout: Check for infinite loop");
    }
    ask_at_ = std::min(options_.bounds.steps, steps_ + kStepsBetweenQuestions);
}

void Run::overflow() {
    fail("U1001",
         "Stack overflow error: Check for non-terminating recursive function.  Consider rewriting "
         "as tail-recursive. Depth=" +
             std::to_string(depth_) + " max=" + std::to_string(options_.bounds.depth));
}

void Run::value_too_deep() {
    fail("U1001", "Values are nested too deeply: more than " + std::to_string(kValueDepth));
}

const json::Value& Run::keep(json::Value value) {
    kept_.push_back(std::move(value));
    return kept_.back();
}

Item Run::evaluate(const Node& node, const Item& input, Frame* frame) {
    // The leaves: nothing can follow from them.
    if (node.kind == NodeKind::kLiteral && node.predicates.empty() && !node.has_group) {
        return node.constant;
    }
    const Deeper deeper(depth_);
    spend(1);
    if (depth_ > options_.bounds.depth) overflow();
    const char here = 0;
    if (stack_top_ - &here > ptrdiff_t(kStackBytes)) overflow();

    Item result = evaluate_kind(node, input, frame);
    for (const NodePtr& predicate : node.predicates) result = filter(*predicate, result, frame);
    if (node.has_group && node.kind != NodeKind::kPath) result = grouped(node.group, result, frame);
    if (!result.is_list()) return result;
    List& list = result.list();
    if (!list.is_sequence || list.is_tuple_stream) return result;
    if (node.keep_array) list.keep_singleton = true;
    if (list.size() == 0) return {};
    if (list.size() == 1 && !list.keep_singleton) return list.at(0);
    return result;
}

Item Run::evaluate_kind(const Node& node, const Item& input, Frame* frame) {
    switch (node.kind) {
        case NodeKind::kLiteral: return node.constant;
        case NodeKind::kName: return lookup(input, node.text);
        case NodeKind::kVariable: return variable(node, input, frame);
        case NodeKind::kWildcard: return wildcard(input);
        case NodeKind::kDescendants: {
            if (input.is_undefined()) return {};
            List* all = sequence();
            Item result = Item::adopt(all);
            descend_to(*all, input, 0);
            return result;
        }
        case NodeKind::kParent: {
            for (Frame* at = frame; at != nullptr; at = at->parent) {
                if (const Item* found = at->find(node.slot->label)) return *found;
            }
            return {};
        }
        case NodeKind::kRegex: {
            Function* function = new Function(memory_, Function::Kind::kRegex);
            function->regex = node.regex.get();
            return Item::adopt(function);
        }
        case NodeKind::kPath: return path(node, input, frame);
        case NodeKind::kBinary: return binary(node, input, frame);
        case NodeKind::kAnd:
            return Item::boolean(truth(evaluate(*node.left, input, frame)) &&
                                 truth(evaluate(*node.right, input, frame)));
        case NodeKind::kOr:
            return Item::boolean(truth(evaluate(*node.left, input, frame)) ||
                                 truth(evaluate(*node.right, input, frame)));
        case NodeKind::kNegate: return negate(node, input, frame);
        case NodeKind::kArray: return array(node, input, frame);
        case NodeKind::kObject: return grouped(node.pairs, input, frame);
        case NodeKind::kBlock: return block(node, input, frame);
        case NodeKind::kCondition:
            if (truth(evaluate(*node.left, input, frame))) {
                return evaluate(*node.right, input, frame);
            }
            return node.third != nullptr ? evaluate(*node.third, input, frame) : Item();
        case NodeKind::kElvis: {
            Item value = evaluate(*node.left, input, frame);
            return truth(value) ? value : evaluate(*node.right, input, frame);
        }
        case NodeKind::kCoalesce: {
            Item value = evaluate(*node.left, input, frame);
            return !value.is_undefined() ? value : evaluate(*node.right, input, frame);
        }
        case NodeKind::kBind: {
            Item value = evaluate(*node.right, input, frame);
            frame->bind(node.symbol, value);
            return value;
        }
        case NodeKind::kLambda:
        case NodeKind::kThunk:
        case NodeKind::kTransform: return lambda(node, input, frame);
        case NodeKind::kCall: return call(node, input, frame, nullptr);
        case NodeKind::kPartial: return partial(node, input, frame);
        case NodeKind::kApply: return piped(node, input, frame);
        case NodeKind::kSort: return sorted(node, input, frame);
        case NodeKind::kPlaceholder:
        case NodeKind::kDot:
        case NodeKind::kSubscript:
        case NodeKind::kGroupBy:
        case NodeKind::kOrderBy:
        case NodeKind::kFocus:
        case NodeKind::kIndex:
        case NodeKind::kEnd: break;
    }
    return {};
}

Item Run::external(Symbol symbol) {
    if (externals_.size() <= symbol) externals_.resize(symbol + 1);
    std::optional<Item>& known = externals_[symbol];
    if (!known) {
        const json::Value* value = variables_ ? variables_(symbols_->name(symbol)) : nullptr;
        known = value != nullptr ? Item::of(*value) : Item();
    }
    return *known;
}

Item Run::variable(const Node& node, const Item& input, Frame* frame) {
    if (node.symbol == Symbols::kContext) {
        const bool wrapped = input.is_list() && input.list().is_outer_wrapper;
        return wrapped ? input.list().at(0) : input;
    }
    if (node.symbol == Symbols::kInput) return root_;
    if (symbols_->is_bound(node.symbol)) {
        for (Frame* at = frame; at != nullptr; at = at->parent) {
            if (const Item* found = at->find(node.symbol)) return *found;
        }
    }
    Item found = external(node.symbol);
    if (!found.is_undefined() || node.builtin == nullptr) return found;
    Function* function = new Function(memory_, Function::Kind::kBuiltin);
    function->builtin = node.builtin;
    return Item::adopt(function);
}

Item Run::block(const Node& node, const Item& input, Frame* frame) {
    const FrameRef inner(new Frame(memory_, frame));
    Item result;
    for (const NodePtr& item : node.items) result = evaluate(*item, input, inner.get());
    return result;
}

Item Run::array(const Node& node, const Item& input, Frame* frame) {
    if (node.items.size() == 1 && node.items[0]->op == Op::kRange && !node.is_constructed) {
        // Very long ranges are counted and mapped: they stay two numbers.
        const Item only = evaluate(*node.items[0], input, frame);
        if (only.is_list() && only.list().is_range) {
            only.list().is_sequence = false;
            return only;
        }
        List* list = this->list();
        Item result = Item::adopt(list);
        if (only.is_array()) list->push_all(only);
        else if (!only.is_undefined()) list->push(only);
        return result;
    }
    List* list = this->list();
    Item result = Item::adopt(list);
    list->reserve(node.items.size());
    for (const NodePtr& item : node.items) {
        Item value = evaluate(*item, input, frame);
        if (value.is_undefined()) continue;
        if (item->kind != NodeKind::kArray && value.is_array()) {
            spend(value.size());
            list->push_all(value);
        } else {
            list->push(std::move(value));
        }
    }
    list->is_constructed = node.is_constructed;
    return result;
}

Frame* Run::frame_of(const Item& tuple, Frame* parent) {
    Frame* frame = new Frame(memory_, parent);
    for (const Binding& binding : tuple.tuple().bindings)
        frame->bind(binding.symbol, binding.value);
    return frame;
}

Item Run::reduce_tuples(const Item& tuples) {
    if (!tuples.is_array()) return tuples;
    Tuple* all = new Tuple(memory_);
    Item result = Item::adopt(all);
    for (size_t i = 0; i < tuples.size(); ++i) {
        const Item one = tuples.at(i);
        all->item = i == 0 ? one.tuple().item : append(all->item, one.tuple().item);
        for (const Binding& binding : one.tuple().bindings) {
            Item before;
            for (const Binding& known : all->bindings) {
                if (known.symbol == binding.symbol) before = known.value;
            }
            all->set(binding.symbol, i == 0 ? binding.value : append(before, binding.value));
        }
    }
    return result;
}

Item Run::grouped(const std::vector<Pair>& pairs, const Item& given, Frame* frame) {
    struct Group {
        Item data;
        size_t pair;
    };
    const bool tuples = given.is_list() && given.list().is_tuple_stream && given.list().size() > 0;
    const bool is_array = given.is_array();
    const size_t count = is_array ? std::max<size_t>(given.size(), 1) : 1;
    Record* places = record();  // key -> number of the group, in order
    const Item places_item = Item::adopt(places);
    std::vector<Group> groups;
    for (size_t i = 0; i < count; ++i) {
        const Item item = !is_array ? given : i < given.size() ? given.at(i) : Item();
        const FrameRef inner(tuples ? frame_of(item, frame) : nullptr);
        Frame* scope = tuples ? inner.get() : frame;
        for (size_t p = 0; p < pairs.size(); ++p) {
            Item key = evaluate(*pairs[p].key, tuples ? item.tuple().item : item, scope);
            if (key.is_undefined()) continue;
            if (!key.is_text()) {
                fail_at(pairs[p].key->position, "T1003",
                        "Key in object structure must evaluate to a string; got: " + shown(key));
            }
            const Item* known = places->find(key.text());
            if (known == nullptr) {
                places->set(key, Item::integer(int64_t(groups.size())));
                groups.push_back({item, p});
                continue;
            }
            Group& group = groups[size_t(known->as_int())];
            if (group.pair != p) {
                fail_at(pairs[p].key->position, "D1009",
                        "Multiple key definitions evaluate to same key: " + shown(key));
            }
            if (group.data.is_list() && !group.data.list().is_sequence &&
                group.data.list().refs == 1 && !item.is_array() && group.data.list().start == -1) {
                group.data.list().push(item);  // our own, made by append() below
            } else {
                group.data = append(group.data, item);
                if (group.data.is_list() && group.data.list().refs == 1)
                    group.data.list().start = -1;
            }
        }
    }
    Record* result = record();
    Item made = Item::adopt(result);
    for (size_t g = 0; g < groups.size(); ++g) {
        const Group& group = groups[g];
        const Node& value_node = *pairs[group.pair].value;
        Item value;
        if (tuples) {
            const Item whole =
                group.data.tag() == Tag::kTuple ? group.data : reduce_tuples(group.data);
            const FrameRef inner(frame_of(whole, frame));
            value = evaluate(value_node, whole.tuple().item, inner.get());
        } else {
            value = evaluate(value_node, group.data, frame);
        }
        if (!value.is_undefined()) result->set(places->members[g].key, std::move(value));
    }
    return made;
}

Item Run::lambda(const Node& node, const Item& input, Frame* frame) {
    const Function::Kind kind = node.kind == NodeKind::kLambda  ? Function::Kind::kLambda
                                : node.kind == NodeKind::kThunk ? Function::Kind::kThunk
                                                                : Function::Kind::kTransformer;
    Function* function = new Function(memory_, kind);
    function->node = &node;
    function->frame = frame;
    ++frame->refs;
    function->input = input;
    function->signature = node.signature.get();
    return Item::adopt(function);
}

}  // namespace tandem::jsonata
