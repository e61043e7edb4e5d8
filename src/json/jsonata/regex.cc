#include "json/jsonata/regex.h"

#include <re2/re2.h>

#include "json/jsonata/error.h"
#include "json/jsonata/run.h"
#include "json/jsonata/text.h"

namespace tandem::jsonata {

namespace {

constexpr int64_t kRegexBytes = 4 << 20;  // of a compiled expression and its states
constexpr size_t kGroupsMax = 100;

/// JavaScript's notation in RE2's: \uXXXX, (?<name>, \/.
std::string in_re2(std::string_view pattern) {
    std::string out;
    for (size_t i = 0; i < pattern.size(); ++i) {
        const bool escaped = pattern[i] == '\\' && i + 1 < pattern.size();
        if (escaped && pattern[i + 1] == 'u' && i + 5 < pattern.size()) {
            out += "\\x{" + std::string(pattern.substr(i + 2, 4)) + "}";
            i += 5;
        } else if (escaped) {
            out += pattern.substr(i, 2);
            ++i;
        } else if (pattern.compare(i, 3, "(?<") == 0 && i + 3 < pattern.size() &&
                   pattern[i + 3] != '=' && pattern[i + 3] != '!') {
            out += "(?P<";
            i += 2;
        } else if (pattern.compare(i, 3, "[^]") == 0) {
            out += "[\\x00-\\x{10FFFF}]";
            i += 2;
        } else {
            out += pattern[i];
        }
    }
    return out;
}

}  // namespace

std::shared_ptr<re2::RE2> compile_regex(std::string_view pattern, std::string_view flags,
                                        size_t position) {
    RE2::Options options;
    options.set_log_errors(false);
    options.set_max_mem(kRegexBytes);
    options.set_case_sensitive(flags.find('i') == std::string_view::npos);
    std::string text = in_re2(pattern);
    if (flags.find('m') != std::string_view::npos) text = "(?m)" + text;
    auto regex = std::make_shared<RE2>(text, options);
    if (!regex->ok()) {
        fail_at(position, "S0303", "Regular expression is not supported: " + regex->error(),
                std::string(pattern));
    }
    return regex;
}

Item Run::match_regex(const Item& function, const Item& text, size_t from) {
    const RE2& regex = *function.function().regex;
    const std::string_view whole = text.text();
    const size_t groups = std::min(size_t(regex.NumberOfCapturingGroups()), kGroupsMax) + 1;
    std::vector<re2::StringPiece> found(groups);
    spend(1 + (whole.size() - from) / 64);
    if (from > whole.size() ||
        !regex.Match(re2::StringPiece(whole.data(), whole.size()), from, whole.size(),
                     RE2::UNANCHORED, found.data(), int(groups))) {
        return {};
    }
    if (found[0].empty()) {
        fail("D1004", "Regular expression matches zero length string");
    }
    const size_t start = size_t(found[0].data() - whole.data());
    Record* match = record();
    Item result = Item::adopt(match);
    static const std::string kMatch = "match", kStart = "start", kEnd = "end", kGroups = "groups",
                             kNext = "next";
    match->set(Item::key(kMatch), this->text(std::string(found[0])));
    const size_t units = utf16_length(whole.substr(0, start));
    match->set(Item::key(kStart), Item::integer(int64_t(units)));
    match->set(Item::key(kEnd),
               Item::integer(int64_t(units + utf16_length({found[0].data(), found[0].size()}))));
    List* all = list();
    match->set(Item::key(kGroups), Item::adopt(all));
    for (size_t i = 1; i < groups; ++i) {
        all->push(found[i].data() == nullptr ? Item() : this->text(std::string(found[i])));
    }
    Function* next = new Function(memory_, Function::Kind::kNextMatch);
    match->set(Item::key(kNext), Item::adopt(next));
    next->parts = {function, text};
    next->from = start + found[0].size();
    return result;
}

}  // namespace tandem::jsonata
