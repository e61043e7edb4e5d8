// Functions of strings that need no pattern.
#include <cmath>

#include "json/jsonata/builtin.h"
#include "json/jsonata/error.h"
#include "json/jsonata/run.h"
#include "json/jsonata/text.h"

namespace tandem::jsonata {

namespace {

Item arg(const Arguments& a, size_t i) { return i < a.size() ? a[i] : Item(); }

/// Part of `whole`, without a copy where it is all of it.
Item part(Run& run, const Item& whole, size_t from, size_t to) {
    const std::string_view text = whole.text();
    if (from == 0 && to == text.size()) return whole;
    return run.text(std::string(text.substr(from, to > from ? to - from : 0)));
}

Item string(Run& run, Arguments& a, const Item&, Frame*) {
    const Item value = arg(a, 0);
    if (value.is_undefined() || value.is_text()) return value;
    if (!run.truth(arg(a, 1)) || value.is_number() || value.is_function()) {
        return run.text(run.string_of(value));
    }
    std::string out;
    const bool wrapped = value.is_list() && value.list().is_outer_wrapper;
    run.string_to(out, wrapped ? value.at(0) : value, 2);
    return run.text(std::move(out));
}

Item substring(Run& run, Arguments& a, const Item&, Frame*) {
    const Item whole = arg(a, 0);
    if (whole.is_undefined()) return {};
    const std::string_view text = whole.text();
    const double count = double(character_count(text));
    double start = arg(a, 1).is_number() ? std::trunc(arg(a, 1).as_double()) : 0;
    if (count + start < 0) start = 0;
    double end = count;
    const Item length = arg(a, 2);
    if (length.is_number()) {
        if (length.as_double() <= 0) return run.text("");
        end = std::trunc((start >= 0 ? start : count + start) + length.as_double());
    }
    if (start < 0) start += count;
    start = std::min(start, count);
    end = std::min(end, count);
    if (end <= start) return run.text("");
    const size_t from = offset_of_character(text, size_t(start));
    const size_t size = offset_of_character(text.substr(from), size_t(end - start));
    return part(run, whole, from, from + size);
}

Item before(Run& run, Arguments& a, const Item&, Frame*) {
    if (arg(a, 0).is_undefined()) return {};
    if (arg(a, 1).is_undefined()) return a[0];
    const size_t at = a[0].text().find(a[1].text());
    return at == std::string_view::npos ? a[0] : part(run, a[0], 0, at);
}

Item after(Run& run, Arguments& a, const Item&, Frame*) {
    if (arg(a, 0).is_undefined()) return {};
    if (arg(a, 1).is_undefined()) return a[0];
    const size_t at = a[0].text().find(a[1].text());
    return at == std::string_view::npos
               ? a[0]
               : part(run, a[0], at + a[1].text().size(), a[0].text().size());
}

Item lowercase(Run& run, Arguments& a, const Item&, Frame*) {
    return arg(a, 0).is_undefined() ? Item() : run.text(lower(a[0].text()));
}

Item uppercase(Run& run, Arguments& a, const Item&, Frame*) {
    return arg(a, 0).is_undefined() ? Item() : run.text(upper(a[0].text()));
}

Item length(Run& run, Arguments& a, const Item&, Frame*) {
    if (arg(a, 0).is_undefined()) return {};
    run.spend(a[0].text().size() / 64);
    return Item::integer(int64_t(character_count(a[0].text())));
}

Item trim(Run& run, Arguments& a, const Item&, Frame*) {
    if (arg(a, 0).is_undefined()) return {};
    std::string out;
    bool blank = false;
    for (const char c : a[0].text()) {
        if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
            blank = true;
            continue;
        }
        if (blank && !out.empty()) out += ' ';
        blank = false;
        out += c;
    }
    return run.text(std::move(out));
}

Item pad(Run& run, Arguments& a, const Item&, Frame*) {
    if (arg(a, 0).is_undefined()) return {};
    const std::string_view text = a[0].text();
    const double width = arg(a, 1).is_number() ? std::trunc(a[1].as_double()) : 0;
    const double missing = std::abs(width) - double(character_count(text));
    if (!(missing > 0)) return a[0];
    const std::string_view fill =
        arg(a, 2).is_text() && !a[2].text().empty() ? a[2].text() : std::string_view(" ");
    const size_t fill_count = std::max<size_t>(character_count(fill), 1);
    if (missing > double(run.options().bounds.bytes)) run.memory().add(size_t(1) << 62);
    std::string padding;
    size_t left = size_t(missing);
    for (; left >= fill_count; left -= fill_count) padding += fill;
    padding += fill.substr(0, offset_of_character(fill, left));
    run.spend(padding.size() / 64);
    return run.text(width > 0 ? std::string(text) + padding : padding + std::string(text));
}

Item join(Run& run, Arguments& a, const Item&, Frame*) {
    if (arg(a, 0).is_undefined()) return {};
    const Item array = a[0];
    const std::string_view between = arg(a, 1).is_text() ? a[1].text() : std::string_view();
    std::string out;
    const size_t n = array.size();
    for (size_t i = 0; i < n; ++i) {
        if (i > 0) out += between;
        const Item one = array.at(i);
        out += one.text();
        run.spend(1 + (between.size() + one.text().size()) / 64);
    }
    return run.text(std::move(out));
}

}  // namespace

void add_string_functions(Builtins& all) {
    all.push_back({"string", "<x-b?:s>", 1, string});
    all.push_back({"substring", "<s-nn?:s>", 3, substring});
    all.push_back({"substringBefore", "<s-s:s>", 2, before});
    all.push_back({"substringAfter", "<s-s:s>", 2, after});
    all.push_back({"lowercase", "<s-:s>", 1, lowercase});
    all.push_back({"uppercase", "<s-:s>", 1, uppercase});
    all.push_back({"length", "<s-:n>", 1, length});
    all.push_back({"trim", "<s-:s>", 1, trim});
    all.push_back({"pad", "<s-ns?:s>", 3, pad});
    all.push_back({"join", "<a<s>s?:s>", 2, join});
}

}  // namespace tandem::jsonata
