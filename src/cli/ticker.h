// Ticker: an execution as lines that are only added, for a pipe or a log: states entered and left,
// failed attempts, timers and retries, and a line for each tenth of a Map.
#pragma once

#include <map>
#include <set>
#include <string>

#include "cli/followed.h"
#include "cli/output.h"

namespace tandem::cli {

class Ticker {
public:
    explicit Ticker(const Output& out) : out_(out) {}
    /// Prints what is told by `events`, which are new, and by `waits`.
    void print(const Followed& followed, const json::Array& events, const Waits& waits);

private:
    void event(const Followed& followed, const json::Value& event);
    void line(Duration since_start, std::string_view where, std::string_view what);

    const Output& out_;
    std::set<std::string> told_;                 // timers and retries
    std::map<std::string, int64_t> iterations_;  // that succeeded, of Map states
};

}  // namespace tandem::cli
