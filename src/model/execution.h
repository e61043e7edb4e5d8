// ExecutionSummary: what the store keeps about an execution beside its log, and what listings,
// filters and recovery read. Derived from the events when they are appended; never the truth
// itself.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/result.h"
#include "model/callable.h"

namespace tandem {

enum class ExecutionStatus : uint8_t {
    kRunning = 1,
    kSucceeded = 2,
    kFailed = 3,
    kTimedOut = 4,
    kAborted = 5
};

std::string_view to_string(ExecutionStatus status);  // "RUNNING", "SUCCEEDED", ...

struct ExecutionSummary {
    ExecutionId id;
    uint64_t number = 0;  // among all of the store, ascending with the start; names its rows
    CallableKind kind = CallableKind::kWorkflow;
    std::string callable;  // name of the callable
    std::string revision;
    std::string language;
    std::string name;  // the door's name of the execution
    ExecutionStatus status = ExecutionStatus::kRunning;
    Timestamp start_time{};
    Timestamp stop_time{};  // when closed
    Payload input;
    Payload output;
    Payload attributes;  // the door's JSON given at start
    std::optional<std::string> error;
    std::optional<std::string> cause;
    uint64_t last_seq = 0;        // events in the log
    uint64_t last_id = 0;         // visible events
    Timestamp next_due = kNever;  // recovery: earliest timer
    uint64_t open_tasks = 0;      // recovery: fold at once when > 0
    uint64_t redrives = 0;        // how many times it was opened again after its end
    Timestamp redrive_time{};     // the last time
    // Redrives whose repetition is answered as they were: the last ones that came with a token.
    struct RedriveToken {
        std::string token;
        Timestamp time{};
        friend bool operator==(const RedriveToken&, const RedriveToken&) = default;
    };
    std::vector<RedriveToken> redrive_tokens;
    Payload facts;  // what the language has to say in listings: State::facts()
    friend bool operator==(const ExecutionSummary&, const ExecutionSummary&) = default;
};

/// Storage form, versioned and checksummed like event records. Error of decode: kCorrupt.
void encode_summary(const ExecutionSummary& summary, std::string& out);
Result<ExecutionSummary> decode_summary(std::string_view record);

}  // namespace tandem
