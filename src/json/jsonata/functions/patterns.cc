// Functions that look for a string or a pattern: $contains, $match, $replace, $split. A pattern is
// a regular expression or any function that answers as one does.
#include <cmath>
#include <optional>

#include "json/jsonata/builtin.h"
#include "json/jsonata/error.h"
#include "json/jsonata/run.h"
#include "json/jsonata/text.h"

namespace tandem::jsonata {

namespace {

Item arg(const Arguments& a, size_t i) { return i < a.size() ? a[i] : Item(); }

/// One match after the other. Positions are in UTF-16 units for the expression, bytes for us.
class Matches {
public:
    Matches(Run& run, const Item& text, const Item& pattern, Frame* frame)
        : run_(run), text_(text), pattern_(pattern), frame_(frame) {}

    bool next() {
        if (is_first_) {
            match_ = run_.apply(pattern_, {text_}, Item::null(), frame_);
        } else {
            const Item more = run_.lookup(match_, "next");
            match_ = run_.apply(more, {}, Item::null(), frame_);
        }
        is_first_ = false;
        if (match_.is_undefined() || match_.tag() == Tag::kNull) return false;
        const Item start = run_.lookup(match_, "start");
        if (!start.is_number() || !run_.lookup(match_, "match").is_text() ||
            !run_.lookup(match_, "next").is_function()) {
            fail("T1010",
                 "The matcher function argument passed to function {{token}} does not return the "
                 "correct object structure");
        }
        const size_t unit = size_t(std::max(0.0, start.as_double()));
        const std::string_view text = text_.text();
        for (; unit_ < unit && byte_ < text.size(); ++byte_) {
            if (!is_continuation(text[byte_])) {
                unit_ += static_cast<unsigned char>(text[byte_]) >= 0xF0 ? 2 : 1;
            }
        }
        while (byte_ < text.size() && is_continuation(text[byte_])) ++byte_;
        return true;
    }
    Item start() { return run_.lookup(match_, "start"); }
    Item text() { return run_.lookup(match_, "match"); }
    Item groups() { return run_.lookup(match_, "groups"); }
    const Item& whole() const { return match_; }
    size_t byte() const { return byte_; }

private:
    Run& run_;
    const Item& text_;
    const Item& pattern_;
    Frame* frame_;
    Item match_;
    bool is_first_ = true;
    size_t unit_ = 0;
    size_t byte_ = 0;
};

/// How many at most; nothing: as many as there are.
std::optional<double> limit_of(const Item& limit, const char* code, const char* message) {
    if (!limit.is_number()) return std::nullopt;
    if (limit.as_double() < 0) fail(code, message);
    return limit.as_double();
}

Item contains(Run& run, Arguments& a, const Item&, Frame* frame) {
    if (arg(a, 0).is_undefined()) return {};
    if (arg(a, 1).is_undefined()) return {};
    run.spend(a[0].text().size() / 64);
    if (a[1].is_text()) {
        return Item::boolean(a[0].text().find(a[1].text()) != std::string_view::npos);
    }
    const Item match = run.apply(a[1], {a[0]}, Item::null(), frame);
    return Item::boolean(!match.is_undefined() && match.tag() != Tag::kNull);
}

Item match(Run& run, Arguments& a, const Item&, Frame* frame) {
    if (arg(a, 0).is_undefined()) return {};
    const auto limit = limit_of(
        arg(a, 2), "D3040", "Third argument of match function must evaluate to a positive number");
    static const std::string kMatch = "match", kIndex = "index", kGroups = "groups";
    List* all = run.sequence();
    Item result = Item::adopt(all);
    Matches matches(run, a[0], a[1], frame);
    for (double n = 0; (!limit || n < *limit) && matches.next(); ++n) {
        Record* one = run.record();
        all->push(Item::adopt(one));
        one->set(Item::key(kMatch), matches.text());
        one->set(Item::key(kIndex), matches.start());
        one->set(Item::key(kGroups), matches.groups());
    }
    return result;
}

/// `$1` and `$$` in a replacement; the longest number that names a group counts.
std::string filled(Run& run, std::string_view replacement, const Item& match, const Item& groups) {
    std::string out;
    const size_t count = groups.is_array() ? groups.size() : 0;
    for (size_t i = 0; i < replacement.size(); ++i) {
        if (replacement[i] != '$' || i + 1 >= replacement.size()) {
            out += replacement[i];
            continue;
        }
        if (replacement[i + 1] == '$') {
            out += '$';
            ++i;
            continue;
        }
        if (replacement[i + 1] == '0') {
            out += match.text();
            ++i;
            continue;
        }
        size_t most = 1;
        for (size_t n = count; n >= 10; n /= 10) ++most;
        size_t digits = 0;
        while (digits < most && i + 1 + digits < replacement.size() &&
               replacement[i + 1 + digits] >= '0' && replacement[i + 1 + digits] <= '9') {
            ++digits;
        }
        if (digits == 0) {
            out += '$';
            continue;
        }
        const auto number = [&](size_t n) {
            return size_t(std::stoul(std::string(replacement.substr(i + 1, n))));
        };
        while (digits > 1 && number(digits) > count) --digits;
        const size_t group = number(digits);
        if (count > 0 && group >= 1 && group <= count) {
            const Item value = groups.at(group - 1);
            if (value.is_text()) out += value.text();
        }
        i += digits;
    }
    (void)run;
    return out;
}

Item replace(Run& run, Arguments& a, const Item&, Frame* frame) {
    if (arg(a, 0).is_undefined()) return {};
    const auto limit =
        limit_of(arg(a, 3), "D3011",
                 "Fourth argument of replace function must evaluate to a positive number");
    const std::string_view text = a[0].text();
    const Item pattern = arg(a, 1);
    const Item by = arg(a, 2);
    if (pattern.is_text() && pattern.text().empty()) {
        fail("D3010", "Second argument of replace function cannot be an empty string");
    }
    if (pattern.is_undefined() || by.is_undefined()) return a[0];
    std::string out;
    size_t at = 0;
    if (pattern.is_text()) {
        const std::string_view what = pattern.text();
        for (double n = 0; !limit || n < *limit; ++n) {
            const size_t found = text.find(what, at);
            if (found == std::string_view::npos) break;
            out += text.substr(at, found - at);
            if (by.is_text()) out += by.text();
            at = found + what.size();
            run.spend(1 + what.size() / 64);
        }
        return run.text(out.append(text.substr(at)));
    }
    Matches matches(run, a[0], pattern, frame);
    for (double n = 0; (!limit || n < *limit) && matches.next(); ++n) {
        const Item matched = matches.text();
        out += text.substr(at, matches.byte() - at);
        if (by.is_text()) {
            out += filled(run, by.text(), matched, matches.groups());
        } else {
            const Item made = run.apply(by, {matches.whole()}, Item::null(), frame);
            if (!made.is_text()) {
                fail("D3012", "Attempted to replace a matched string with a non-string value");
            }
            out += made.text();
        }
        at = std::min(text.size(), matches.byte() + matched.text().size());
        if (out.size() > run.options().bounds.bytes) run.memory().add(out.size());
    }
    return run.text(out.append(text.substr(at)));
}

Item split(Run& run, Arguments& a, const Item&, Frame* frame) {
    if (arg(a, 0).is_undefined()) return {};
    const auto limit = limit_of(
        arg(a, 2), "D3020", "Third argument of split function must evaluate to a positive number");
    const double most = limit ? std::floor(*limit) : HUGE_VAL;
    const std::string_view text = a[0].text();
    List* all = run.list();
    Item result = Item::adopt(all);
    const auto take = [&](size_t from, size_t to) {
        if (double(all->size()) < most)
            all->push(run.text(std::string(text.substr(from, to - from))));
        run.spend(1);
    };
    if (arg(a, 1).is_function()) {
        Matches matches(run, a[0], a[1], frame);
        size_t at = 0;
        while (double(all->size()) < most && matches.next()) {
            take(at, matches.byte());
            at = std::min(text.size(), matches.byte() + matches.text().text().size());
        }
        take(at, text.size());
        return result;
    }
    const std::string_view by = arg(a, 1).is_text() ? a[1].text() : std::string_view();
    if (arg(a, 1).is_undefined()) {
        take(0, text.size());
        return result;
    }
    if (by.empty()) {
        for (size_t i = 0; i < text.size() && double(all->size()) < most;) {
            size_t end = i + 1;
            while (end < text.size() && is_continuation(text[end])) ++end;
            take(i, end);
            i = end;
        }
        return result;
    }
    size_t at = 0;
    for (size_t found;
         double(all->size()) < most && (found = text.find(by, at)) != std::string_view::npos;) {
        take(at, found);
        at = found + by.size();
    }
    take(at, text.size());
    return result;
}

}  // namespace

void add_pattern_functions(Builtins& all) {
    all.push_back({"match", "<s-f<s:o>n?:a<o>>", 3, match});
    all.push_back({"contains", "<s-(sf):b>", 2, contains});
    all.push_back({"replace", "<s-(sf)(sf)n?:s>", 4, replace});
    all.push_back({"split", "<s-(sf)n?:a<s>>", 3, split});
}

}  // namespace tandem::jsonata
