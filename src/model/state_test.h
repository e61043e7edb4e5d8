// StateTest: one state run by itself, on given facts, and what was seen inside it. Nothing is
// recorded and nothing waits: a wait is over at once, and a retry is only reported. Where the state
// calls something the report says what; the same test with the `answer` then says the rest.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/clock.h"
#include "json/value.h"
#include "model/callable.h"
#include "model/task.h"

namespace tandem {

struct StateTest {
    std::string definition;            // one state, or a whole machine with `state`
    std::optional<std::string> state;  // which state of the machine
    Payload input;                     // JSON
    Payload attributes;                // the door's facts about the execution, as of a start
    json::Value variables;             // object, or null
    std::optional<json::Value> context;
    // What the call would have brought, instead of the call. At most one of the two.
    std::optional<json::Value> mock_result;
    bool mocks_error = false;
    std::optional<std::string> mock_error, mock_cause;
    bool checks_mock = true;  // the result must have the types of the service's answers
    uint32_t retries = 0;     // made before, by the retrier that matches
    std::optional<uint64_t> failed_items;    // of a mocked Map in distributed mode
    std::optional<std::string> item_data;    // what its ItemReader reads: the text of the object
    std::optional<std::string> error_state;  // inside a Map or Parallel, whence the error comes
    Timestamp now{};
    uint64_t entropy = 0;
    std::optional<TaskResult> answer;  // to the call of the report before

    bool is_mocked() const { return mock_result || mocks_error; }
};

struct StateTestReport {
    enum class Status : uint8_t { kSucceeded, kFailed, kRetriable, kCaughtError, kCalls };
    struct Call {
        CallableRef target;
        Payload payload;
        Payload client_context;
        bool want_log_tail = false;
    };
    Status status = Status::kSucceeded;
    Payload output;  // kSucceeded, kCaughtError
    std::optional<std::string> error, cause;
    std::optional<std::string> next;
    json::Value inspection;              // object: AWS's InspectionData
    Call call;                           // kCalls
    std::optional<std::string> refusal;  // the test does not fit the state; nothing else is set
};

}  // namespace tandem
