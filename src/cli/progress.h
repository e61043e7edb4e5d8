// Progress: what a person wants to see of an execution, computed from its definition (which states
// there are, inside which Map or Parallel) and its history so far (how often each was entered and
// left, what failed). A fold without a clock; progress_view.h draws it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "cli/outline.h"
#include "cli/places.h"
#include "json/value.h"

namespace tandem::cli {

/// How far a Map or Parallel is: its items or branches.
struct Counts {
    int64_t length = 0;
    int64_t started = 0;   // Map: iterations
    int64_t finished = 0;  // Map: iterations that succeeded; Parallel: branches that ended
    int64_t failed = 0;    // Map: iterations that failed or were aborted

    Counts& operator+=(const Counts& other);
};

/// What happened so far in one state of the outline, over all branches and iterations.
struct StateProgress {
    int64_t entered = 0;
    int64_t exited = 0;
    int64_t aborted = 0;
    int64_t broken = 0;  // ended because the Map or Parallel around failed
    int64_t caught = 0;  // left through a Catch
    int64_t failed_attempts = 0;
    std::string last_error;
    Counts inside;  // of the latest run in each place
    Timestamp first_entered{};
    Timestamp last_left{};

    int64_t open() const { return entered - exited - aborted - broken; }
};

/// One state of one branch or iteration that is being tried.
struct Attempt {
    int64_t failed = 0;
    std::string error;  // of the last failed attempt
    std::string cause;
    bool is_scheduled = false;  // a task is under way,
    bool is_started = false;    // and somebody works on it,
    bool is_submitted = false;  // or has answered that the result comes later
    Timestamp since{};          // when it was scheduled, started or submitted
    std::string worker;         // who took it from its activity, if that has a name
    std::string target;         // "function train"
};

/// The last thing that failed: after the end, why.
struct Failure {
    std::string path;
    std::string error;
    std::string cause;
    int64_t attempts = 0;
};

class Progress {
public:
    /// `definition` is the state machine as JSON.
    explicit Progress(const json::Value& definition) : outline_(definition), places_(outline_) {
        states_.resize(outline_.states().size());
    }
    Progress(const Progress&) = delete;

    /// Folds one history event in the Step Functions shape, in order of id.
    void add(const json::Value& event);

    const Outline& outline() const { return outline_; }
    const std::vector<StateProgress>& states() const { return states_; }
    int64_t events() const { return events_; }
    /// Of the event with that id.
    std::string path(int64_t event_id) const { return places_.path(places_.of(event_id)); }
    const Attempt* attempt(std::string_view path) const;
    /// Whether a state is under way.
    bool is_open(const std::string& path) const { return open_.contains(path); }
    const std::optional<Failure>& failure() const { return failure_; }

private:
    void add_state_event(const json::Value& event, std::string_view type, Place place);
    void add_map_event(std::string_view type, Place place);
    void count(Place place, const Counts& more);
    void started(Place place, int64_t length);
    void add_task_event(const json::Value& event, std::string_view type, Place place);
    void ended(const json::Value& event, std::string_view type);
    void close_inside(const std::string& path);
    void failed(const json::Value& event, std::string_view type, Place place);

    Outline outline_;
    Places places_;
    std::vector<StateProgress> states_;                     // as in the outline
    std::map<std::string, int> open_;                       // path -> state, of those under way
    std::map<std::string, Attempt, std::less<>> attempts_;  // by path, of those under way
    std::map<std::string, Counts> runs_;                    // of Map and Parallel states, by path
    std::map<int64_t, Place> branch_ends_;  // exit of a branch's last state -> its Parallel
    std::optional<Failure> failure_;
    bool last_failed_ = false;  // the event before was a failure
    int64_t last_id_ = 0;
    int64_t events_ = 0;
};

/// Time of an event, or of another member in epoch seconds.
Timestamp time_of(const json::Value* seconds);

}  // namespace tandem::cli
