// Services: what a task's resource may call beside functions: the installation's own APIs (Step
// Functions, Lambda, S3) and HTTP endpoints. Called from any thread; the answer may come on any
// thread, once.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "model/task.h"

namespace tandem {

/// What an HTTP call sent and got, where somebody wants to see it: JSON, or null.
struct CallTrace {
    bool reveals_secrets = false;
    Payload request, response;
};

struct ServiceCall {
    std::string key;       // "<execution id>#<task id>": the same when it is repeated after a crash
    std::string service;   // "states", "http", "aws-sdk:s3"
    std::string action;    // "startExecution", "invoke", "getObject"; without the call pattern
    Payload parameters;    // JSON, but for "durable-task"
    std::shared_ptr<CallTrace> trace = {};  // filled before the answer; null: nobody looks
    Payload context = {};  // what the service needs beside the parameters
};

class Services {
public:
    virtual ~Services() = default;
    /// The answer: kSucceeded with the result as the integration words it (and `execution`, if the
    /// call started one), else kFailed with `error` and `cause`.
    virtual void call(ServiceCall call, std::function<void(TaskResult)> done) = 0;
    /// The call's answer is not wanted any more, and need not come. Best effort.
    virtual void cancel(std::string_view) {}
};

}  // namespace tandem
