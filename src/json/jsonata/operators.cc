// Operators: arithmetic, comparison, membership, concatenation, ranges.
#include <cmath>

#include "json/jsonata/error.h"
#include "json/jsonata/run.h"

namespace tandem::jsonata {

namespace {

constexpr int64_t kExactInt = int64_t(1) << 53;
constexpr double kRangeMax = 1e7;  // items, as the reference implementation allows

bool is_exact(int64_t i) { return i >= -kExactInt && i <= kExactInt; }

bool is_whole(const Item& item) {
    return item.is_int() || (item.is_number() && item.as_double() == std::trunc(item.as_double()) &&
                             std::isfinite(item.as_double()));
}

void check_finite(const Item& item) {
    if (item.tag() == Tag::kDouble && !std::isfinite(item.as_double())) {
        fail("D1001", "Number out of range: null");
    }
}

/// Equal as scalars, or one and the same array or object: what `in` looks for.
bool same(const Item& a, const Item& b) {
    if (a.is_number() && b.is_number()) return a.as_double() == b.as_double();
    if (a.is_text() && b.is_text()) return a.text() == b.text();
    if (a.tag() != b.tag()) return false;
    if (a.is_bool()) return a.as_bool() == b.as_bool();
    if (a.is_heap()) return a.heap() == b.heap();
    return a.tag() == Tag::kNull || &a.ref() == &b.ref();
}

}  // namespace

Item Run::negate(const Node& node, const Item& input, Frame* frame) {
    const Item value = evaluate(*node.left, input, frame);
    if (value.is_undefined()) return {};
    if (!value.is_number()) {
        fail_at(node.position, "D1002", "Cannot negate a non-numeric value: " + shown(value), "-");
    }
    if (value.is_int() && is_exact(value.as_int())) return Item::integer(-value.as_int());
    return Item::number(-value.as_double());
}

Item Run::binary(const Node& node, const Item& input, Frame* frame) {
    const Item a = evaluate(*node.left, input, frame);
    const Item b = evaluate(*node.right, input, frame);
    switch (node.op) {
        case Op::kAdd:
        case Op::kSubtract:
        case Op::kMultiply:
        case Op::kDivide:
        case Op::kRemainder: return arithmetic(node, a, b);
        case Op::kEqual:
        case Op::kUnequal:
            if (a.is_undefined() || b.is_undefined()) return Item::boolean(false);
            return Item::boolean(equal(a, b) == (node.op == Op::kEqual));
        case Op::kLess:
        case Op::kLessEqual:
        case Op::kGreater:
        case Op::kGreaterEqual: return ordering(node, a, b);
        case Op::kIn: {
            if (a.is_undefined() || b.is_undefined()) return Item::boolean(false);
            if (!b.is_array()) return Item::boolean(same(a, b));
            const size_t n = b.size();
            for (size_t i = 0; i < n; ++i) {
                if (same(a, b.at(i))) return Item::boolean(true);
                spend(1);
            }
            return Item::boolean(false);
        }
        case Op::kConcat: {
            std::string joined = string_of(a);
            joined += string_of(b);
            spend(joined.size() / 64);
            return text(std::move(joined));
        }
        case Op::kRange: return range(a, b);
        case Op::kNone: break;
    }
    return {};
}

Item Run::arithmetic(const Node& node, const Item& a, const Item& b) {
    const auto check = [&node](const Item& side, const char* code, const char* which) {
        if (side.is_undefined() || side.is_number()) return check_finite(side);
        fail_at(node.position, code,
                std::string("The ") + which +
                    " side of the {{token}} operator must evaluate to a number",
                node.text);
    };
    check(a, "T2001", "left");
    check(b, "T2002", "right");
    if (a.is_undefined() || b.is_undefined()) return {};
    if (a.is_int() && b.is_int() && is_exact(a.as_int()) && is_exact(b.as_int())) {
        const int64_t x = a.as_int(), y = b.as_int();
        int64_t z = 0;
        if (node.op == Op::kAdd && is_exact(z = x + y)) return Item::integer(z);
        if (node.op == Op::kSubtract && is_exact(z = x - y)) return Item::integer(z);
        if (node.op == Op::kMultiply && !__builtin_mul_overflow(x, y, &z) && is_exact(z)) {
            return Item::integer(z);
        }
        if (node.op == Op::kDivide && y != 0 && x % y == 0) return Item::integer(x / y);
        if (node.op == Op::kRemainder && y != 0) return Item::integer(x % y);
    }
    const double x = a.as_double(), y = b.as_double();
    if (node.op == Op::kAdd) return Item::number(x + y);
    if (node.op == Op::kSubtract) return Item::number(x - y);
    if (node.op == Op::kMultiply) return Item::number(x * y);
    if (node.op == Op::kDivide) return Item::number(x / y);
    return Item::number(std::fmod(x, y));
}

Item Run::ordering(const Node& node, const Item& a, const Item& b) {
    const auto comparable = [](const Item& item) {
        return item.is_undefined() || item.is_text() || item.is_number();
    };
    if (!comparable(a) || !comparable(b)) {
        fail_at(node.position, "T2010",
                "The expressions either side of operator {{token}} must evaluate to numeric or "
                "string values",
                node.text);
    }
    if (a.is_undefined() || b.is_undefined()) return {};
    if (a.is_text() != b.is_text()) {
        fail_at(node.position, "T2009",
                "The values " + shown(a) + " and " + shown(b) +
                    " either side of operator {{token}} must be of the same data type",
                node.text);
    }
    int order = 0;
    if (a.is_text()) {
        order = a.text().compare(b.text());
    } else {
        const double x = a.as_double(), y = b.as_double();
        order = x < y ? -1 : x > y ? 1 : 0;
    }
    if (node.op == Op::kLess) return Item::boolean(order < 0);
    if (node.op == Op::kLessEqual) return Item::boolean(order <= 0);
    if (node.op == Op::kGreater) return Item::boolean(order > 0);
    return Item::boolean(order >= 0);
}

Item Run::range(const Item& a, const Item& b) {
    if (!a.is_undefined() && !is_whole(a)) {
        fail("T2003", "The left side of the range operator (..) must evaluate to an integer");
    }
    if (!b.is_undefined() && !is_whole(b)) {
        fail("T2004", "The right side of the range operator (..) must evaluate to an integer");
    }
    if (a.is_undefined() || b.is_undefined()) return {};
    const double first = a.as_double(), last = b.as_double();
    if (first > last) return {};
    const double count = last - first + 1;
    if (count > kRangeMax) {
        fail("D2014",
             "The size of the sequence allocated by the range operator (..) must not exceed 1e6.  "
             "Attempted to allocate " +
                 shown(Item::number(count)) + ".");
    }
    List* list = sequence();
    list->is_range = true;
    list->start = int64_t(first);
    list->count = size_t(count);
    return Item::adopt(list);
}

}  // namespace tandem::jsonata
