// Functions that take functions.
#include "json/jsonata/builtin.h"
#include "json/jsonata/error.h"
#include "json/jsonata/run.h"

namespace tandem::jsonata {

namespace {

Item arg(const Arguments& a, size_t i) { return i < a.size() ? a[i] : Item(); }

Item map(Run& run, Arguments& a, const Item&, Frame* frame) {
    const Item array = arg(a, 0);
    if (array.is_undefined()) return {};
    List* all = run.sequence();
    Item result = Item::adopt(all);
    const size_t arity = Run::arity_of(a[1]);
    const size_t n = array.size();
    for (size_t i = 0; i < n; ++i) {
        run.spend(1);
        Item made =
            run.apply_up_to(a[1], arity, array.at(i), Item::integer(int64_t(i)), array, frame);
        if (!made.is_undefined()) all->push(std::move(made));
    }
    return result;
}

Item filter(Run& run, Arguments& a, const Item&, Frame* frame) {
    const Item array = arg(a, 0);
    if (array.is_undefined()) return {};
    List* all = run.sequence();
    Item result = Item::adopt(all);
    const size_t arity = Run::arity_of(a[1]);
    const size_t n = array.size();
    for (size_t i = 0; i < n; ++i) {
        run.spend(1);
        Item one = array.at(i);
        if (run.truth(run.apply_up_to(a[1], arity, one, Item::integer(int64_t(i)), array, frame))) {
            all->push(std::move(one));
        }
    }
    return result;
}

Item single(Run& run, Arguments& a, const Item&, Frame* frame) {
    const Item array = arg(a, 0);
    if (array.is_undefined()) return {};
    const Item function = arg(a, 1);
    const size_t arity = function.is_function() ? Run::arity_of(function) : 0;
    Item found;
    bool has_found = false;
    for (size_t i = 0; i < array.size(); ++i) {
        run.spend(1);
        Item one = array.at(i);
        if (function.is_function() &&
            !run.truth(
                run.apply_up_to(function, arity, one, Item::integer(int64_t(i)), array, frame))) {
            continue;
        }
        if (has_found) {
            fail("D3138",
                 "The $single() function expected exactly 1 matching result.  Instead it matched "
                 "more.");
        }
        has_found = true;
        found = std::move(one);
    }
    if (!has_found) {
        fail("D3139",
             "The $single() function expected exactly 1 matching result.  Instead it matched 0.");
    }
    return found;
}

Item reduce(Run& run, Arguments& a, const Item&, Frame* frame) {
    const Item array = arg(a, 0);
    if (array.is_undefined()) return {};
    const size_t arity = Run::arity_of(a[1]);
    if (arity < 2) {
        fail("D3050",
             "The second argument of reduce function must be a function with at least two "
             "arguments");
    }
    size_t i = 0;
    Item result = arg(a, 2);
    if (result.is_undefined() && array.size() > 0) result = array.at(i++);
    for (const size_t n = array.size(); i < n; ++i) {
        run.spend(1);
        Arguments arguments;
        arguments.reserve(4);
        arguments.push_back(std::move(result));
        arguments.push_back(array.at(i));
        if (arity >= 3) arguments.push_back(Item::integer(int64_t(i)));
        if (arity >= 4) arguments.push_back(array);
        result = run.apply(a[1], std::move(arguments), Item::null(), frame);
    }
    return result;
}

Item each(Run& run, Arguments& a, const Item&, Frame* frame) {
    const Item object = arg(a, 0);
    if (!object.is_object()) return {};
    List* all = run.sequence();
    Item result = Item::adopt(all);
    const size_t arity = Run::arity_of(arg(a, 1));
    for_members(object, [&](const Item& key, const Item& value) {
        run.spend(1);
        Item made = run.apply_up_to(a[1], arity, value, key, object, frame);
        if (!made.is_undefined()) all->push(std::move(made));
    });
    return result;
}

Item sift(Run& run, Arguments& a, const Item&, Frame* frame) {
    const Item object = arg(a, 0);
    const Item function = arg(a, 1);
    if (!object.is_object() || !function.is_function()) return {};
    Record* record = run.record();
    Item result = Item::adopt(record);
    const size_t arity = Run::arity_of(function);
    for_members(object, [&](const Item& key, const Item& value) {
        run.spend(1);
        if (run.truth(run.apply_up_to(function, arity, value, key, object, frame))) {
            record->set(key, value);
        }
    });
    return record->members.empty() ? Item() : result;
}

}  // namespace

void add_higher_order_functions(Builtins& all) {
    all.push_back({"map", "<af>", 2, map});
    all.push_back({"filter", "<af>", 2, filter});
    all.push_back({"single", "<af?>", 2, single});
    all.push_back({"reduce", "<afj?:j>", 3, reduce});
    all.push_back({"each", "<o-f:a>", 2, each});
    all.push_back({"sift", "<o-f?:o>", 2, sift});
}

}  // namespace tandem::jsonata
