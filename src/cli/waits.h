// Waits: what an execution waits for, as the server tells it, in words for people - with what the
// history adds: whether a task has a process yet, which attempt it is and what failed before.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "cli/output.h"
#include "cli/progress.h"

namespace tandem::cli {

enum class WaitKind { kTask, kTimer, kRetry };

struct Wait {
    WaitKind kind = WaitKind::kTask;
    std::string state;
    std::string path;    // "Sweep[3]/Train"
    std::string detail;  // resource of the task; error that is retried
    std::string stage;   // where the batch job is that it waits for, in words; may be empty
    Timestamp since{};
    Timestamp due = kNever;
};

struct Waits {
    Timestamp now{};  // the server's clock
    std::vector<Wait> list;
};

/// Reads the answer of GET /tandem/v1/executions/{arn}/waiting. Error: kCorrupt.
Result<Waits> parse_waits(const json::Value& answer);

struct WaitView {
    size_t columns = 100;
    size_t rows = SIZE_MAX;  // lines at most; what is left is counted
    bool grouped = true;     // many of one state share a line
};

/// One line for each thing or group of things: where, what and until when.
std::vector<std::string> wait_lines(const Output& out, const Waits& waits, const Progress& progress,
                                    const WaitView& view);

/// The words for one wait: "function train for 2.1 s", "timer, due in 12 s (at 22:50:30 UTC)".
std::string wait_text(const Wait& wait, const Progress& progress, Timestamp now);

}  // namespace tandem::cli
