// Functions of arrays.
#include "json/jsonata/builtin.h"
#include "json/jsonata/error.h"
#include "json/jsonata/run.h"

namespace tandem::jsonata {

namespace {

Item arg(const Arguments& a, size_t i) { return i < a.size() ? a[i] : Item(); }

Item count(Run&, Arguments& a, const Item&, Frame*) {
    return Item::integer(arg(a, 0).is_array() ? int64_t(a[0].size()) : 0);
}

Item append(Run& run, Arguments& a, const Item&, Frame*) {
    return run.append(arg(a, 0), arg(a, 1));
}

Item reverse(Run& run, Arguments& a, const Item&, Frame*) {
    const Item array = arg(a, 0);
    if (!array.is_array() || array.size() <= 1) return array;
    List* list = run.list();
    Item result = Item::adopt(list);
    const size_t n = array.size();
    run.spend(n);
    list->reserve(n);
    for (size_t i = n; i-- > 0;) list->push(array.at(i));
    return result;
}

Item shuffle(Run& run, Arguments& a, const Item&, Frame*) {
    const Item array = arg(a, 0);
    if (!array.is_array() || array.size() <= 1) return array;
    List* list = run.list();
    Item result = Item::adopt(list);
    list->push_all(array);
    run.spend(list->size());
    for (size_t i = list->size() - 1; i > 0; --i) {
        std::swap(list->items[i], list->items[size_t(run.random().next() % (i + 1))]);
    }
    return result;
}

/// A key that equal values share; finds the few that must be compared.
uint64_t hash_of(const Item& item) {
    if (item.is_text()) return std::hash<std::string_view>()(item.text());
    if (item.is_number()) return std::hash<double>()(item.as_double() + 0.0);
    if (item.is_array()) return 7 + item.size();
    if (item.is_object()) {
        uint64_t sum = 11;
        for_members(item, [&](const Item& key, const Item& value) {
            sum += std::hash<std::string_view>()(key.text()) * 31;
            if (value.is_text() || value.is_number()) sum ^= hash_of(value) * 17;
        });
        return sum;
    }
    return item.is_bool() ? 3 + item.as_bool() : 5;
}

Item distinct(Run& run, Arguments& a, const Item&, Frame*) {
    const Item array = arg(a, 0);
    if (!array.is_array() || array.size() <= 1) return array;
    List* list = run.list();
    Item result = Item::adopt(list);
    list->is_sequence = array.is_sequence();
    std::unordered_multimap<uint64_t, size_t> seen;
    const size_t n = array.size();
    for (size_t i = 0; i < n; ++i) {
        Item one = array.at(i);
        const uint64_t hash = hash_of(one);
        bool is_new = true;
        const auto [first, last] = seen.equal_range(hash);
        for (auto it = first; it != last && is_new; ++it) {
            run.spend(1);
            is_new = !run.equal(one, list->items[it->second]);
        }
        run.spend(1);
        if (!is_new) continue;
        seen.emplace(hash, list->size());
        list->push(std::move(one));
    }
    return result;
}

bool all_are(const Item& array, bool (Item::*is)() const) {
    for (size_t i = 0; i < array.size(); ++i) {
        const Item one = array.at(i);
        if (!(one.*is)()) return false;
    }
    return true;
}

Item sort(Run& run, Arguments& a, const Item&, Frame* frame) {
    const Item array = arg(a, 0);
    const Item after = arg(a, 1);
    if (!array.is_array() || array.size() <= 1) return array;
    if (after.is_function()) {
        return run.sort(array, [&](const Item& x, const Item& y) {
            return run.truth(run.apply(after, {x, y}, Item::null(), frame));
        });
    }
    if (all_are(array, &Item::is_number)) {
        return run.sort(array,
                        [](const Item& x, const Item& y) { return x.as_double() > y.as_double(); });
    }
    if (!all_are(array, &Item::is_text)) {
        fail("D3070",
             "The single argument form of the sort function can only be applied to an array of "
             "strings or an array of numbers.  Use the second argument to specify a comparison "
             "function");
    }
    return run.sort(array, [](const Item& x, const Item& y) { return x.text() > y.text(); });
}

Item zip(Run& run, Arguments& a, const Item&, Frame*) {
    List* list = run.list();
    Item result = Item::adopt(list);
    size_t shortest = a.empty() ? 0 : SIZE_MAX;
    for (const Item& array : a) {
        shortest = std::min(shortest, array.is_array() ? array.size() : size_t(0));
    }
    for (size_t i = 0; i < shortest; ++i) {
        List* row = run.list();
        list->push(Item::adopt(row));
        run.spend(a.size());
        for (const Item& array : a) row->push(array.at(i));
    }
    return result;
}

}  // namespace

void add_array_functions(Builtins& all) {
    all.push_back({"count", "<a:n>", 1, count});
    all.push_back({"append", "<xx:a>", 2, append});
    all.push_back({"reverse", "<a:a>", 1, reverse});
    all.push_back({"shuffle", "<a:a>", 1, shuffle});
    all.push_back({"distinct", "<x:x>", 1, distinct});
    all.push_back({"sort", "<af?:a>", 2, sort});
    all.push_back({"zip", "<a+>", 0, zip});
}

}  // namespace tandem::jsonata
