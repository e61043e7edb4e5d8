// Functions of objects and of any value.
#include "json/jsonata/builtin.h"
#include "json/jsonata/error.h"
#include "json/jsonata/run.h"

namespace tandem::jsonata {

namespace {

Item arg(const Arguments& a, size_t i) { return i < a.size() ? a[i] : Item(); }

Item boolean(Run& run, Arguments& a, const Item&, Frame*) {
    return arg(a, 0).is_undefined() ? Item() : Item::boolean(run.truth(a[0]));
}

Item negated(Run& run, Arguments& a, const Item&, Frame*) {
    return arg(a, 0).is_undefined() ? Item() : Item::boolean(!run.truth(a[0]));
}

Item exists(Run&, Arguments& a, const Item&, Frame*) {
    return Item::boolean(!arg(a, 0).is_undefined());
}

Item keys(Run& run, Arguments& a, const Item&, Frame*) {
    List* all = run.sequence();
    Item result = Item::adopt(all);
    Record* seen = run.record();
    const Item seen_item = Item::adopt(seen);
    const auto take = [&](const Item& object) {
        if (!object.is_object()) return;
        for_members(object, [&](const Item& key, const Item&) {
            run.spend(1);
            if (seen->find(key.text()) != nullptr) return;
            seen->set(key, Item::null());
            all->push(key);
        });
    };
    const Item value = arg(a, 0);
    if (!value.is_array()) {
        take(value);
        return result;
    }
    for (size_t i = 0; i < value.size(); ++i) {
        Arguments one = {value.at(i)};
        const Item inner = one[0].is_array() ? keys(run, one, {}, nullptr) : Item();
        if (!one[0].is_array()) take(one[0]);
        for (size_t k = 0; inner.is_array() && k < inner.size(); ++k) {
            const Item key = inner.at(k);
            if (seen->find(key.text()) != nullptr) continue;
            seen->set(key, Item::null());
            all->push(key);
        }
    }
    return result;
}

Item lookup(Run& run, Arguments& a, const Item&, Frame*) {
    return arg(a, 1).is_text() ? run.lookup(arg(a, 0), a[1].text()) : Item();
}

void spread_to(Run& run, List& all, const Item& value, size_t depth) {
    if (depth > kValueDepth) run.value_too_deep();
    if (value.is_array()) {
        for (size_t i = 0; i < value.size(); ++i) spread_to(run, all, value.at(i), depth + 1);
    } else if (value.is_object()) {
        for_members(value, [&](const Item& key, const Item& member) {
            run.spend(1);
            Record* one = run.record();
            all.push(Item::adopt(one));
            one->set(key, member);
        });
    } else if (!value.is_undefined()) {
        all.push(value);
    }
}

Item spread(Run& run, Arguments& a, const Item&, Frame*) {
    const Item value = arg(a, 0);
    if (!value.is_array() && !value.is_object()) return value;
    List* all = run.sequence();
    Item result = Item::adopt(all);
    spread_to(run, *all, value, 0);
    return result;
}

Item merge(Run& run, Arguments& a, const Item&, Frame*) {
    const Item value = arg(a, 0);
    if (value.is_undefined()) return {};
    Record* record = run.record();
    Item result = Item::adopt(record);
    for (size_t i = 0; i < value.size(); ++i) {
        const Item one = value.at(i);
        if (!one.is_object()) continue;
        for_members(one, [&](const Item& key, const Item& member) {
            run.spend(1);
            record->set(key, member);
        });
    }
    return result;
}

Item clone(Run& run, Arguments& a, const Item&, Frame*) {
    return arg(a, 0).is_undefined() ? Item() : run.clone(a[0]);
}

Item type(Run& run, Arguments& a, const Item&, Frame*) {
    const Item value = arg(a, 0);
    if (value.is_undefined()) return {};
    const char* name = "null";
    if (value.is_number()) name = "number";
    else if (value.is_text()) name = "string";
    else if (value.is_bool()) name = "boolean";
    else if (value.is_array()) name = "array";
    else if (value.is_function()) name = "function";
    else if (value.is_object()) name = "object";
    return run.text(name);
}

std::string message_or(const Item& message, const char* standard) {
    return message.is_text() ? std::string(message.text()) : std::string(standard);
}

Item error(Run&, Arguments& a, const Item&, Frame*) {
    fail("D3137", message_or(arg(a, 0), "$error() function evaluated"));
}

Item assert_that(Run&, Arguments& a, const Item&, Frame*) {
    if (!(arg(a, 0).is_bool() && a[0].as_bool())) {
        fail("D3141", message_or(arg(a, 1), "$assert() statement failed"));
    }
    return {};
}

Item eval(Run& run, Arguments& a, const Item& context, Frame* frame) {
    return arg(a, 0).is_undefined() ? Item() : run.eval(a[0], arg(a, 1), context, frame);
}

}  // namespace

void add_object_functions(Builtins& all) {
    all.push_back({"boolean", "<x-:b>", 1, boolean});
    all.push_back({"not", "<x-:b>", 1, negated});
    all.push_back({"exists", "<x:b>", 1, exists});
    all.push_back({"keys", "<x-:a<s>>", 1, keys});
    all.push_back({"lookup", "<x-s:x>", 2, lookup});
    all.push_back({"spread", "<x-:a<o>>", 1, spread});
    all.push_back({"merge", "<a<o>:o>", 1, merge});
    all.push_back({"clone", "<(oa)-:o>", 1, clone});
    all.push_back({"type", "<x:s>", 1, type});
    all.push_back({"error", "<s?:x>", 1, error});
    all.push_back({"assert", "<bs?:x>", 2, assert_that});
    all.push_back({"eval", "<sx?:x>", 2, eval, In::kReferenceOnly});
}

}  // namespace tandem::jsonata
