// An alias of a state machine: a name for one or two of its versions, each with its share of the
// executions. Aliases are kept in the attributes of the current revision. Plain data.
// Invariant: the weights of an alias sum to kRouteWeightMax.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "json/value.h"

namespace tandem::states {

struct Route {
    int64_t version = 0;
    int64_t weight = 0;  // per cent
    friend bool operator==(const Route&, const Route&) = default;
};

struct Alias {
    std::string description;
    std::vector<Route> routes;
    Timestamp created{};
    Timestamp updated{};

    bool leads_to(int64_t version) const;
    /// The version for one execution; `draw` is random.
    int64_t choose(uint64_t draw) const;
};

/// As the attributes of a state machine hold them: name -> alias.
json::Value encode_aliases(const std::map<std::string, Alias>& aliases);
std::map<std::string, Alias> decode_aliases(const json::Value& value);

/// "^(?=.*[a-zA-Z_\-\.])[a-zA-Z0-9_\-\.]+$": never only digits, which name versions.
bool is_alias_name(std::string_view name);

}  // namespace tandem::states
