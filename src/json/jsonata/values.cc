// What is done with values: truth, equality, copies, text, and the way out.
#include <charconv>
#include <cmath>

#include "base/encoding.h"
#include "json/jsonata/error.h"
#include "json/jsonata/numbers.h"
#include "json/jsonata/run.h"

namespace tandem::jsonata {

namespace {

constexpr size_t kShownBytes = 200;

}  // namespace

std::string number_text(double d) {
    if (d == 0) return "0";
    char buffer[32];
    const auto [end, error] =
        std::to_chars(buffer, buffer + sizeof buffer, d, std::chars_format::scientific);
    std::string_view all(buffer, size_t(end - buffer));
    std::string out;
    if (all[0] == '-') {
        out = "-";
        all.remove_prefix(1);
    }
    const size_t e = all.find('e');
    std::string digits(1, all[0]);
    if (e > 2) digits += all.substr(2, e - 2);
    const int exponent = std::atoi(std::string(all.substr(e + 1)).c_str());
    const int n = int(digits.size());
    if (exponent >= 21 || exponent < -6) {
        out += digits[0];
        if (n > 1) out += '.' + digits.substr(1);
        return out + (exponent < 0 ? "e-" : "e+") + std::to_string(std::abs(exponent));
    }
    if (exponent < 0) return out + "0." + std::string(size_t(-exponent - 1), '0') + digits;
    if (n <= exponent + 1) return out + digits + std::string(size_t(exponent + 1 - n), '0');
    return out + digits.substr(0, size_t(exponent + 1)) + '.' + digits.substr(size_t(exponent + 1));
}

double to_15_digits(double d) {
    if (d == std::trunc(d)) return d;
    char buffer[40];
    std::snprintf(buffer, sizeof buffer, "%.15g", d);
    return std::strtod(buffer, nullptr);
}

bool Run::truth(const Item& item, size_t depth) {
    switch (item.tag()) {
        case Tag::kBool: return item.as_bool();
        case Tag::kInt: return item.as_int() != 0;
        case Tag::kDouble: return item.as_double() != 0;
        case Tag::kKeyRef:
        case Tag::kTextRef:
        case Tag::kText: return !item.text().empty();
        case Tag::kArrayRef:
        case Tag::kList: {
            if (depth > kValueDepth) value_too_deep();
            const size_t n = item.size();
            for (size_t i = 0; i < n; ++i) {
                spend(1);
                if (truth(item.at(i), depth + 1)) return true;
            }
            return false;
        }
        case Tag::kObjectRef: return !item.ref().as_object().empty();
        case Tag::kRecord: return !item.record().members.empty();
        case Tag::kUndefined:
        case Tag::kNull:
        case Tag::kFunction:
        case Tag::kTuple:
        case Tag::kFrame: return false;
    }
    return false;
}

bool Run::equal(const Item& a, const Item& b, size_t depth) {
    if (a.is_number() && b.is_number()) {
        return a.is_int() && b.is_int() ? a.as_int() == b.as_int() : a.as_double() == b.as_double();
    }
    if (a.is_text() && b.is_text()) return a.text() == b.text();
    if (depth > kValueDepth) value_too_deep();
    if (a.is_array() && b.is_array()) {
        const size_t n = a.size();
        if (n != b.size()) return false;
        spend(n);
        for (size_t i = 0; i < n; ++i) {
            if (!equal(a.at(i), b.at(i), depth + 1)) return false;
        }
        return true;
    }
    if (a.is_object() && b.is_object()) {
        size_t count_a = 0, count_b = 0;
        for_members(b, [&](const Item&, const Item&) { ++count_b; });
        bool same = true;
        for_members(a, [&](const Item& key, const Item& value) {
            ++count_a;
            if (!same) return;
            spend(1);
            const Item other = lookup(b, key.text());
            same = !other.is_undefined() && equal(value, other, depth + 1);
        });
        return same && count_a == count_b;
    }
    if (a.tag() != b.tag()) return false;
    if (a.is_bool()) return a.as_bool() == b.as_bool();
    if (a.is_function()) return a.heap() == b.heap();
    return a.tag() == Tag::kNull || a.tag() == Tag::kUndefined;
}

Item Run::append(const Item& a, const Item& b) {
    if (a.is_undefined()) return b;
    if (b.is_undefined()) return a;
    List* list = this->list();
    Item result = Item::adopt(list);
    for (const Item* each : {&a, &b}) {
        if (!each->is_array()) {
            list->push(*each);
            continue;
        }
        spend(each->size() / 8);
        list->push_all(*each);
    }
    return result;
}

Item Run::clone(const Item& item, size_t depth) {
    if (depth > kValueDepth) value_too_deep();
    spend(1);
    if (item.is_array()) {
        List* list = this->list();
        Item result = Item::adopt(list);
        const size_t n = item.size();
        list->reserve(n);
        for (size_t i = 0; i < n; ++i) list->push(clone(item.at(i), depth + 1));
        if (item.is_list() && item.list().is_outer_wrapper) return list->at(0);
        return result;
    }
    if (!item.is_object()) return item;
    Record* record = this->record();
    Item result = Item::adopt(record);
    for_members(item, [&](const Item& key, const Item& value) {
        record->set(key, clone(value, depth + 1));
    });
    return result;
}

void Run::string_to(std::string& out, const Item& item, int indent, size_t depth) {
    if (depth > kValueDepth) value_too_deep();
    if (out.size() > options_.bounds.bytes) memory_.add(out.size());
    spend(1);
    const auto line = [&](size_t level) {
        if (indent == 0) return;
        out += '\n';
        out.append(level * size_t(indent), ' ');
    };
    switch (item.tag()) {
        case Tag::kNull: out += "null"; return;
        case Tag::kBool: out += item.as_bool() ? "true" : "false"; return;
        case Tag::kInt: out += std::to_string(item.as_int()); return;
        case Tag::kDouble:
            if (!std::isfinite(item.as_double())) fail("D1001", "Number out of range: null");
            out += number_text(to_15_digits(item.as_double()));
            return;
        case Tag::kKeyRef:
        case Tag::kTextRef:
        case Tag::kText: json::print_string_to(out, item.text()); return;
        case Tag::kArrayRef:
        case Tag::kList: {
            out += '[';
            const size_t n = item.size();
            for (size_t i = 0; i < n; ++i) {
                if (i > 0) out += ',';
                line(depth + 1);
                string_to(out, item.at(i), indent, depth + 1);
            }
            if (n > 0) line(depth);
            out += ']';
            return;
        }
        case Tag::kObjectRef:
        case Tag::kRecord: {
            out += '{';
            bool first = true;
            for_members(item, [&](const Item& key, const Item& value) {
                if (!first) out += ',';
                first = false;
                line(depth + 1);
                json::print_string_to(out, key.text());
                out += indent == 0 ? ":" : ": ";
                string_to(out, value, indent, depth + 1);
            });
            if (!first) line(depth);
            out += '}';
            return;
        }
        case Tag::kFunction: out += "\"\""; return;
        case Tag::kUndefined:
        case Tag::kTuple:
        case Tag::kFrame: return;
    }
}

std::string Run::string_of(const Item& item) {
    if (item.is_undefined() || item.is_function()) return {};
    if (item.is_text()) return std::string(item.text());
    if (item.tag() == Tag::kDouble && !std::isfinite(item.as_double())) {
        fail("D3001", "Attempting to invoke string function on Infinity or NaN");
    }
    std::string out;
    const bool wrapped = item.is_list() && item.list().is_outer_wrapper && item.size() > 0;
    string_to(out, wrapped ? item.at(0) : item, 0);
    return out;
}

json::Value Run::export_value(const Item& item, size_t depth) {
    if (depth > kValueDepth) value_too_deep();
    spend(1);
    switch (item.tag()) {
        case Tag::kUndefined:
        case Tag::kTuple:
        case Tag::kFrame:
        case Tag::kNull: return {};
        case Tag::kBool: return json::Value(item.as_bool());
        case Tag::kInt: return json::Value(item.as_int());
        case Tag::kDouble:
            return std::isfinite(item.as_double()) ? json::Value(item.as_double()) : json::Value();
        case Tag::kKeyRef: return json::Value(std::string_view(item.text()));
        case Tag::kText: return json::Value(to_valid_utf8(std::string(item.text())));
        case Tag::kTextRef:
            if (!is_valid_utf8(item.text())) {
                return json::Value(to_valid_utf8(std::string(item.text())));
            }
            return item.ref();
        case Tag::kArrayRef:
        case Tag::kObjectRef: return item.ref();
        case Tag::kList: {
            const bool wrapped = item.list().is_outer_wrapper && item.size() > 0;
            if (wrapped) return export_value(item.at(0), depth + 1);
            json::Array array;
            const size_t n = item.size();
            memory_.add(n * sizeof(json::Value));
            array.reserve(n);
            for (size_t i = 0; i < n; ++i) array.push_back(export_value(item.at(i), depth + 1));
            return json::Value(std::move(array));
        }
        case Tag::kRecord: {
            json::Object object;
            for (const Record::Member& member : item.record().members) {
                if (member.value.is_function()) continue;
                memory_.add(sizeof(json::Member));
                object.set(to_valid_utf8(std::string(member.key.text())),
                           export_value(member.value, depth + 1));
            }
            return json::Value(std::move(object));
        }
        case Tag::kFunction: return json::Value("");
    }
    return {};
}

std::string quoted(std::string_view text) {
    std::string out;
    json::print_string_to(out, to_valid_utf8(std::string(text)));
    return out;
}

namespace {

void show_to(std::string& out, const Item& item) {
    if (out.size() > kShownBytes) return;
    if (item.is_text()) {
        out += quoted(item.text().substr(0, kShownBytes));
    } else if (item.is_number()) {
        out += item.is_int() ? std::to_string(item.as_int()) : number_text(item.as_double());
    } else if (item.is_bool()) {
        out += item.as_bool() ? "true" : "false";
    } else if (item.is_array()) {
        out += '[';
        for (size_t i = 0; i < item.size() && out.size() <= kShownBytes; ++i) {
            if (i > 0) out += ',';
            show_to(out, item.at(i));
        }
        out += ']';
    } else if (item.is_object()) {
        out += '{';
        bool first = true;
        for_members(item, [&](const Item& key, const Item& value) {
            if (out.size() > kShownBytes) return;
            if (!first) out += ',';
            first = false;
            out += quoted(key.text().substr(0, kShownBytes)) + ':';
            show_to(out, value);
        });
        out += '}';
    } else {
        out += item.tag() == Tag::kNull ? "null" : "\"\"";
    }
}

}  // namespace

std::string shown(const Item& item) {
    std::string out;
    show_to(out, item);
    return out;
}

void fail(const char* code, std::string message, std::string token) {
    throw Thrown{Failure{code, std::move(message), 0, std::move(token)}, false};
}

void fail_at(size_t position, const char* code, std::string message, std::string token) {
    throw Thrown{Failure{code, std::move(message), position, std::move(token)}, true};
}

}  // namespace tandem::jsonata
