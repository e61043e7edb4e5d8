#include "api/services/orchestration_calls.h"

namespace tandem::services {

namespace {

constexpr int64_t kWaitAgainMs = 100;  // where too much was going on to wait for an end

using durabletask::Begun;
using durabletask::Wanted;

constexpr std::string_view kStart = "startOrchestration";
constexpr std::string_view kRun = "runOrchestration";

/// What is wrong with the parameters, if anything.
std::optional<std::string> read(const Asked& asked, Wanted& wanted) {
    const json::Value& given = asked.parameters;
    std::string wrong;
    const auto text = [&](const char* member) -> std::optional<std::string> {
        const json::Value* value = given.find(member);
        if (value == nullptr || value->is_null()) return std::nullopt;
        if (value->is_string()) return value->as_string();
        wrong = std::string("The value for the field '") + member + "' must be a STRING";
        return std::nullopt;
    };
    wanted.started_by = asked.key;
    wanted.name = text("Name").value_or("");
    wanted.hub = text("TaskHub").value_or(wanted.hub);
    wanted.instance = text("InstanceId").value_or("");
    wanted.version = text("Version");
    if (const json::Value* tags = given.find("Tags"); tags != nullptr && !tags->is_null()) {
        if (!tags->is_object()) return "The value for the field 'Tags' must be an object";
        for (const auto& [key, value] : tags->as_object()) {
            if (!value.is_string())
                return "The value for the field 'Tags." + key + "' must be a STRING";
            wanted.tags[key] = value.as_string();
        }
    }
    if (const json::Value* input = given.find("Input")) wanted.input = Payload(json::print(*input));
    if (!asked.context.is_null()) wanted.input = asked.context;
    if (!wrong.empty()) return wrong;
    return std::nullopt;
}

TaskResult failure(const Error& error) {
    const auto name = [&] {
        switch (error.code) {
            case ErrorCode::kInvalidArgument: return "InvalidArgumentException";
            case ErrorCode::kAlreadyExists: return "OrchestrationAlreadyExists";
            case ErrorCode::kOverloaded: return "ThrottlingException";
            case ErrorCode::kTooLarge: return "LimitExceededException";
            case ErrorCode::kNotFound:
            case ErrorCode::kConflict:
            case ErrorCode::kUnauthenticated:
            case ErrorCode::kPermissionDenied:
            case ErrorCode::kTimeout:
            case ErrorCode::kUnsupported:
            case ErrorCode::kUnavailable:
            case ErrorCode::kIo:
            case ErrorCode::kCorrupt:
            case ErrorCode::kInternal: break;
        }
        return "InternalException";
    }();
    return failed(std::string("DurableTask.") + name, error.message);
}

/// Of a call of a function that could not be begun, as executors word it.
TaskResult refusal(const Error& error) {
    TaskResult result;
    result.outcome =
        error.code == ErrorCode::kOverloaded ? TaskOutcome::kThrottled : TaskOutcome::kRejected;
    result.error = error.code == ErrorCode::kInvalidArgument ? "InvalidParameterValueException"
                   : error.code == ErrorCode::kAlreadyExists ? "ResourceConflictException"
                   : error.code == ErrorCode::kTooLarge      ? "RequestTooLargeException"
                   : error.code == ErrorCode::kOverloaded    ? "TooManyRequestsException"
                                                             : "ServiceException";
    result.cause = error.message;
    return result;
}

TaskResult function_failure(std::string_view type, std::string_view message) {
    TaskResult result;
    result.outcome = TaskOutcome::kFailed;
    result.payload =
        Payload(json::print(json::Value::object({{"errorType", type}, {"errorMessage", message}})));
    return result;
}

/// How an orchestration ended, as a function's answer. Texts that are not JSON become it.
TaskResult function_result(const ExecutionSummary& ended) {
    if (ended.status == ExecutionStatus::kFailed)
        return function_failure(ended.error.value_or("OrchestrationFailed"),
                                ended.cause.value_or(""));
    if (ended.status != ExecutionStatus::kSucceeded) {
        const bool is_canceled = ended.error == "CANCELED";
        std::string message = "The orchestration '" + ended.name + "' was " +
                              (is_canceled ? "canceled" : "terminated");
        message += ended.output.is_null() ? "." : ": " + ended.output.str();
        return function_failure(is_canceled ? "OrchestrationCanceled" : "OrchestrationTerminated",
                                message);
    }
    TaskResult result;
    const bool is_json = !ended.output.is_null() && json::check(ended.output.view());
    result.payload = is_json                  ? ended.output
                     : ended.output.is_null() ? Payload("null")
                                              : Payload(json::print(ended.output.str()));
    return result;
}

}  // namespace

bool OrchestrationCalls::owns(const ServiceCall& call) {
    return call.service == "durable-task" && (call.action == kStart || call.action == kRun);
}

void OrchestrationCalls::call(const Asked& asked, Answered done) {
    Wanted wanted;
    if (const auto wrong = read(asked, wanted)) return done(unusable(asked, *wrong));
    if (asked.action == kStart) start(asked, std::move(wanted), std::move(done));
    else run(asked, std::move(wanted), std::move(done));
}

/// Answers with the instance's id, once it has durably begun.
void OrchestrationCalls::start(const Asked& asked, Wanted wanted, Answered done) {
    durabletask::begin_orchestration(
        engine_, post_, std::move(wanted), [done = std::move(done)](const Result<Begun>& begun) {
            if (!begun) return done(failure(begun.error()));
            TaskResult result = succeeded(json::Value::object({{"InstanceId", begun->instance}}));
            result.execution = begun->execution;
            done(std::move(result));
        });
}

void OrchestrationCalls::run(const Asked& asked, Wanted wanted, Answered done) {
    const auto run = std::make_shared<Run>(Run{asked.key, std::move(done), {}, {}});
    {
        const std::lock_guard lock(mutex_);
        runs_[run->key] = run;
    }
    const int64_t patience_ms = asked.parameters.int_or("TimeoutMs", 0);
    if (later_ && patience_ms > 0) {
        later_(patience_ms, [this, weak = std::weak_ptr<Run>(run)] {
            TaskResult result;
            result.outcome = TaskOutcome::kTimedOut;
            if (const auto late = weak.lock()) give_up(late, std::move(result));
        });
    }
    durabletask::begin_orchestration(engine_, post_, std::move(wanted),
                                     [this, run](const Result<Begun>& begun) {
                                         if (begun) return wait_for(run, begun->execution);
                                         // Of a server that stops: made again after its start.
                                         if (engine_.is_ready())
                                             finish(run, refusal(begun.error()));
                                     });
}

void OrchestrationCalls::wait_for(const RunPtr& run, const ExecutionId& execution) {
    bool is_over = false;
    {
        const std::lock_guard lock(mutex_);
        run->execution = execution;
        is_over = !run->done;
    }
    if (is_over) return terminate(execution);
    auto wait = engine_.wait(
        execution, [](const ExecutionSummary& s) { return s.status != ExecutionStatus::kRunning; },
        [this, run](const Result<ExecutionSummary>& ended) {
            if (ended) return void(finish(run, function_result(*ended)));
            // The end is to be heard of all the same; of a server that stops: after its start.
            if (!later_ || !engine_.is_ready()) return;
            later_(kWaitAgainMs, [this, weak = std::weak_ptr<Run>(run)] {
                const auto waiting = weak.lock();
                if (waiting) wait_for(waiting, waiting->execution);
            });
        });
    const std::lock_guard lock(mutex_);
    if (run->done) run->wait.swap(wait);
}

/// Nobody waits any more.
void OrchestrationCalls::give_up(const RunPtr& run, TaskResult result) {
    if (!finish(run, std::move(result))) return;
    ExecutionId execution;
    {
        const std::lock_guard lock(mutex_);
        execution = run->execution;
    }
    // One that is on its way is terminated when it has begun.
    if (!execution.empty()) terminate(execution);
}

bool OrchestrationCalls::finish(const RunPtr& run, TaskResult result) {
    Answered done;
    std::shared_ptr<void> wait;
    {
        const std::lock_guard lock(mutex_);
        done.swap(run->done);
        wait.swap(run->wait);
        const auto at = runs_.find(run->key);
        if (at != runs_.end() && at->second == run) runs_.erase(at);
    }
    if (!done) return false;
    done(std::move(result));
    return true;
}

void OrchestrationCalls::terminate(const ExecutionId& execution) {
    engine_.stop(execution, std::nullopt, std::nullopt, [](const Result<ExecutionSummary>&) {});
}

bool OrchestrationCalls::cancel(std::string_view key) {
    RunPtr run;
    {
        const std::lock_guard lock(mutex_);
        const auto at = runs_.find(key);
        if (at == runs_.end()) return false;
        run = at->second;
    }
    TaskResult result;
    result.outcome = TaskOutcome::kLost;
    give_up(run, std::move(result));
    return true;
}

void OrchestrationCalls::close() {
    std::map<std::string, RunPtr, std::less<>> runs;
    std::vector<std::shared_ptr<void>> dropped;
    const std::lock_guard lock(mutex_);
    runs.swap(runs_);
    for (auto& [key, run] : runs) {
        run->done = nullptr;
        dropped.push_back(std::move(run->wait));
    }
}

}  // namespace tandem::services
