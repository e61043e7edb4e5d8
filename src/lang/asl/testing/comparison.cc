#include "lang/asl/testing/comparison.h"

#include <regex>

namespace tandem::asl::testing {

namespace {

const std::regex& iso_date() {
    static const std::regex pattern(
        R"([1-9]\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:?\d\d))");
    return pattern;
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
    for (size_t at = text.find(from); at != std::string::npos;
         at = text.find(from, at + to.size())) {
        text.replace(at, from.size(), to);
    }
}

bool is_date_word(const std::string& text) {
    return text == "timestamp" || text == "datetime" || text == "date";
}

/// Length of the placeholder "<...>" at the start of `pattern`; 0 if there is none.
size_t placeholder(std::string_view pattern) {
    if (pattern.empty() || pattern[0] != '<') return 0;
    for (size_t i = 1; i < pattern.size(); ++i) {
        const char c = pattern[i];
        if (c == '>') return i > 1 ? i + 1 : 0;
        if (!std::isalnum(static_cast<unsigned char>(c)) &&
            std::string_view("_ .-:").find(c) == std::string_view::npos)
            return 0;
    }
    return 0;
}

int64_t id_of(const json::Value& event, std::string_view key) { return event.int_or(key, -1); }

json::Value without_ids(const json::Value& event) {
    json::Value copy = event;
    copy.mutable_object().erase("id");
    copy.mutable_object().erase("previousEventId");
    return copy;
}

}  // namespace

Comparison::Comparison(std::vector<std::pair<std::string, std::string>> substitutions,
                       std::set<std::string> any_text, bool any_order)
    : substitutions_(std::move(substitutions)),
      any_text_(std::move(any_text)),
      any_order_(any_order) {}

void Comparison::differ(const std::string& path, const std::string& expected,
                        const std::string& actual) {
    differences_.push_back(path + ": want " + expected.substr(0, 400) + " got " +
                           actual.substr(0, 400));
}

void Comparison::compare(const json::Value& expected, const json::Value& actual,
                         const std::string& path) {
    if (expected.is_string() &&
        (is_date_word(expected.as_string()) || any_text_.count(expected.as_string())))
        return;
    if (!expected.is_string() && actual.is_string()) {
        // Some recordings had their outputs parsed, whatever JSON they were.
        const auto parsed = json::parse(actual.as_string());
        if (parsed && !parsed->is_string()) return compare(expected, *parsed, path);
    }
    if (expected.is_object() && actual.is_object()) return compare_objects(expected, actual, path);
    if (expected.is_array() && actual.is_array()) return compare_arrays(expected, actual, path);
    if (expected.is_string() && actual.is_string())
        return compare_strings(expected.as_string(), actual.as_string(), path);
    if (expected != actual) differ(path, json::print(expected), json::print(actual));
}

void Comparison::compare_objects(const json::Value& expected, const json::Value& actual,
                                 const std::string& path) {
    for (const auto& [key, value] : expected.as_object()) {
        if (key == "ResponseMetadata") continue;
        const json::Value* other = actual.find(key);
        if (other == nullptr) differ(path + "." + key, json::print(value), "(absent)");
        else compare(value, *other, path + "." + key);
    }
    for (const auto& [key, value] : actual.as_object()) {
        if (expected.find(key) == nullptr) differ(path + "." + key, "(absent)", json::print(value));
    }
}

void Comparison::compare_arrays(const json::Value& expected, const json::Value& actual,
                                const std::string& path) {
    const json::Array& e = expected.as_array();
    const json::Array& a = actual.as_array();
    if (e.size() != a.size())
        return differ(path + ".length", std::to_string(e.size()),
                      std::to_string(a.size()) + " " + json::print(actual));
    if (any_order_ && path == "$.events") return compare_trees(expected, actual, 0, 0, path);
    for (size_t i = 0; i < e.size(); ++i) compare(e[i], a[i], path + "[" + std::to_string(i) + "]");
}

void Comparison::compare_trees(const json::Value& expected, const json::Value& actual,
                               int64_t expected_parent, int64_t actual_parent,
                               const std::string& path) {
    std::vector<const json::Value*> rest;
    for (const json::Value& event : actual.as_array()) {
        if (id_of(event, "previousEventId") == actual_parent) rest.push_back(&event);
    }
    for (const json::Value& wanted : expected.as_array()) {
        if (id_of(wanted, "previousEventId") != expected_parent) continue;
        const std::string at = path + "/" + std::string(wanted.string_or("type", "?"));
        bool found = false;
        for (size_t i = 0; i < rest.size() && !found; ++i) {
            const auto names = names_;
            const size_t before = differences_.size();
            compare(without_ids(wanted), without_ids(*rest[i]), at);
            compare_trees(expected, actual, id_of(wanted, "id"), id_of(*rest[i], "id"), at);
            found = differences_.size() == before;
            if (found) {
                rest.erase(rest.begin() + long(i));
            } else {
                names_ = names;
                differences_.resize(before);
            }
        }
        if (!found) differ(at, json::print(wanted), "(no such event)");
    }
    for (const json::Value* event : rest) differ(path, "(absent)", json::print(*event));
}

std::string Comparison::normalise(std::string text) const {
    text = std::regex_replace(text, iso_date(), "date");
    for (const auto& [pattern, replacement] : substitutions_) {
        // Replacements are plain text: '$' must not be read as a group.
        std::string plain = replacement;
        replace_all(plain, "$", "$$");
        text = std::regex_replace(text, std::regex(pattern), plain);
    }
    replace_all(text, "123456789012", "111111111111");
    replace_all(text, "arn:aws:", "arn:<partition>:");
    replace_all(text, "us-east-1", "<region>");
    return text;
}

void Comparison::compare_strings(const std::string& expected, const std::string& actual,
                                 const std::string& path) {
    const std::string text = normalise(actual);
    if (expected == text) return;
    auto names = names_;
    if (match(expected, text, names)) names_ = std::move(names);
    else differ(path, expected, text);
}

/// Placeholders take one character or more, the fewest that let the rest match.
bool Comparison::match(std::string_view pattern, std::string_view text,
                       std::map<std::string, std::string>& names) const {
    while (!pattern.empty()) {
        const size_t width = placeholder(pattern);
        const std::string name(pattern.substr(0, width));
        if (width == 0 || name == "<partition>" || name == "<region>") {
            if (text.empty() || text[0] != pattern[0]) return false;
            pattern.remove_prefix(1);
            text.remove_prefix(1);
            continue;
        }
        pattern.remove_prefix(width);
        const auto known = names.find(name);
        if (known != names.end()) {
            if (!text.starts_with(known->second)) return false;
            text.remove_prefix(known->second.size());
            continue;
        }
        for (size_t size = 1; size <= text.size(); ++size) {
            auto trial = names;
            trial[name] = std::string(text.substr(0, size));
            if (!match(pattern, text.substr(size), trial)) continue;
            names = std::move(trial);
            return true;
        }
        return false;
    }
    return text.empty();
}

json::Value parse_inner(const json::Value& value) {
    if (value.is_array()) {
        json::Array items;
        for (const json::Value& item : value.as_array())
            items.push_back(item.is_object() ? parse_inner(item) : item);
        return json::Value(std::move(items));
    }
    if (!value.is_object()) return value;
    json::Value result = json::Value::object();
    for (const auto& [key, member] : value.as_object()) {
        if (member.is_string() && member.as_string().starts_with("{")) {
            const auto parsed = json::parse(member.as_string());
            result.set(key, parsed ? *parsed : member);
        } else {
            result.set(key, parse_inner(member));
        }
    }
    return result;
}

}  // namespace tandem::asl::testing
