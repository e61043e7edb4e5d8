// What the parameters of a job say of attempts and indices. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "json/value.h"

namespace tandem::job {

/// One rule of AWS Batch's RetryStrategy.EvaluateOnExit: patterns may end with "*".
struct ExitRule {
    std::optional<std::string> on_exit_code, on_reason, on_status_reason;
    bool retries = false;
};

struct Terms {
    std::string name;
    int64_t attempts = 1;
    std::vector<ExitRule> rules;
    std::optional<int64_t> size;  // of an array
};

/// What cannot be read is left at its default: the door has checked it.
Terms read_terms(const json::Value& parameters);

/// How an attempt, or one index of it, ended, as the executor reports it.
struct End {
    std::string status;  // "SUCCEEDED", "FAILED", "CANCELLED", "LOST"
    bool started = false;
    std::optional<int64_t> exit_code;
    std::string error, reason;
};
End read_end(const json::Value& report);

/// Whether a rule, or without one the strategy, lets it run again while attempts are left.
bool may_retry(const Terms& terms, const End& end);

/// "0-3,7" of ascending numbers.
std::string print_indices(const std::vector<int64_t>& indices);
/// The numbers below `most` that such a text names; of one that is none, those before the fault.
std::vector<int64_t> read_indices(std::string_view text, int64_t most);

/// What many indices may have in common of a report: how it ended, without what it wrote.
json::Value bare_report(const json::Value& report);

}  // namespace tandem::job
