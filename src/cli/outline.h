// Outline: the states of a state machine as a list for people - in the order in which they run as
// far as that is known beforehand, with those inside a Map or Parallel below it. Read leniently
// from the definition, which the server has checked. Immutable.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "json/value.h"

namespace tandem::cli {

struct OutlineState {
    std::string name;
    std::string type;             // "Task", "Map", ...
    int depth = 0;                // how many Map and Parallel states are around it
    int parent = -1;              // position of the one around it
    int branch = 0;               // which branch of a Parallel
    int branches = 0;             // of a Parallel
    bool is_start = false;        // of its branch
    bool is_last = false;         // leaving it may end its branch
    std::string target;           // what a Task calls, as far as the definition says
    int64_t max_concurrency = 0;  // of a Map; 0: not limited by the definition
};

class Outline {
public:
    explicit Outline(const json::Value& definition);

    const std::vector<OutlineState>& states() const { return states_; }
    /// Names are unique in a whole definition.
    std::optional<int> find(std::string_view name) const;
    /// Seconds that an execution may take; 0: no limit.
    int64_t timeout_s() const { return timeout_s_; }

private:
    void collect(const json::Value& machine, const OutlineState& around);

    std::vector<OutlineState> states_;
    std::map<std::string, int, std::less<>> index_;
    int64_t timeout_s_ = 0;
};

/// "function train" for a Lambda ARN or name, else the resource as it is.
std::string target_text(std::string_view resource);

}  // namespace tandem::cli
