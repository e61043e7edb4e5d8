// Places: where in an execution each event of its history happened - in which state, of which
// branch or iteration. The history says it only by names and by the event before; this follows
// both. Fed with every event in order of id.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "cli/outline.h"
#include "json/value.h"

namespace tandem::cli {

/// A state in one branch or iteration. `state` is a position in the outline; -1 for the branch or
/// iteration itself, and for the execution.
struct Place {
    int scope = 0;
    int state = -1;
};

class Places {
public:
    /// `outline` must outlive this.
    explicit Places(const Outline& outline) : outline_(outline), scopes_(1) {}

    Place add(const json::Value& event);
    Place of(int64_t event_id) const;
    /// The Map or Parallel whose branch or iteration a place is in; the place itself if there is
    /// none.
    Place around(Place place) const;
    /// "Sweep[3]/Train": the states around with the number of the branch or iteration, as the
    /// server names what an execution waits for; empty for the execution itself.
    std::string path(Place place) const;

private:
    struct Scope {
        int parent = -1;
        int state = -1;     // the Map or Parallel
        int64_t index = 0;  // which iteration or branch of it
    };
    Place entered(std::string_view name, int64_t previous);
    Place climb(Place from, int state) const;
    Place climb_to_type(int64_t previous, std::string_view type) const;
    int scope(Place around, int64_t index);
    std::string_view type_of(Place place) const;

    const Outline& outline_;
    std::vector<Scope> scopes_;
    std::map<std::tuple<int, int, int64_t>, int> scope_of_;
    std::vector<Place> places_;       // by event id
    std::vector<std::string> types_;  // by event id; only of events that others refer to by type
};

/// The details object of an event, whichever its type, or nullptr.
const json::Value* event_details(const json::Value& event);

}  // namespace tandem::cli
