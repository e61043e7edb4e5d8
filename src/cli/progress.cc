#include "cli/progress.h"

namespace tandem::cli {

namespace {

/// What a scheduled task calls: a Lambda ARN, or the function among the parameters.
std::string scheduled_target(const json::Value& details) {
    const auto parameters = json::parse(details.string_or("parameters", "null"));
    const std::string_view name = parameters ? parameters->string_or("FunctionName", "") : "";
    if (!name.empty()) return target_text("function:" + std::string(name));
    return target_text(details.string_or("resource", ""));
}

}  // namespace

Counts& Counts::operator+=(const Counts& other) {
    length += other.length;
    started += other.started;
    finished += other.finished;
    failed += other.failed;
    return *this;
}

Timestamp time_of(const json::Value* seconds) {
    if (seconds == nullptr || !seconds->is_number()) return {};
    return from_micros(int64_t(seconds->as_double() * 1e6 + 0.5));
}

const Attempt* Progress::attempt(std::string_view path) const {
    const auto it = attempts_.find(path);
    return it == attempts_.end() ? nullptr : &it->second;
}

void Progress::add(const json::Value& event) {
    if (!event.is_object()) return;
    ++events_;
    const std::string_view type = event.string_or("type", "");
    const Place place = places_.add(event);
    const bool task = type.starts_with("Task") || type.starts_with("LambdaFunction") ||
                      type.starts_with("Activity");
    if (type.starts_with("MapIteration")) add_map_event(type, place);
    else if (type.find("State") != std::string_view::npos) add_state_event(event, type, place);
    else if (task) add_task_event(event, type, place);
    else if (type == "EvaluationFailed") failed(event, type, place);
    else if (type.starts_with("Execution") && type != "ExecutionStarted") ended(event, type);
    last_id_ = event.int_or("id", 0);
}

void Progress::add_map_event(std::string_view type, Place place) {
    const Place map = places_.around(place);
    if (type == "MapIterationStarted") count(map, {.started = 1});
    else if (type == "MapIterationSucceeded") count(map, {.finished = 1});
    else count(map, {.failed = 1});
}

void Progress::count(Place place, const Counts& more) {
    if (place.state < 0) return;
    states_[size_t(place.state)].inside += more;
    runs_[places_.path(place)] += more;
}

/// A Map or Parallel begins. When it ran in this place before - it is tried again, or a loop came
/// back to it - that run does not count any more.
void Progress::started(Place place, int64_t length) {
    const std::string path = places_.path(place);
    if (const auto before = runs_.find(path); before != runs_.end()) {
        const Counts b = before->second;
        states_[size_t(place.state)].inside += {-b.length, -b.started, -b.finished, -b.failed};
        runs_.erase(before);
        if (open_.contains(path)) ++attempts_[path].failed;
        close_inside(path);
    }
    count(place, {.length = length});
}

void Progress::ended(const json::Value& event, std::string_view type) {
    const json::Value* details = event_details(event);
    const std::string_view error = details != nullptr ? details->string_or("error", "") : "";
    if (type == "ExecutionFailed" && failure_ && failure_->error == error) return;
    failure_.reset();
    if (type == "ExecutionSucceeded" || type == "ExecutionRedriven") return;
    const std::string_view cause = details != nullptr ? details->string_or("cause", "") : "";
    const std::string where =
        type == "ExecutionFailed" ? path(event.int_or("previousEventId", 0)) : std::string();
    failure_ = Failure{where, std::string(error), std::string(cause), 0};
}

/// What was under way inside a Map or Parallel that failed has ended with it.
void Progress::close_inside(const std::string& path) {
    const std::string inside = path + "[";
    const auto first = open_.lower_bound(inside);
    auto last = first;
    for (; last != open_.end() && last->first.starts_with(inside); ++last) {
        ++states_[size_t(last->second)].broken;
    }
    open_.erase(first, last);
    const auto attempt = attempts_.lower_bound(inside);
    auto end = attempt;
    while (end != attempts_.end() && end->first.starts_with(inside)) ++end;
    attempts_.erase(attempt, end);
}

void Progress::add_state_event(const json::Value& event, std::string_view type, Place place) {
    if (place.state < 0) return;
    StateProgress& s = states_[size_t(place.state)];
    const OutlineState& o = outline_.states()[size_t(place.state)];
    const int64_t id = event.int_or("id", 0);
    const int64_t previous = event.int_or("previousEventId", 0);
    const Timestamp time = time_of(event.find("timestamp"));
    const std::string path = places_.path(place);
    if (type.ends_with("StateEntered")) {
        if (s.entered++ == 0) s.first_entered = time;
        open_[path] = place.state;
        attempts_.erase(path);
        // The last state of a branch was left for the handler of its error: the branch goes on.
        if (const auto end = branch_ends_.find(previous); end != branch_ends_.end()) {
            count(end->second, {.finished = -1});
        }
    } else if (type.ends_with("StateExited")) {
        ++s.exited;
        s.last_left = time;
        if (last_failed_ && previous == last_id_) ++s.caught;
        open_.erase(path);
        attempts_.erase(path);
        const bool in_branch =
            o.parent >= 0 && outline_.states()[size_t(o.parent)].type == "Parallel";
        if (in_branch && o.is_last) {
            branch_ends_[id] = places_.around(place);
            count(branch_ends_[id], {.finished = 1});
        }
    } else if (type.ends_with("StateStarted")) {
        const json::Value* details = event_details(event);
        started(place, details != nullptr ? details->int_or("length", 0) : o.branches);
    } else if (type.ends_with("StateAborted")) {
        ++s.aborted;
        s.last_left = time;
        open_.erase(path);
        attempts_.erase(path);
    } else if (type.ends_with("StateFailed")) {
        close_inside(path);
        failed(event, type, place);
    }
    last_failed_ = type.ends_with("StateFailed");
}

void Progress::add_task_event(const json::Value& event, std::string_view type, Place place) {
    last_failed_ = false;
    if (place.state < 0) return;
    const json::Value* details = event_details(event);
    Attempt& a = attempts_[places_.path(place)];
    if (type.ends_with("Scheduled") || type.find("Started") != std::string_view::npos) {
        a.is_scheduled = true;
        a.is_started = type.ends_with("Started");
        a.is_submitted = false;
        a.worker = details != nullptr ? details->string_or("workerName", "") : "";
        a.since = time_of(event.find("timestamp"));
        if (!a.is_started && details != nullptr) a.target = scheduled_target(*details);
    } else if (type.ends_with("Submitted")) {
        a.is_submitted = true;
        a.since = time_of(event.find("timestamp"));
    } else if (type.ends_with("Failed") || type.ends_with("TimedOut")) {
        failed(event, type, place);
    } else if (type.ends_with("Succeeded")) {
        a.is_scheduled = a.is_started = a.is_submitted = false;
    }
}

void Progress::failed(const json::Value& event, std::string_view type, Place place) {
    last_failed_ = true;
    if (place.state < 0) return;
    const json::Value* details = event_details(event);
    StateProgress& s = states_[size_t(place.state)];
    const std::string path = places_.path(place);
    Attempt& a = attempts_[path];
    a.is_scheduled = a.is_started = a.is_submitted = false;
    ++a.failed;
    // A Map or Parallel fails with the error of what is inside, which has been told.
    if (details == nullptr || type.ends_with("StateFailed")) return;
    ++s.failed_attempts;
    a.error = details->string_or("error", type.ends_with("TimedOut") ? "States.Timeout" : "");
    a.cause = details->string_or("cause", "");
    s.last_error = a.error;
    failure_ = Failure{path, a.error, a.cause, a.failed};
}

}  // namespace tandem::cli
