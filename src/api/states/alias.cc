#include "api/states/alias.h"

#include <algorithm>

#include "base/limits.h"

namespace tandem::states {

bool Alias::leads_to(int64_t version) const {
    return std::any_of(routes.begin(), routes.end(),
                       [version](const Route& r) { return r.version == version; });
}

int64_t Alias::choose(uint64_t draw) const {
    int64_t left = int64_t(draw % uint64_t(kRouteWeightMax));
    for (const Route& route : routes) {
        if (left < route.weight) return route.version;
        left -= route.weight;
    }
    return routes.empty() ? 0 : routes.back().version;
}

json::Value encode_aliases(const std::map<std::string, Alias>& aliases) {
    json::Value out = json::Value::object();
    for (const auto& [name, alias] : aliases) {
        json::Value routes = json::Value::array();
        for (const Route& r : alias.routes)
            routes.push_back(json::Value::object({{"version", r.version}, {"weight", r.weight}}));
        out.set(name, json::Value::object({{"description", alias.description},
                                           {"routes", std::move(routes)},
                                           {"created_us", to_micros(alias.created)},
                                           {"updated_us", to_micros(alias.updated)}}));
    }
    return out;
}

std::map<std::string, Alias> decode_aliases(const json::Value& value) {
    std::map<std::string, Alias> out;
    if (!value.is_object()) return out;
    for (const auto& [name, stored] : value.as_object()) {
        Alias& alias = out[name];
        alias.description = stored.string_or("description", "");
        alias.created = from_micros(stored.int_or("created_us", 0));
        alias.updated = from_micros(stored.int_or("updated_us", 0));
        const json::Value* routes = stored.find("routes");
        if (!routes || !routes->is_array()) continue;
        for (const json::Value& r : routes->as_array())
            alias.routes.push_back({r.int_or("version", 0), r.int_or("weight", 0)});
    }
    return out;
}

bool is_alias_name(std::string_view name) {
    bool has_other = false;
    for (const char c : name) {
        const bool is_digit = c >= '0' && c <= '9';
        const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!is_digit && !is_letter && c != '_' && c != '-' && c != '.') return false;
        has_other |= !is_digit;
    }
    return has_other;
}

}  // namespace tandem::states
