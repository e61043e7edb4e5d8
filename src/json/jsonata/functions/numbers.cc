// Functions of numbers.
#include <cmath>

#include <re2/re2.h>

#include "json/jsonata/builtin.h"
#include "json/jsonata/error.h"
#include "json/jsonata/picture_text.h"
#include "json/jsonata/run.h"

namespace tandem::jsonata {

namespace {

Item arg(const Arguments& a, size_t i) { return i < a.size() ? a[i] : Item(); }

/// Digits of a base of 2, 8 or 16, after "0b", "0o" or "0x".
std::optional<double> in_base(std::string_view text) {
    if (text.size() < 3 || text[0] != '0') return std::nullopt;
    const char mark = char(text[1] | 0x20);
    const int base = mark == 'x' ? 16 : mark == 'o' ? 8 : mark == 'b' ? 2 : 0;
    if (base == 0) return std::nullopt;
    double value = 0;
    for (const char c : text.substr(2)) {
        const char low = char(c | 0x20);
        int digit = 99;
        if (c >= '0' && c <= '9') digit = c - '0';
        else if (low >= 'a' && low <= 'f') digit = low - 'a' + 10;
        if (digit >= base) return std::nullopt;
        value = value * base + digit;
    }
    return value;
}

bool is_decimal(std::string_view t) {
    size_t i = 0;
    const auto digits = [&] {
        const size_t start = i;
        while (i < t.size() && t[i] >= '0' && t[i] <= '9') ++i;
        return i > start;
    };
    if (i < t.size() && t[i] == '-') ++i;
    if (!digits()) return false;
    if (i < t.size() && t[i] == '.') {
        ++i;
        if (!digits()) return false;
    }
    if (i < t.size() && (t[i] == 'e' || t[i] == 'E')) {
        ++i;
        if (i < t.size() && (t[i] == '+' || t[i] == '-')) ++i;
        if (!digits()) return false;
    }
    return i == t.size();
}

Item number(Run&, Arguments& a, const Item&, Frame*) {
    const Item value = arg(a, 0);
    if (value.is_undefined() || value.is_number()) return value;
    if (value.is_bool()) return Item::integer(value.as_bool() ? 1 : 0);
    if (value.is_text()) {
        const std::string_view text = value.text();
        if (is_decimal(text)) {
            const double d = std::strtod(std::string(text).c_str(), nullptr);
            if (std::isfinite(d)) return Item::number(d);
        } else if (const auto d = in_base(text)) {
            return Item::number(*d);
        }
    }
    fail("D3030", "Unable to cast value to a number: " + shown(value));
}

template <class F>
Item rounded(const Arguments& a, F&& f) {
    const Item value = arg(a, 0);
    if (value.is_undefined() || value.is_int()) return value;
    return Item::number(f(value.as_double()));
}

Item floor(Run&, Arguments& a, const Item&, Frame*) {
    return rounded(a, [](double d) { return std::floor(d); });
}
Item ceil(Run&, Arguments& a, const Item&, Frame*) {
    return rounded(a, [](double d) { return std::ceil(d); });
}
Item abs(Run&, Arguments& a, const Item&, Frame*) {
    const Item value = arg(a, 0);
    return value.is_undefined() ? Item() : Item::number(std::abs(value.as_double()));
}

Item round(Run&, Arguments& a, const Item&, Frame*) {
    const Item value = arg(a, 0);
    if (value.is_undefined()) return {};
    const double places = arg(a, 1).is_number() ? std::trunc(a[1].as_double()) : 0;
    if (!std::isfinite(value.as_double())) return value;
    const int within = int(std::max(-400.0, std::min(400.0, places)));
    return Item::number(round_half_even(value.as_double(), within));
}

Item sqrt(Run&, Arguments& a, const Item&, Frame*) {
    const Item value = arg(a, 0);
    if (value.is_undefined()) return {};
    if (value.as_double() < 0) {
        fail("D3060", "The sqrt function cannot be applied to a negative number: " + shown(value));
    }
    return Item::number(std::sqrt(value.as_double()));
}

Item power(Run&, Arguments& a, const Item&, Frame*) {
    const Item base = arg(a, 0), exponent = arg(a, 1);
    if (base.is_undefined()) return {};
    const double result =
        exponent.is_number() ? std::pow(base.as_double(), exponent.as_double()) : NAN;
    if (!std::isfinite(result)) {
        fail("D3061",
             "The power function has resulted in a value that cannot be represented as a JSON "
             "number: base=" +
                 shown(base) + ", exponent=" + shown(exponent));
    }
    return Item::number(result);
}

template <class F>
Item folded(Run& run, const Arguments& a, F&& f) {
    const Item array = arg(a, 0);
    if (array.is_undefined()) return {};
    const size_t n = array.size();
    run.spend(n);
    return f(array, n);
}

Item sum(Run& run, Arguments& a, const Item&, Frame*) {
    return folded(run, a, [](const Item& array, size_t n) {
        double total = 0;
        for (size_t i = 0; i < n; ++i) total += array.at(i).as_double();
        return Item::number(total);
    });
}

Item average(Run& run, Arguments& a, const Item&, Frame*) {
    return folded(run, a, [](const Item& array, size_t n) {
        if (n == 0) return Item();
        double total = 0;
        for (size_t i = 0; i < n; ++i) total += array.at(i).as_double();
        return Item::number(total / double(n));
    });
}

Item max(Run& run, Arguments& a, const Item&, Frame*) {
    return folded(run, a, [](const Item& array, size_t n) {
        Item best = n > 0 ? array.at(0) : Item();
        for (size_t i = 1; i < n; ++i) {
            if (array.at(i).as_double() > best.as_double()) best = array.at(i);
        }
        return best;
    });
}

Item min(Run& run, Arguments& a, const Item&, Frame*) {
    return folded(run, a, [](const Item& array, size_t n) {
        Item best = n > 0 ? array.at(0) : Item();
        for (size_t i = 1; i < n; ++i) {
            if (array.at(i).as_double() < best.as_double()) best = array.at(i);
        }
        return best;
    });
}

Item random(Run& run, Arguments&, const Item&, Frame*) {
    return Item::real(run.random().next_double());
}

}  // namespace

void add_number_functions(Builtins& all) {
    all.push_back({"number", "<(nsb)-:n>", 1, number});
    all.push_back({"floor", "<n-:n>", 1, floor});
    all.push_back({"ceil", "<n-:n>", 1, ceil});
    all.push_back({"round", "<n-n?:n>", 2, round});
    all.push_back({"abs", "<n-:n>", 1, abs});
    all.push_back({"sqrt", "<n-:n>", 1, sqrt});
    all.push_back({"power", "<n-n:n>", 2, power});
    all.push_back({"sum", "<a<n>:n>", 1, sum});
    all.push_back({"average", "<a<n>:n>", 1, average});
    all.push_back({"max", "<a<n>:n>", 1, max});
    all.push_back({"min", "<a<n>:n>", 1, min});
    all.push_back({"random", "<:n>", 0, random, In::kReferenceOnly});
}

}  // namespace tandem::jsonata
