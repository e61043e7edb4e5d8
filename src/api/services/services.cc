#include "api/services/services.h"

#include <algorithm>

#include "api/services/calls.h"
#include "api/services/job_calls.h"
#include "api/services/orchestration_calls.h"
#include "api/states/action_names.h"
#include "base/log.h"
#include "exec/s3/s3_calls.h"

namespace tandem::services {

namespace {

constexpr size_t kBlockingThreads = 4;
constexpr size_t kBlockingQueue = 100'000;  // calls of buckets that wait for a thread
// A call that was throttled is made again, as an SDK does it.
constexpr int kAttempts = 8;
constexpr int64_t kFirstDelayMs = 50;

/// Parameters are an object; a JSONata expression may make something else of them.
std::optional<Asked> read(const ServiceCall& call) {
    auto parameters = json::parse(call.parameters.view());
    if (!parameters || !parameters->is_object()) return std::nullopt;
    return Asked{call.key, call.action, *std::move(parameters), {}, call.context, call.service};
}

bool is_throttled(const TaskResult& result) {
    return result.outcome == TaskOutcome::kFailed &&
           (result.error.ends_with(".ThrottlingException") ||
            result.error.ends_with(".TooManyRequestsException"));
}

}  // namespace

std::vector<std::string> installed_actions() {
    // Functions are the executor's, whichever way a task names them.
    std::vector<std::string> out = {"lambda:invoke",   "states:startExecution",
                                    "http:invoke",     "durable-task:startOrchestration",
                                    "slurm:submitJob", "batch:submitJob"};
    for (const std::string_view name : states::action_names()) {
        std::string action(name);
        action[0] = char(action[0] - 'A' + 'a');
        out.push_back("aws-sdk:sfn:" + action);
    }
    for (const std::string_view action : lambda_actions())
        out.push_back("aws-sdk:lambda:" + std::string(action));
    for (const std::string_view action : s3_actions())
        out.push_back("aws-sdk:s3:" + std::string(action));
    return out;
}

InstalledServices::InstalledServices() = default;
InstalledServices::~InstalledServices() { close(); }

void InstalledServices::bind(Doors doors) {
    std::vector<Waiting> waiting;
    {
        const std::lock_guard lock(mutex_);
        doors_ = std::move(doors);
        places_ = std::make_unique<MapRunPlaces>(doors_.open_map_runs);
        if (doors_.buckets != nullptr)
            map_runs_ = std::make_unique<MapRunCalls>(*doors_.context, *doors_.buckets);
        blocking_ = std::make_unique<aws::WorkQueue>(kBlockingThreads, kBlockingQueue);
        orchestrations_ = std::make_unique<OrchestrationCalls>(
            doors_.context->engine,
            [this](std::function<void()> work) { return blocking_->post(std::move(work)); },
            doors_.later);
        jobs_ = std::make_unique<JobCalls>(doors_);
        state_ = State::kOpen;
        waiting.swap(waiting_);
    }
    for (Waiting& one : waiting) begin(std::move(one.call), std::move(one.done));
}

void InstalledServices::call(ServiceCall call, Answered done) {
    {
        const std::lock_guard lock(mutex_);
        if (state_ == State::kClosed) return;
        if (state_ == State::kUnbound) {
            waiting_.push_back({std::move(call), std::move(done)});
            return;
        }
    }
    begin(std::move(call), std::move(done));
}

void InstalledServices::begin(ServiceCall call, Answered done) {
    // Not JSON, and nothing that is made again: a work item waits for a worker as long as it takes.
    const bool is_item = call.service == "durable-task" && !OrchestrationCalls::owns(call);
    if (is_item && doors_.work_items != nullptr)
        return doors_.work_items->add(std::move(call), std::move(done));
    if (JobCalls::is_of_job(call)) return jobs_->call(std::move(call), std::move(done));
    make(std::move(call), 1, std::move(done));
}

void InstalledServices::close() {
    {
        const std::lock_guard lock(mutex_);
        state_ = State::kClosed;
        waiting_.clear();
    }
    if (blocking_) blocking_->close();
    if (orchestrations_) orchestrations_->close();
}

void InstalledServices::cancel(std::string_view key) {
    MapRunPlaces* places = nullptr;
    {
        const std::lock_guard lock(mutex_);
        const auto poll = polls_.find(std::string(key));
        if (poll != polls_.end()) *poll->second = true;
        std::erase_if(waiting_, [&](const Waiting& one) { return one.call.key == key; });
        places = places_.get();
    }
    if (places == nullptr || places->cancel(key) || orchestrations_->cancel(key) ||
        jobs_->cancel(key))
        return;
    if (doors_.work_items != nullptr) doors_.work_items->cancel(key);
    if (doors_.http != nullptr) doors_.http->cancel(std::string(key));
}

void InstalledServices::end_polls() {
    const std::lock_guard lock(mutex_);
    polls_end_ = true;
    for (const auto& [key, is_cancelled] : polls_) *is_cancelled = true;
}

std::shared_ptr<std::atomic<bool>> InstalledServices::open_poll(const std::string& key) {
    const std::lock_guard lock(mutex_);
    return polls_[key] = std::make_shared<std::atomic<bool>>(polls_end_);
}

/// Waits for a task as long as whoever called waits for the answer.
void InstalledServices::poll(Asked asked, Answered done) {
    const auto is_cancelled = open_poll(asked.key);
    asked.cancelled = is_cancelled;
    call_sfn(doors_, asked, [this, key = asked.key, is_cancelled, done](TaskResult result) {
        bool is_dropped = false;
        {
            const std::lock_guard lock(mutex_);
            const auto it = polls_.find(key);
            if (it != polls_.end() && it->second == is_cancelled) polls_.erase(it);
            is_dropped = polls_end_ && result.payload.view() == "{}";
        }
        if (!is_dropped) done(std::move(result));
    });
}

bool InstalledServices::is_open() const {
    const std::lock_guard lock(mutex_);
    return state_ == State::kOpen;
}

void InstalledServices::make(ServiceCall call, int attempt, Answered done) {
    const ServiceCall kept = call;
    route(std::move(call), [this, kept, attempt, done = std::move(done)](TaskResult result) {
        answered(kept, attempt, std::move(result), done);
    });
}

void InstalledServices::answered(const ServiceCall& call, int attempt, TaskResult result,
                                 const Answered& done) {
    // A server that stops answers for nobody: after its start the call is made again.
    if (result.outcome == TaskOutcome::kFailed && !doors_.context->engine.is_ready()) return;
    if (!is_throttled(result) || attempt == kAttempts || !doors_.later)
        return done(std::move(result));
    doors_.later(kFirstDelayMs << attempt, [this, call, attempt, done] {
        if (is_open()) make(call, attempt + 1, done);
    });
}

void InstalledServices::route(ServiceCall call, Answered done) {
    auto asked = read(call);
    if (!asked) {
        return done(failed("States.Runtime", "The Parameters '" + call.parameters.str() +
                                                 "' could not be used to start the Task: [The "
                                                 "value must be an object]"));
    }
    const std::string& service = call.service;
    if (service == "states" && call.action == "startExecution")
        return start_execution(doors_, *asked, std::move(done));
    if (service == "states" && call.action == "run")
        return run_machine(doors_, *asked, std::move(done));
    if (OrchestrationCalls::owns(call)) return orchestrations_->call(*asked, std::move(done));
    if (JobCalls::owns(call) && call.action == "submitJob")
        return start_job(*std::move(asked), std::move(done));
    if (service == "aws-sdk:sfn" && call.action == "getActivityTask")
        return poll(*std::move(asked), std::move(done));
    if (service == "aws-sdk:sfn") return call_sfn(doors_, *asked, std::move(done));
    if (service == "aws-sdk:lambda") return call_lambda(doors_, *asked, std::move(done));
    if (service == "map-run" && call.action == "enter")
        return places_->enter(call.key, [done] { done(succeeded(json::Value::object())); });
    if (service == "map-run" && call.action == "stay")
        return places_->stay(call.key, [done] { done(succeeded(json::Value::object())); });
    if (service == "map-run" && doors_.buckets != nullptr)
        return call_map_run(std::move(call), std::move(done));
    if (service == "http" && doors_.http != nullptr) return call_http(call, std::move(done));
    if (service == "aws-sdk:s3" && doors_.buckets != nullptr)
        return call_buckets(std::move(call), std::move(done));
    done(failed("States.Runtime", "The resource 'arn:aws:states:::" + service + ":" + call.action +
                                      "' is not supported by this server."));
}

/// What jobs are listed under is made, which waits for the disk: not on the engine's thread.
void InstalledServices::start_job(Asked asked, Answered done) {
    const bool posted =
        blocking_->post([this, asked = std::move(asked), done] { jobs_->start(asked, done); });
    if (!posted) done(failed("Slurm.ThrottlingException", "Too many calls wait."));
}

void InstalledServices::call_map_run(ServiceCall call, Answered done) {
    const bool posted = blocking_->post([this, call = std::move(call), done] {
        const auto asked = read(call);
        done(call.action == "read" ? map_runs_->read(asked->parameters)
                                   : map_runs_->write(asked->parameters));
    });
    if (!posted) done(failed("MapRun.ThrottlingException", "Too many calls of buckets wait."));
}

void InstalledServices::call_http(const ServiceCall& call, Answered done) {
    auto asked = read(call);
    std::shared_ptr<HttpTrace> trace;
    if (call.trace) {
        trace = std::make_shared<HttpTrace>();
        trace->reveals_secrets = call.trace->reveals_secrets;
    }
    const auto answered = [asked, done = std::move(done), trace,
                           wanted = call.trace](const HttpAnswer& answer) {
        if (trace) {
            const auto text = [](const json::Value& shown) {
                return shown.is_null() ? Payload() : Payload(json::print(shown));
            };
            wanted->request = text(trace->request);
            wanted->response = text(trace->response);
        }
        if (!answer.refused.empty()) return done(unusable(*asked, answer.refused));
        if (!answer.error.empty()) return done(failed(answer.error, answer.cause));
        done(succeeded(answer.output));
    };
    doors_.http->call(call.key, asked->parameters, answered, trace);
}

void InstalledServices::call_buckets(ServiceCall call, Answered done) {
    const bool posted = blocking_->post([this, call = std::move(call), done] {
        const auto asked = read(call);
        const S3CallLimits limits{doors_.context->limits.payload_bytes};
        ServiceAnswer answer = call_s3(*doors_.buckets, call.action, asked->parameters, limits);
        if (!answer.refused.empty()) return done(unusable(*asked, answer.refused));
        if (!answer.error.empty()) return done(failed(answer.error, answer.cause));
        done(succeeded(answer.output));
    });
    if (!posted) done(failed("S3.ThrottlingException", "Please reduce your request rate."));
}

}  // namespace tandem::services
