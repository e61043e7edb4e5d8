// Executor: runs tasks somewhere. Implementations: pool/ (warm processes on this machine); later
// Slurm, Kubernetes, HTTP. Called from any thread; callbacks come on the executor's own threads,
// each at most once, and must not block. A task that is never answered is a bug: if a worker is
// lost, the executor answers kLost.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "model/callable.h"
#include "model/task.h"

namespace tandem {

struct Task {
    std::string key;         // unique while it runs: "<execution id>#<task id>" or a request id
    std::string request_id;  // UUID that the function sees
    std::shared_ptr<const Callable> callable;
    std::string qualifier;  // as the caller named it; part of the invoked ARN
    Payload payload;
    Payload client_context;
    std::string trace_header;
    bool want_log_tail = false;
    bool queue_when_busy = false;  // wait for capacity instead of answering kThrottled
};

struct TaskCallbacks {
    std::function<void()> started;  // may be empty
    std::function<void(TaskResult)> completed;
};

class Executor {
public:
    virtual ~Executor() = default;
    virtual std::string_view name() const = 0;
    /// Checks a new revision before it is recorded: package readable, runtime known.
    /// Errors: kInvalidArgument, kTooLarge, in words for the function's author.
    virtual Result<void> admit(const Callable& callable) = 0;
    /// The revision is now current: warm processes of older $LATEST code are retired.
    virtual void activate(std::shared_ptr<const Callable> callable) = 0;
    /// The function is gone.
    virtual void retire(std::string_view name) = 0;
    virtual void run(Task task, TaskCallbacks callbacks) = 0;
    /// Best effort; the callback still comes (the answer or kLost).
    virtual void cancel(std::string_view key) = 0;
    /// Log lines of a function, oldest first, at most `limit_bytes` from the end.
    virtual Result<std::string> logs(std::string_view function, size_t limit_bytes) const = 0;
    /// Stops taking tasks, ends all workers, answers what is open with kLost. Blocks.
    virtual void stop() = 0;
};

}  // namespace tandem
