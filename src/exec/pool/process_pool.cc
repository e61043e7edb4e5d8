#include "exec/pool/process_pool.h"

#include <algorithm>
#include <thread>

#include "base/check.h"
#include "base/encoding.h"
#include "base/log.h"
#include "exec/pool/error_documents.h"

namespace tandem {

Result<std::unique_ptr<Executor>> make_pool(net::EventLoops& loops, BlobStore& blobs,
                                            PoolOptions options) {
    Result<std::unique_ptr<pool::ProcessPool>> made =
        pool::ProcessPool::make(loops, blobs, std::move(options));
    if (!made) return tl::unexpected(made.error());
    return std::unique_ptr<Executor>(std::move(*made));
}

namespace pool {
namespace {

constexpr auto kStopTimeout = std::chrono::seconds(30);

ZipLimits zip_limits(const Limits& limits) {
    return {.zip_bytes = limits.function_zip_bytes,
            .unzipped_bytes = limits.function_unzipped_bytes,
            .entries = limits.function_zip_entries};
}

/// Equal but for how many processes there may be: then warm processes stay good.
bool same_process(FunctionSpec a, const FunctionSpec& b) {
    a.reserved_concurrency = b.reserved_concurrency;
    a.provisioned_concurrency = b.provisioned_concurrency;
    return a == b;
}

}  // namespace

std::string function_arn(const PoolOptions& options, std::string_view name,
                         std::string_view qualifier) {
    std::string arn = "arn:aws:lambda:" + options.region + ":" + options.account +
                      ":function:" + std::string(name);
    if (!qualifier.empty()) arn += ":" + std::string(qualifier);
    return arn;
}

Result<std::unique_ptr<ProcessPool>> ProcessPool::make(net::EventLoops& loops, BlobStore& blobs,
                                                       PoolOptions options) {
    Result<Sandbox> sandbox = Sandbox::open({.work_directory = options.work_directory,
                                             .workers_directory = options.workers_directory,
                                             .isolate = options.isolate,
                                             .user = options.sandbox_user});
    if (!sandbox) return tl::unexpected(sandbox.error());
    std::error_code error;
    std::filesystem::create_directories(options.work_directory / "logs", error);
    if (error) return fail(ErrorCode::kIo, "cannot create the log directory: " + error.message());
    std::filesystem::permissions(options.work_directory / "logs", std::filesystem::perms::owner_all,
                                 error);

    std::unique_ptr<ProcessPool> pool(
        new ProcessPool(loops, blobs, std::move(options), std::move(*sandbox)));
    ProcessPool* raw = pool.get();
    Result<std::unique_ptr<Watcher>> watcher =
        Watcher::start({.exited = [raw](uint64_t id) { raw->on_exit(id); },
                        .output = [raw](uint64_t id) { raw->on_output(id); },
                        .tick = [raw] { return raw->on_tick(); }});
    if (!watcher) return tl::unexpected(watcher.error());
    pool->watcher_ = std::move(*watcher);
    Result<std::unique_ptr<ChannelReader>> channels = ChannelReader::start(
        {.readable = [raw](uint64_t id) { raw->on_channel(id); },
         // Where there is but one processor, looking keeps the function from running.
         .expects_soon = [raw] { return raw->in_use_ == 1 && raw->processors_ > 1; },
         .has_time = [raw] { return raw->in_use_ == 0; }});
    if (!channels) return tl::unexpected(channels.error());
    pool->channels_ = std::move(*channels);
    return pool;
}

ProcessPool::ProcessPool(net::EventLoops& loops, BlobStore& blobs, PoolOptions options,
                         Sandbox sandbox)
    : loops_(loops),
      options_(std::move(options)),
      sandbox_(std::move(sandbox)),
      packages_(blobs, sandbox_.area() / "packages", zip_limits(options_.limits)),
      processors_(std::max(1u, std::thread::hardware_concurrency())),
      starts_at_once_(2 * processors_),
      // The first is taken first.
      free_gpus_(options_.gpus.rbegin(), options_.gpus.rend()),
      looks_(std::make_shared<Looks>()) {
    looks_->pool = this;
}

ProcessPool::~ProcessPool() { stop(); }

FunctionPtr ProcessPool::function_of(std::string_view name) {
    const auto at = functions_.find(name);
    if (at != functions_.end()) return at->second;
    const auto function = std::make_shared<Function>();
    function->name = std::string(name);
    function->index = functions_.size();
    function->log = std::make_shared<FunctionLog>(
        function->name, log_file(name), options_.limits.function_log_bytes, options_.on_log);
    functions_.emplace(function->name, function);
    return function;
}

Result<GroupPtr> ProcessPool::group_of(const Callable& callable) {
    const FunctionPtr function = function_of(callable.name);
    const auto at = function->groups.find(callable.revision);
    if (at != function->groups.end()) {
        if (at->second->definition == callable.definition) return at->second;
        retire_group(at->second);
        function->groups.erase(callable.revision);
    }
    Result<FunctionSpec> spec = decode_function_spec(callable.definition.view());
    if (!spec) return tl::unexpected(spec.error());
    const Result<RuntimeKind> runtime = runtime_kind(spec->runtime);
    if (!runtime) return tl::unexpected(runtime.error());
    const auto group = std::make_shared<Group>();
    group->function = function.get();
    group->revision = callable.revision;
    group->definition = callable.definition;
    group->spec = std::move(*spec);
    group->runtime = *runtime;
    // A function not heard of since the server started.
    if (function->groups.empty()) function->reserved_concurrency = group->spec.reserved_concurrency;
    function->groups.emplace(callable.revision, group);
    return group;
}

void ProcessPool::retire_group(const GroupPtr& group) {
    group->retired = true;
    if (!group->queue.empty()) return;
    const std::vector<WorkerPtr> idle = group->idle;
    for (const WorkerPtr& worker : idle) doom(worker);
}

/// Drops a retired group when its last worker and task are gone.
void ProcessPool::forget_empty(const GroupPtr& group) {
    if (!group->retired || group->alive != 0 || !group->queue.empty()) return;
    auto& groups = group->function->groups;
    const auto at = groups.find(group->revision);
    if (at != groups.end() && at->second == group) groups.erase(at);
}

std::filesystem::path ProcessPool::log_file(std::string_view function) const {
    return options_.work_directory / "logs" / (percent_encode(function) + ".log");
}

Result<void> ProcessPool::admit(const Callable& callable) {
    const Result<FunctionSpec> spec = decode_function_spec(callable.definition.view());
    if (!spec) return fail(ErrorCode::kInvalidArgument, spec.error().message);
    Result<void> known = check_runtime(*spec);
    if (!known) return known;
    const Result<std::string> interpreter = find_interpreter(*runtime_kind(spec->runtime));
    if (!interpreter) return fail(ErrorCode::kInvalidArgument, interpreter.error().message);
    const Result<std::filesystem::path> package = packages_.unpack(spec->code_blob);
    if (!package) return tl::unexpected(package.error());
    return {};
}

void ProcessPool::activate(std::shared_ptr<const Callable> callable) {
    Deferred deferred;
    {
        const std::lock_guard lock(mutex_);
        if (stopping_) return;
        const FunctionPtr function = function_of(callable->name);
        const Result<FunctionSpec> spec = decode_function_spec(callable->definition.view());
        if (!SOFT_CHECK(spec.has_value())) return;
        const std::map<std::string, GroupPtr> groups = function->groups;
        for (const auto& [revision, group] : groups) {
            if (group->spec.version != spec->version || group->definition == callable->definition)
                continue;
            if (!group->retired && same_process(group->spec, *spec)) {
                function->groups.erase(revision);
                group->revision = callable->revision;
                group->definition = callable->definition;
                group->spec = *spec;
                function->groups[callable->revision] = group;
            } else {
                retire_group(group);
                forget_empty(group);
            }
        }
        const Result<GroupPtr> group = group_of(*callable);
        if (!group) return;
        function->reserved_concurrency = spec->reserved_concurrency;
        let_waiting_in(*function, deferred);
    }
    deferred.run();
    watcher_->wake();  // keeps processes warm where asked for
}

void ProcessPool::retire(std::string_view name) {
    const std::lock_guard lock(mutex_);
    const auto at = functions_.find(name);
    if (at == functions_.end()) return;
    const std::map<std::string, GroupPtr> groups = at->second->groups;
    for (const auto& [revision, group] : groups) {
        retire_group(group);
        forget_empty(group);
    }
}

void ProcessPool::run(Task task, TaskCallbacks callbacks) {
    Deferred deferred;
    {
        const std::lock_guard lock(mutex_);
        submit({std::move(task), std::move(callbacks)}, deferred);
    }
    deferred.run();
}

/// A task that runs goes on, as an invocation of Lambda does; one that waits is taken back.
void ProcessPool::cancel(std::string_view key) {
    Deferred deferred;
    {
        const std::lock_guard lock(mutex_);
        const auto is_it = [key](const PendingTask& pending) { return pending.task.key == key; };
        for (const auto& [name, function] : functions_) {
            const auto waiting = std::find_if(function->waiting.begin(), function->waiting.end(),
                                              [&](const auto& w) { return is_it(w.second); });
            if (waiting != function->waiting.end()) {
                const auto [group, pending] = std::move(*waiting);
                function->waiting.erase(waiting);
                if (function->waiting.empty()) blocked_.erase(function.get());
                answer_unstarted(
                    group, pending, TaskOutcome::kLost,
                    error_document("Task.Cancelled", "The task was cancelled before it ran."),
                    deferred);
                break;
            }
            for (const auto& [revision, group] : function->groups) {
                const auto queued = std::find_if(group->queue.begin(), group->queue.end(), is_it);
                if (queued == group->queue.end()) continue;
                PendingTask pending = std::move(*queued);
                group->queue.erase(queued);
                answer_unstarted(
                    group, std::move(pending), TaskOutcome::kLost,
                    error_document("Task.Cancelled", "The task was cancelled before it ran."),
                    deferred);
                leave(*function, deferred);
                break;
            }
        }
    }
    deferred.run();
}

Result<std::string> ProcessPool::logs(std::string_view function, size_t limit_bytes) const {
    std::shared_ptr<FunctionLog> log;
    {
        const std::lock_guard lock(mutex_);
        const auto at = functions_.find(function);
        if (at != functions_.end()) log = at->second->log;
    }
    // Not used since the server started: what is on disk.
    if (!log)
        return RollingFile(log_file(function), options_.limits.function_log_bytes)
            .tail(limit_bytes);
    return log->tail(limit_bytes);
}

void ProcessPool::stop() {
    Deferred deferred;
    {
        const std::lock_guard lock(mutex_);
        if (stopping_) return;
        stopping_ = true;
        const Payload reason = error_document("ServiceException", "The server is shutting down.");
        for (const auto& [name, function] : functions_) {
            for (auto& [group, pending] : function->waiting)
                answer_unstarted(group, std::move(pending), TaskOutcome::kLost, reason, deferred);
            function->waiting.clear();
            for (const auto& [revision, group] : function->groups) {
                for (PendingTask& pending : group->queue)
                    answer_unstarted(group, std::move(pending), TaskOutcome::kLost, reason,
                                     deferred);
                group->queue.clear();
            }
        }
        blocked_.clear();
        for (const auto& [id, worker] : workers_) {
            if (worker->state == WorkerState::kBusy && !worker->doomed)
                complete(worker, TaskOutcome::kLost, reason, "error", deferred);
            doom(worker);
        }
    }
    deferred.run();
    if (watcher_) {
        std::unique_lock lock(mutex_);
        if (!emptied_.wait_for(lock, kStopTimeout, [this] { return workers_.empty(); })) {
            log_warning("some function processes did not end", {{"workers", workers_.size()}});
        }
    }
    // Their threads may still be looking at each other's and their own descriptors.
    {
        const std::lock_guard lock(looks_->mutex);
        looks_->pool = nullptr;
    }
    if (channels_) channels_->stop();
    if (watcher_) watcher_->stop();
    starter_.stop();
    flush_logs();
}

}  // namespace pool
}  // namespace tandem
