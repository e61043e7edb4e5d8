// Task and its result: the words between a language's action, the dispatcher and an executor.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/result.h"
#include "model/callable.h"

namespace tandem {

/// Who may answer a task from outside: what a task token says. Tokens are opaque text.
struct TaskToken {
    ExecutionId execution;
    TaskId task = 0;
    uint64_t nonce = 0;  // a guess hits it once in 2^64
    friend bool operator==(const TaskToken&, const TaskToken&) = default;
};
std::string encode_task_token(const TaskToken& token);
/// Error: kInvalidArgument.
Result<TaskToken> decode_task_token(std::string_view text);

enum class TaskOutcome : uint8_t {
    kSucceeded = 1,  // payload = the result
    kFailed = 2,  // user code said so: payload = {"errorType", "errorMessage", "stackTrace"?, ...}
    kTimedOut = 3,   // the executor's own limit passed; payload = error document in Lambda's words
    kLost = 4,       // the worker died (exit, signal, memory); payload = error document
    kNotFound = 5,   // no such callable or revision; error, cause
    kThrottled = 6,  // no capacity under the callable's limit; error, cause
    kRejected = 7,   // payload too large, callable not active, ...; error, cause
};

std::string_view to_string(TaskOutcome outcome);

struct TaskResult {
    TaskOutcome outcome = TaskOutcome::kSucceeded;
    Payload payload;
    std::string error;  // name, for kNotFound, kThrottled and kRejected
    std::string cause;
    std::string request_id;        // id of the attempt as its function saw it
    std::string executed_version;  // "$LATEST", "3", ...
    std::string log_tail;          // last kLogTailBytes of the attempt's log, if asked for
    ExecutionId execution;         // that the call started, if it is one that starts executions
    bool unhandled =
        false;  // kFailed: the process failed, rather than the handler (X-Amz-Function-Error)
    // Told once the answer is durable, or why it is not: kTimeout (the task is not open any more),
    // kUnavailable. May be empty.
    std::function<void(const Result<void>&)> recorded = {};
};

}  // namespace tandem
