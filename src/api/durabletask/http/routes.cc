#include "api/durabletask/http/routes.h"

#include <algorithm>
#include <vector>

#include "base/encoding.h"

namespace tandem::durabletask::http {

namespace {

// Today's, and the one of the first version.
constexpr std::string_view kBases[] = {"/runtime/webhooks/durabletask",
                                       "/admin/extensions/DurableTaskExtension"};

std::string_view base_of(std::string_view path) {
    for (const std::string_view base : kBases) {
        const bool ends = path.size() <= base.size() || path[base.size()] == '/';
        if (ends && is_same_word(path.substr(0, base.size()), base)) return base;
    }
    return {};
}

std::vector<std::string_view> split(std::string_view path) {
    std::vector<std::string_view> parts;
    while (!path.empty()) {
        path.remove_prefix(1);  // the slash
        const size_t end = std::min(path.find('/'), path.size());
        parts.push_back(path.substr(0, end));
        path.remove_prefix(end);
    }
    if (!parts.empty() && parts.back().empty()) parts.pop_back();
    return parts;
}

Operation change_of(std::string_view word) {
    constexpr std::pair<std::string_view, Operation> kChanges[] = {
        {"terminate", Operation::kTerminate}, {"suspend", Operation::kSuspend},
        {"resume", Operation::kResume},       {"rewind", Operation::kRewind},
        {"restart", Operation::kRestart},
    };
    for (const auto& [name, operation] : kChanges) {
        if (is_same_word(word, name)) return operation;
    }
    return Operation::kUnknown;
}

struct Parts {
    bool is_get, is_post, is_delete;
    std::vector<std::string_view> words;
    bool begins_with(std::string_view word) const {
        return !words.empty() && is_same_word(words[0], word);
    }
};

/// `instance` and `name`: which parts are those, 0: none.
Operation operation_of(const Parts& parts, size_t& instance, size_t& name) {
    const size_t count = parts.words.size();
    if (parts.begins_with("orchestrators") && parts.is_post && (count == 2 || count == 3)) {
        name = 1;
        if (count == 3) instance = 2;
        return Operation::kStart;
    }
    if (parts.begins_with("entities") && count <= 3) {
        name = 1;
        if (count < 3) return parts.is_get ? Operation::kEntities : Operation::kUnknown;
        instance = 2;
        return parts.is_get      ? Operation::kEntity
               : parts.is_post   ? Operation::kSignalEntity
               : parts.is_delete ? Operation::kDeleteEntity
                                 : Operation::kUnknown;
    }
    if (parts.begins_with("makeprimary") && count == 1 && parts.is_post)
        return Operation::kMakePrimary;
    if (!parts.begins_with("instances")) return Operation::kUnknown;
    if (count == 1 && parts.is_get) return Operation::kList;
    if (count == 1 && parts.is_delete) return Operation::kPurgeMany;
    instance = 1;
    if (count == 2 && parts.is_get) return Operation::kStatus;
    if (count == 2 && parts.is_delete) return Operation::kPurge;
    if (count == 3 && parts.is_post) return change_of(parts.words[2]);
    if (count == 4 && parts.is_post && is_same_word(parts.words[2], "raiseEvent")) {
        name = 3;
        return Operation::kRaiseEvent;
    }
    return Operation::kUnknown;
}

}  // namespace

bool is_same_word(std::string_view a, std::string_view b) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; };
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [&](char x, char y) { return lower(x) == lower(y); });
}

bool owns(std::string_view path) { return !base_of(path).empty(); }

Route find_route(std::string_view method, std::string_view path) {
    Route route;
    route.base = base_of(path);
    if (route.base.empty()) return route;
    const Parts parts{method == "GET", method == "POST", method == "DELETE",
                      split(path.substr(route.base.size()))};
    for (const std::string_view word : parts.words) {
        if (word.empty()) return route;
    }
    size_t instance = 0, name = 0;
    const Operation operation = operation_of(parts, instance, name);
    const auto decode = [&](size_t part, std::string& into) {
        if (part == 0 || part >= parts.words.size()) return true;
        auto text = percent_decode(parts.words[part]);
        if (!text || !is_valid_utf8(*text)) return false;
        into = *std::move(text);
        return true;
    };
    if (operation == Operation::kUnknown) return route;
    const bool is_whole = decode(instance, route.instance) && decode(name, route.name);
    route.operation = is_whole ? operation : Operation::kMalformed;
    return route;
}

}  // namespace tandem::durabletask::http
