// Event: one recorded fact of one execution. A tagged struct: which fields are set follows from the
// type (see the table in docs/formats/event-record.md). Events are what the store keeps and what
// languages fold; doors translate the visible ones (id > 0) into their history dialect.
// Numbers of EventType and StateKind are stored: append new ones, never renumber.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/ids.h"

namespace tandem {

enum class EventType : uint16_t {
    // The execution. `input` and `detail` (the door's attributes) on start; the closing four end
    // it. A start of an execution that has events begins its next generation: its log is this one's
    // from seq 1 on, and what was before is forgotten; `index` 1: it keeps its start time.
    kExecutionStarted = 1,
    kExecutionSucceeded = 2,  // output
    kExecutionFailed = 3,     // error, cause
    kExecutionAborted = 4,    // error, cause
    kExecutionTimedOut = 5,   // error, cause
    kExecutionRedriven = 6,   // index (how many times), name (client token): it is open again
    // A state of a workflow; `kind` says which (PassStateEntered, MapStateStarted, ...).
    kStateEntered = 10,    // name, input
    kStateExited = 11,     // name, output
    kStateStarted = 12,    // Map (length, index: seed of its items), Parallel
    kStateSucceeded = 13,  // Map, Parallel
    kStateFailed = 14,     // Map, Parallel: error, cause
    kStateAborted = 15,    // Map, Parallel, Task, Wait
    // One iteration of an inline Map: name (of the Map state), index.
    kIterationStarted = 20,
    kIterationSucceeded = 21,
    kIterationFailed = 22,
    kIterationAborted = 23,
    // A task; `family` says under which names a door shows it. `ref` = seq of its kTaskScheduled.
    kTaskScheduled =
        30,  // resource, resource_type, region, input (parameters), timeout_s, heartbeat_s
    kTaskScheduleFailed = 31,  // error, cause
    kTaskStarted = 32,
    kTaskStartFailed = 33,   // error, cause
    kTaskSubmitted = 34,     // output
    kTaskSubmitFailed = 35,  // error, cause
    kTaskSucceeded = 36,     // output
    kTaskFailed = 37,        // error, cause
    kTaskTimedOut = 38,      // error, cause
    kEvaluationFailed = 40,  // name (state), error, cause, resource (location)
    // The map run of a Map in distributed mode, an execution of its own.
    kMapRunStarted = 41,  // resource (its ARN), input (what it is to do), detail (its id)
    kMapRunSucceeded = 42,
    kMapRunFailed = 43,  // error, cause
    kMapRunAborted = 44,
    kMapRunRedriven = 45,  // resource, index (how many times)
    // Hidden facts (id = 0): what a fold needs and no door shows as history.
    kWaitSet = 60,        // due: a Wait state's timer
    kRetrySet = 61,       // due, index (retrier), length (attempts so far), error
    kTaskHeartbeat = 62,  // ref
    kTaskCancelled = 63,  // ref: nobody wants its answer any more
    kNote = 64,           // detail: private to the language
    kDeferred = 65,       // due: goes on then, in a later decision; name (next state), input
    // What executions do that code on a worker drives, turn by turn (lang/durable).
    kMessageReceived = 70,  // detail: what waits for the next turn
    kTurnCompleted = 71,    // index: how many messages it took; detail
    kHistoryEvent = 72,     // detail: what the turn added to the history
    kTurnScheduled = 73,    // ref, index, detail
};

enum class StateKind : uint8_t {
    kNone = 0,
    kPass = 1,
    kTask = 2,
    kChoice = 3,
    kWait = 4,
    kSucceed = 5,
    kFail = 6,
    kParallel = 7,
    kMap = 8,
};

enum class TaskFamily : uint8_t {
    kNone = 0,
    kLambdaFunction = 1,  // LambdaFunctionScheduled, ...
    kTask = 2,            // TaskScheduled, ...
    kActivity = 3,        // ActivityScheduled, ...
};

struct Event {
    uint64_t seq = 0;          // position in the execution's log: 1, 2, 3, ... (all events)
    uint64_t id = 0;           // number among the visible events; 0 = hidden
    uint64_t previous_id = 0;  // visible id that caused this one, as the language defines it
    Timestamp time{};
    EventType type = EventType::kNote;
    StateKind kind = StateKind::kNone;
    TaskFamily family = TaskFamily::kNone;
    uint32_t scope = 0;  // branch or iteration it happened in; numbers are the language's own
    uint64_t ref = 0;    // seq of the event that this one answers
    uint64_t index = 0;
    uint64_t length = 0;
    Timestamp due{};
    std::optional<int64_t> timeout_s;
    std::optional<int64_t> heartbeat_s;
    std::string name;
    std::string resource;
    std::string resource_type;
    std::string region;
    Payload input;
    Payload output;
    std::optional<std::string> error;
    std::optional<std::string> cause;
    Payload detail;

    friend bool operator==(const Event&, const Event&) = default;
};

std::string_view to_string(EventType type);
std::string_view to_string(StateKind kind);

/// True for the four events that end an execution.
constexpr bool is_closing(EventType type) {
    return type >= EventType::kExecutionSucceeded && type <= EventType::kExecutionTimedOut;
}

/// Appends the record of `event`: version, CRC-32C, length, tagged fields
/// (docs/formats/event-record.md). `seq` is not in the record: the store's key has it.
void encode_event(const Event& event, std::string& out);
/// Decodes one whole record; any version this binary knows. Errors: kCorrupt.
Result<Event> decode_event(std::string_view record);

}  // namespace tandem
