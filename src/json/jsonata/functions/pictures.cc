// The functions whose work is done by pictures, and those of time.
#include <cmath>

#include "json/jsonata/builtin.h"
#include "json/jsonata/datetime.h"
#include "json/jsonata/error.h"
#include "json/jsonata/format_integer.h"
#include "json/jsonata/format_number.h"
#include "json/jsonata/picture_text.h"
#include "json/jsonata/run.h"

namespace tandem::jsonata {

namespace {

Item arg(const Arguments& a, size_t i) { return i < a.size() ? a[i] : Item(); }

std::string_view text_or_empty(const Item& item) {
    return item.is_text() ? item.text() : std::string_view();
}

std::optional<std::string_view> optional_text(const Item& item) {
    return item.is_text() ? std::optional(item.text()) : std::nullopt;
}

Item format_number(Run& run, Arguments& a, const Item&, Frame*) {
    if (arg(a, 0).is_undefined()) return {};
    const json::Value options = run.export_value(arg(a, 2));
    return run.text(value_or_throw(jsonata::format_number(
        a[0].as_double(), text_or_empty(arg(a, 1)), options.is_object() ? &options : nullptr)));
}

Item format_base(Run& run, Arguments& a, const Item&, Frame*) {
    if (arg(a, 0).is_undefined()) return {};
    const double radix = arg(a, 1).is_number() ? round_half_even(a[1].as_double(), 0) : 10;
    const int64_t within = std::abs(radix) < 1e6 ? int64_t(radix) : 0;
    return run.text(value_or_throw(jsonata::format_base(a[0].as_double(), within)));
}

Item format_integer(Run& run, Arguments& a, const Item&, Frame*) {
    if (arg(a, 0).is_undefined()) return {};
    return run.text(value_or_throw(
        jsonata::format_integer(std::floor(a[0].as_double()), text_or_empty(arg(a, 1)))));
}

Item parse_integer(Run&, Arguments& a, const Item&, Frame*) {
    if (arg(a, 0).is_undefined()) return {};
    const auto value =
        value_or_throw(jsonata::parse_integer(a[0].text(), text_or_empty(arg(a, 1))));
    return value ? Item::number(*value) : Item();
}

Item from(Run& run, double millis, const Item& picture, const Item& zone) {
    constexpr double kMillisMax = 8.64e15;  // of a JavaScript Date
    if (!(std::abs(millis) <= kMillisMax)) {
        fail("D3110", "The argument of the fromMillis function must be a moment that has a date");
    }
    return run.text(
        value_or_throw(from_millis(int64_t(millis), optional_text(picture), optional_text(zone))));
}

Item from_millis_of(Run& run, Arguments& a, const Item&, Frame*) {
    if (arg(a, 0).is_undefined()) return {};
    return from(run, a[0].as_double(), arg(a, 1), arg(a, 2));
}

Item to_millis_of(Run& run, Arguments& a, const Item&, Frame*) {
    if (arg(a, 0).is_undefined()) return {};
    const auto millis = value_or_throw(
        to_millis(a[0].text(), optional_text(arg(a, 1)), tandem::to_millis(run.options().now)));
    return millis ? Item::integer(*millis) : Item();
}

Item now(Run& run, Arguments& a, const Item&, Frame*) {
    return from(run, double(tandem::to_millis(run.options().now)), arg(a, 0), arg(a, 1));
}

Item millis(Run& run, Arguments&, const Item&, Frame*) {
    return Item::integer(tandem::to_millis(run.options().now));
}

}  // namespace

void add_picture_functions(Builtins& all) {
    all.push_back({"formatNumber", "<n-so?:s>", 3, format_number});
    all.push_back({"formatBase", "<n-n?:s>", 2, format_base});
    all.push_back({"formatInteger", "<n-s:s>", 2, format_integer});
    all.push_back({"parseInteger", "<s-s:n>", 2, parse_integer});
    all.push_back({"fromMillis", "<n-s?s?:s>", 3, from_millis_of});
    all.push_back({"toMillis", "<s-s?:n>", 2, to_millis_of});
    all.push_back({"now", "<s?s?:s>", 2, now});
    all.push_back({"millis", "<:n>", 0, millis});
}

}  // namespace tandem::jsonata
