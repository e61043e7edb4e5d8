// Progress: what a person wants to see of an execution, computed from its definition (which states
// there are, in which order, inside which Map or Parallel) and its history so far (how often each was
// entered and left). Pure; used by `tandem watch` and tested without a server.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "cli/output.h"
#include "json/value.h"

namespace tandem::cli {

struct StateProgress {
    std::string name;
    std::string type;         // "Task", "Map", ...
    int depth = 0;            // nesting inside Map and Parallel states
    int64_t entered = 0;
    int64_t exited = 0;
    int64_t failed_attempts = 0;
    int64_t length = 0;       // Map: items of all its runs; Parallel: branches
    int64_t finished = 0;     // Map: iterations that succeeded; Parallel: last states left
    int64_t failed = 0;       // Map: iterations that failed or were aborted
};

class Progress {
public:
    /// `definition` is the state machine as JSON.
    explicit Progress(const json::Value& definition);

    /// Folds one history event in the Step Functions shape, in order of id.
    void add(const json::Value& event);

    const std::vector<StateProgress>& states() const { return states_; }
    int64_t events() const { return events_; }
    /// Lines for a terminal of `columns` columns.
    std::vector<std::string> render(const Output& out, std::string_view status, size_t columns) const;

private:
    void collect(const json::Value& machine, int depth);
    StateProgress* find(std::string_view name);

    std::vector<StateProgress> states_;
    std::map<std::string, size_t, std::less<>> index_;
    std::map<int64_t, std::string> state_of_event_;  // event id -> the state it belongs to
    std::map<std::string, std::string> parallel_of_last_;  // last state of a branch -> its Parallel
    int64_t events_ = 0;
};

/// "[#####.....] 5/10", `width` columns of bar.
std::string progress_bar(int64_t done, int64_t total, size_t width);

}  // namespace tandem::cli
