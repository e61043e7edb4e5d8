// Paths: steps, predicates, focus, index and parent bindings, order-by, wildcards.
#include <algorithm>
#include <cmath>

#include "json/jsonata/error.h"
#include "json/jsonata/run.h"

namespace tandem::jsonata {

namespace {

bool is_plain_name(const Node& step) {
    return step.kind == NodeKind::kName && step.stages.empty() && !step.is_tuple &&
           !step.has_group && !step.keep_array;
}

bool is_plain_array(const Item& item) { return item.is_array() && !item.is_sequence(); }

bool is_constructed(const Item& item) { return item.is_list() && item.list().is_constructed; }

}  // namespace

Item Run::lookup(const Item& in, std::string_view key, size_t depth) {
    if (in.tag() == Tag::kObjectRef) {
        const json::Value* found = in.ref().find(key);
        return found != nullptr ? Item::of(*found) : Item();
    }
    if (in.tag() == Tag::kRecord) {
        const Item* found = in.record().find(key);
        return found != nullptr ? *found : Item();
    }
    if (!in.is_array()) return {};
    if (depth > kValueDepth) value_too_deep();
    List* all = sequence();
    Item result = Item::adopt(all);
    const size_t n = in.size();
    spend(n);
    for (size_t i = 0; i < n; ++i) {
        Item found = lookup(in.at(i), key, depth + 1);
        if (found.is_undefined()) continue;
        if (found.is_array()) all->push_all(found);
        else all->push(std::move(found));
    }
    return result;
}

/// The steps of a path that are only names, without making sequences where one value leads to the
/// next. True: `result` is the path's.
bool Run::quick_names(const Node& node, size_t& at, Item& current, bool& spread, Item& result) {
    const size_t last = node.items.size() - 1;
    for (; at < node.items.size() && is_plain_name(*node.items[at]); ++at) {
        const std::string& name = node.items[at]->text;
        spend(1);
        if (!spread) {
            Item found = lookup(current, name);
            if (found.is_sequence()) {
                if (found.size() == 0) found = {};
                else if (found.size() == 1) found = found.at(0);
            }
            if (found.is_undefined()) return result = {}, true;
            spread = found.is_array();
            if (is_constructed(found) && at != last) spread = false;
            current = std::move(found);
            continue;
        }
        List* all = sequence();
        Item made = Item::adopt(all);
        size_t count = 0;
        Item only;
        const size_t n = current.size();
        spend(n);
        for (size_t i = 0; i < n; ++i) {
            Item found = lookup(current.at(i), name);
            if (found.is_sequence()) {
                if (found.size() == 0) continue;
                if (found.size() == 1) found = found.at(0);
            }
            if (found.is_undefined()) continue;
            ++count;
            if (found.is_array() && !is_constructed(found)) {
                all->push_all(found);
                if (count == 1) only = std::move(found);
            } else {
                all->push(std::move(found));
            }
        }
        if (at == last && count == 1 && is_plain_array(only)) made = only;
        if (made.size() == 0) return result = std::move(made), true;
        current = std::move(made);
    }
    return false;
}

Item Run::path(const Node& node, const Item& input, Frame* frame) {
    const Node& first = *node.items.front();
    Item current = input;
    bool spread = input.is_array() && first.kind != NodeKind::kVariable;
    Item tuples;
    bool has_tuples = false;
    size_t at = 0;
    Item result;
    bool done = quick_names(node, at, current, spread, result);
    for (; !done && at < node.items.size(); ++at) {
        const Node& one = *node.items[at];
        if (one.is_tuple && !has_tuples) has_tuples = true;
        if (at == 0 && one.is_constructed && one.kind == NodeKind::kArray) {
            current = evaluate(one, input, frame);
            spread = current.is_array();
        } else if (has_tuples) {
            if (!spread && !current.is_undefined() && !tuples.is_list()) {
                List* wrapped = sequence();
                const Item held = Item::adopt(wrapped);
                wrapped->push(current);
                current = held;
                spread = true;
            }
            tuples = tuple_step(one, current, tuples, frame);
            continue;
        } else {
            current = step(one, current, spread, frame, at + 1 == node.items.size());
            spread = current.is_array();
        }
        if (current.is_undefined() || (current.is_array() && current.size() == 0)) break;
    }
    if (!done) result = current;
    if (has_tuples) {
        if (node.is_tuple) {
            result = tuples;
        } else {
            List* all = sequence();
            result = Item::adopt(all);
            if (tuples.is_list()) {
                for (const Item& tuple : tuples.list().items) all->push(tuple.tuple().item);
            }
        }
    }
    if (node.keep_singleton) {
        if (result.is_list() && result.list().is_constructed && !result.list().is_sequence) {
            List* wrapper = sequence();
            const Item held = Item::adopt(wrapper);
            wrapper->push(result);
            result = held;
        }
        if (result.is_list()) result.list().keep_singleton = true;
    }
    if (node.has_group) {
        if (has_tuples && tuples.is_list()) tuples.list().is_tuple_stream = true;
        result = grouped(node.group, has_tuples ? tuples : result, frame);
    }
    return result;
}

Item Run::step(const Node& node, const Item& input, bool spread, Frame* frame, bool is_last) {
    if (node.kind == NodeKind::kSort) {
        Item all = input;
        if (!spread) {
            List* wrapped = sequence();
            all = Item::adopt(wrapped);
            if (!input.is_undefined()) wrapped->push(input);
        }
        return stages(node.stages, sorted(node, all, frame), frame);
    }
    List* all = sequence();
    Item result = Item::adopt(all);
    size_t count = 0;
    Item only;
    const size_t n = spread ? input.size() : 1;
    for (size_t i = 0; i < n; ++i) {
        Item one = evaluate(node, spread ? input.at(i) : input, frame);
        for (const Stage& stage : node.stages) one = filter(*stage.filter, one, frame);
        if (one.is_undefined()) continue;
        ++count;
        if (one.is_array() && !is_constructed(one)) {
            spend(one.size());
            all->push_all(one);
            if (count == 1) only = std::move(one);
        } else {
            if (count == 1 && one.is_array()) only = one;
            all->push(std::move(one));
        }
    }
    if (is_last && count == 1 && is_plain_array(only)) return only;
    return result;
}

Item Run::stages(const std::vector<Stage>& stages, Item input, Frame* frame) {
    for (const Stage& stage : stages) {
        if (stage.filter != nullptr) {
            input = filter(*stage.filter, input, frame);
            continue;
        }
        if (!input.is_list()) continue;
        List& list = input.list();
        for (size_t i = 0; i < list.size(); ++i) {
            if (list.items[i].tag() == Tag::kTuple) {
                list.items[i].tuple().set(stage.index, Item::integer(int64_t(i)));
            }
        }
    }
    return input;
}

Item Run::tuple_step(const Node& node, const Item& input, const Item& before, Frame* frame) {
    List* all = sequence();
    Item result = Item::adopt(all);
    all->is_tuple_stream = true;
    if (node.kind == NodeKind::kSort) {
        if (before.is_list()) {
            result = sorted(node, before, frame);
            if (result.is_list()) result.list().is_tuple_stream = true;
        } else {
            const Item order = sorted(node, input, frame);
            for (size_t i = 0; order.is_array() && i < order.size(); ++i) {
                Tuple* tuple = new Tuple(memory_);
                all->push(Item::adopt(tuple));
                tuple->item = order.at(i);
                if (node.index != 0) tuple->set(node.index, Item::integer(int64_t(i)));
            }
        }
        return stages(node.stages, std::move(result), frame);
    }
    const bool has_tuples = before.is_list();
    const size_t n = has_tuples ? before.size() : input.is_array() ? input.size() : 0;
    for (size_t i = 0; i < n; ++i) {
        const Item outer = has_tuples ? before.at(i) : Item();
        const Item context = has_tuples ? outer.tuple().item : input.at(i);
        const FrameRef inner(has_tuples ? frame_of(outer, frame) : new Frame(memory_, frame));
        const Item found = evaluate(node, context, inner.get());
        if (found.is_undefined()) continue;
        const bool is_stream = found.is_list() && found.list().is_tuple_stream;
        const size_t count = found.is_array() ? found.size() : 1;
        spend(count);
        for (size_t b = 0; b < count; ++b) {
            const Item one = found.is_array() ? found.at(b) : found;
            Tuple* tuple = new Tuple(memory_);
            all->push(Item::adopt(tuple));
            if (has_tuples) tuple->bindings = outer.tuple().bindings;
            if (is_stream) {
                tuple->item = one.tuple().item;
                for (const Binding& bound : one.tuple().bindings)
                    tuple->set(bound.symbol, bound.value);
                continue;
            }
            tuple->item = node.focus != 0 ? context : one;
            if (node.focus != 0) tuple->set(node.focus, one);
            if (node.index != 0) tuple->set(node.index, Item::integer(int64_t(b)));
            if (node.ancestor != nullptr) tuple->set(node.ancestor->label, context);
        }
    }
    return stages(node.stages, std::move(result), frame);
}

Item Run::filter(const Node& predicate, const Item& given, Frame* frame) {
    const bool tuples = given.is_list() && given.list().is_tuple_stream;
    const bool is_array = given.is_array();
    const size_t n = is_array ? given.size() : given.is_undefined() ? 0 : 1;
    const auto at = [&](size_t i) { return is_array ? given.at(i) : given; };
    List* kept = sequence();
    Item result = Item::adopt(kept);
    kept->is_tuple_stream = tuples;
    if (predicate.kind == NodeKind::kLiteral && predicate.constant.is_number()) {
        double index = std::floor(predicate.constant.as_double());
        if (index < 0) index += double(n);
        if (index < 0 || index >= double(n)) return result;
        Item item = at(size_t(index));
        if (item.is_array()) return item;
        if (!item.is_undefined()) kept->push(std::move(item));
        return result;
    }
    for (size_t i = 0; i < n; ++i) {
        Item item = at(i);
        const FrameRef inner(tuples ? frame_of(item, frame) : nullptr);
        const Item said =
            evaluate(predicate, tuples ? item.tuple().item : item, tuples ? inner.get() : frame);
        const auto points_here = [&](const Item& number) {
            double index = std::floor(number.as_double());
            if (index < 0) index += double(n);
            return index == double(i);
        };
        if (said.is_number()) {
            if (points_here(said)) kept->push(std::move(item));
            continue;
        }
        if (said.is_array()) {
            bool numbers = true;
            for (size_t k = 0; k < said.size() && numbers; ++k) numbers = said.at(k).is_number();
            if (numbers) {
                for (size_t k = 0; k < said.size(); ++k) {
                    if (points_here(said.at(k))) kept->push(item);
                }
                spend(said.size());
                continue;
            }
        }
        if (truth(said)) kept->push(std::move(item));
    }
    return result;
}

int Run::compare_terms(const Node& node, const Item& a, const Item& b, bool tuples, Frame* frame) {
    const FrameRef frame_a(tuples ? frame_of(a, frame) : nullptr);
    const FrameRef frame_b(tuples ? frame_of(b, frame) : nullptr);
    for (const Term& term : node.terms) {
        const Item left =
            evaluate(*term.expression, tuples ? a.tuple().item : a, tuples ? frame_a.get() : frame);
        const Item right =
            evaluate(*term.expression, tuples ? b.tuple().item : b, tuples ? frame_b.get() : frame);
        if (left.is_undefined() && right.is_undefined()) continue;
        if (left.is_undefined()) return 1;
        if (right.is_undefined()) return -1;
        if (!(left.is_text() || left.is_number()) || !(right.is_text() || right.is_number())) {
            fail_at(node.position, "T2008",
                    "The expressions within an order-by clause must evaluate to numeric or string "
                    "values");
        }
        if (left.is_text() != right.is_text()) {
            fail_at(node.position, "T2007",
                    "Type mismatch when comparing values " + shown(left) + " and " + shown(right) +
                        " in order-by clause");
        }
        int order = 0;
        if (left.is_text()) order = left.text().compare(right.text());
        else if (left.as_double() != right.as_double())
            order = left.as_double() < right.as_double() ? -1 : 1;
        if (order != 0) return (order < 0) != term.is_descending ? -1 : 1;
    }
    return 0;
}

Item Run::sorted(const Node& node, const Item& input, Frame* frame) {
    const bool tuples = input.is_list() && input.list().is_tuple_stream;
    return sort(input, [&](const Item& a, const Item& b) {
        return compare_terms(node, a, b, tuples, frame) > 0;
    });
}

/// Merge sort, stable, safe with comparisons that contradict each other.
Item Run::sort(const Item& array, const std::function<bool(const Item&, const Item&)>& after) {
    if (array.is_undefined()) return {};
    if (!array.is_array() || array.size() <= 1) return array;
    List* list = this->list();
    Item result = Item::adopt(list);
    list->push_all(array);
    std::vector<Item>& from = list->items;
    memory_.add(from.size() * sizeof(Item));
    std::vector<Item> to(from.size());
    const size_t n = from.size();
    for (size_t width = 1; width < n; width *= 2) {
        for (size_t low = 0; low < n; low += 2 * width) {
            size_t left = low, right = std::min(low + width, n);
            const size_t middle = right, high = std::min(low + 2 * width, n);
            for (size_t out = low; out < high; ++out) {
                spend(1);
                const bool take_right =
                    left == middle || (right < high && after(from[left], from[right]));
                to[out] = std::move(from[take_right ? right++ : left++]);
            }
        }
        from.swap(to);
    }
    memory_.sub(n * sizeof(Item));
    return result;
}

void Run::flatten_to(List& out, const Item& item, size_t depth) {
    if (!item.is_array()) return out.push(item);
    if (depth > kValueDepth) value_too_deep();
    spend(item.size());
    for (size_t i = 0; i < item.size(); ++i) flatten_to(out, item.at(i), depth + 1);
}

Item Run::wildcard(const Item& given) {
    const bool wrapped = given.is_list() && given.list().is_outer_wrapper && given.size() > 0;
    const Item input = wrapped ? given.at(0) : given;
    List* all = sequence();
    Item result = Item::adopt(all);
    const auto take = [&](const Item& value) {
        spend(1);
        if (value.is_array()) {
            flatten_to(*all, value, 0);
            all->is_sequence = false;  // as an appended array is none
        } else {
            all->push(value);
        }
    };
    if (input.is_array()) {
        for (size_t i = 0; i < input.size(); ++i) take(input.at(i));
    } else if (input.is_object()) {
        for_members(input, [&](const Item&, const Item& value) { take(value); });
    }
    return result;
}

void Run::descend_to(List& out, const Item& item, size_t depth) {
    if (depth > kValueDepth) value_too_deep();
    spend(1);
    if (!item.is_array()) out.push(item);
    if (item.is_array()) {
        for (size_t i = 0; i < item.size(); ++i) descend_to(out, item.at(i), depth + 1);
    } else if (item.is_object()) {
        for_members(item,
                    [&](const Item&, const Item& value) { descend_to(out, value, depth + 1); });
    }
}

}  // namespace tandem::jsonata
