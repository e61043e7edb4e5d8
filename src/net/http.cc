#include "net/http.h"

#include <algorithm>
#include <cctype>

#include "base/encoding.h"

namespace tandem::net {

namespace {

bool same_name(std::string_view a, std::string_view b) {
    return a.size() == b.size() &&
           std::equal(a.begin(), a.end(), b.begin(), [](unsigned char x, unsigned char y) {
               return std::tolower(x) == std::tolower(y);
           });
}

}  // namespace

void Headers::set(std::string_view name, std::string value) {
    for (auto& [key, existing] : fields_) {
        if (same_name(key, name)) {
            existing = std::move(value);
            return;
        }
    }
    fields_.emplace_back(std::string(name), std::move(value));
}

const std::string* Headers::find(std::string_view name) const {
    for (const auto& [key, value] : fields_) {
        if (same_name(key, name)) return &value;
    }
    return nullptr;
}

std::string_view Headers::get_or(std::string_view name, std::string_view fallback) const {
    const std::string* value = find(name);
    return value != nullptr ? std::string_view(*value) : fallback;
}

std::string_view HttpRequest::path() const {
    const std::string_view t = target;
    return t.substr(0, t.find('?'));
}

std::string_view HttpRequest::query() const {
    const std::string_view t = target;
    const size_t mark = t.find('?');
    return mark == std::string_view::npos ? std::string_view() : t.substr(mark + 1);
}

std::optional<std::string> query_parameter(std::string_view query, std::string_view name) {
    while (!query.empty()) {
        const size_t end = std::min(query.find('&'), query.size());
        const std::string_view pair = query.substr(0, end);
        const size_t equals = std::min(pair.find('='), pair.size());
        const auto key = percent_decode(pair.substr(0, equals));
        if (key && *key == name) {
            std::string value(pair.substr(std::min(equals + 1, pair.size())));
            std::replace(value.begin(), value.end(), '+', ' ');
            return percent_decode(value).value_or(value);
        }
        query.remove_prefix(std::min(end + 1, query.size()));
    }
    return std::nullopt;
}

}  // namespace tandem::net
