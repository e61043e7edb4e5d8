#include "cli/places.h"

namespace tandem::cli {

namespace {

constexpr int64_t kEventsMax = 10'000'000;  // ids are trusted as positions up to here

}  // namespace

const json::Value* event_details(const json::Value& event) {
    if (!event.is_object()) return nullptr;
    for (const auto& [key, value] : event.as_object()) {
        if (key.ends_with("EventDetails")) return &value;
    }
    return nullptr;
}

Place Places::of(int64_t event_id) const {
    return event_id > 0 && size_t(event_id) < places_.size() ? places_[size_t(event_id)] : Place();
}

Place Places::around(Place place) const {
    if (place.scope <= 0) return place;
    const Scope& inside = scopes_[size_t(place.scope)];
    return {inside.parent, inside.state};
}

std::string_view Places::type_of(Place place) const {
    return place.state < 0 ? std::string_view() : outline_.states()[size_t(place.state)].type;
}

int Places::scope(Place around, int64_t index) {
    const auto [it, fresh] =
        scope_of_.try_emplace({around.scope, around.state, index}, int(scopes_.size()));
    if (fresh) scopes_.push_back({around.scope, around.state, index});
    return it->second;
}

/// The nearest scope, from inside to outside, that has `state` in it or runs below `state`.
Place Places::climb(Place from, int state) const {
    while (from.state != state && from.scope != 0) from = around(from);
    return {from.scope, state};
}

/// For what Map and Parallel states tell without their name. The event before is one of their own
/// (entered, started) or the last one inside.
Place Places::climb_to_type(int64_t previous, std::string_view type) const {
    Place at = of(previous);
    std::string_view before;
    if (previous > 0 && size_t(previous) < types_.size()) before = types_[size_t(previous)];
    const bool own = before.ends_with("StateEntered") || before.ends_with("StateStarted");
    if (own && type_of(at) == type) return at;
    while (at.scope != 0) {
        at = around(at);
        if (type_of(at) == type) return at;
    }
    return at;
}

Place Places::entered(std::string_view name, int64_t previous) {
    const Place before = of(previous);
    const std::optional<int> state = outline_.find(name);
    if (!state) return {before.scope, -1};
    const OutlineState& s = outline_.states()[size_t(*state)];
    // A branch begins after ParallelStateStarted. An iteration begins after MapIterationStarted,
    // whose place is in the new scope already.
    const bool begins_branch = s.is_start && s.parent >= 0 && s.parent == before.state &&
                               outline_.states()[size_t(s.parent)].type == "Parallel";
    return {begins_branch ? scope(before, s.branch) : before.scope, *state};
}

Place Places::add(const json::Value& event) {
    const int64_t id = event.int_or("id", 0);
    const int64_t previous = event.int_or("previousEventId", 0);
    const std::string_view type = event.string_or("type", "");
    const json::Value* details = event_details(event);
    const std::string_view name = details != nullptr ? details->string_or("name", "") : "";
    Place place = of(previous);
    if (type.ends_with("StateEntered")) {
        place = entered(name, previous);
    } else if (const std::optional<int> state = outline_.find(name)) {
        place = climb(place, *state);
        if (type.starts_with("MapIteration")) {
            place = {scope(place, details->int_or("index", 0)), -1};
        }
    } else if (type.starts_with("MapState")) {
        place = climb_to_type(previous, "Map");
    } else if (type.starts_with("ParallelState")) {
        place = climb_to_type(previous, "Parallel");
    } else if (type.starts_with("Execution")) {
        place = {};
    }
    if (id <= 0 || id > kEventsMax) return place;
    if (size_t(id) >= places_.size()) {
        places_.resize(size_t(id) + 1);
        types_.resize(size_t(id) + 1);
    }
    places_[size_t(id)] = place;
    types_[size_t(id)] = type;
    return place;
}

std::string Places::path(Place place) const {
    std::string path;
    if (place.state >= 0) path = outline_.states()[size_t(place.state)].name;
    for (int at = place.scope; at > 0; at = scopes_[size_t(at)].parent) {
        const Scope& s = scopes_[size_t(at)];
        const std::string around =
            outline_.states()[size_t(s.state)].name + "[" + std::to_string(s.index) + "]";
        path = path.empty() ? around : around + "/" + path;
    }
    return path;
}

}  // namespace tandem::cli
