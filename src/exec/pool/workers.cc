// The lives of workers: when one is started, how, and what follows when it ends.
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <ctime>

#include "base/encoding.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/rng.h"
#include "exec/pool/error_documents.h"
#include "exec/pool/process_pool.h"
#include "exec/pool/process_tree.h"

namespace tandem::pool {
namespace {

// A start that takes longer than this no longer holds up the next one.
constexpr auto kStartSlot = std::chrono::milliseconds(500);
// Runtime clients put up to 1 MiB of stack traces into one header field.
constexpr size_t kRuntimeHeaderBytes = 1'100 * 1024;
constexpr size_t kRuntimeBodySlack = 1024 * 1024;
constexpr auto kWarmingBackoffMax = std::chrono::seconds(60);

std::string log_stream(std::string_view version, std::string_view worker) {
    const time_t now = time_t(to_millis(system_clock().now()) / 1000);
    tm utc{};
    ::gmtime_r(&now, &utc);
    char date[32];
    std::strftime(date, sizeof date, "%Y/%m/%d/", &utc);
    return date + ("[" + std::string(version) + "]") + std::string(worker);
}

Result<void> check_bootstrap(const std::filesystem::path& package) {
    struct stat found {};
    if (::stat((package / "bootstrap").c_str(), &found) != 0 || !S_ISREG(found.st_mode)) {
        return fail(ErrorCode::kInvalidArgument,
                    "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]");
    }
    if ((found.st_mode & 0111) == 0)
        return fail(ErrorCode::kInvalidArgument,
                    "fork/exec /var/task/bootstrap: permission denied");
    return {};
}

Gauge& workers_alive = gauge("tandem_workers", "Function processes alive");
Counter& worker_starts = counter("tandem_worker_starts_total", "Function processes started");
Counter& workers_lost =
    counter("tandem_worker_lost_total", "Function processes that ended on their own");

void erase_from(std::vector<WorkerPtr>& workers, const WorkerPtr& worker) {
    workers.erase(std::remove(workers.begin(), workers.end(), worker), workers.end());
}

}  // namespace

namespace {

/// The running workers will have emptied the queue before another one could help: a start costs
/// thousands of short calls. If calls now take longer than they did, the next look is impatient.
bool is_soon_done(const Group& group) {
    const size_t running = group.alive - group.starting;
    return running > 0 && group.call_time.known() && group.init_time.known() &&
           double(group.queue.size()) * group.call_time.seconds() <
               double(running) * group.init_time.seconds();
}

}  // namespace

/// Starts workers where tasks wait for one. `impatient`: do not count on workers that have answered
/// but not yet asked for more.
void ProcessPool::pump_starts(bool impatient) {
    if (stopping_) return;
    const SteadyTime now = std::chrono::steady_clock::now();
    std::erase_if(starting_, [&](const WorkerPtr& w) {
        return w->doomed || w->state != WorkerState::kStarting || now - w->started > kStartSlot;
    });
    std::erase_if(hungry_, [](const GroupPtr& group) {
        if (group->queue.empty()) group->hungry = false;
        return !group->hungry;
    });
    // In turns, so that one function's burst does not keep another from its first process.
    for (bool progress = true; progress;) {
        progress = false;
        for (const GroupPtr& group : hungry_) {
            if (starting_.size() >= starts_at_once_) return;
            if (group->queue.size() <= group->starting + (impatient ? 0 : group->answered))
                continue;
            if (!group->idle.empty()) continue;  // tasks are held back on purpose
            bool waits = group->alive >= processors_ && is_soon_done(*group);
            // At an impatient look, some must have been answered since the one before.
            if (impatient)
                waits &= std::exchange(group->answers_seen, group->answers) != group->answers;
            if (waits) continue;
            if (!has_gpus(*group)) {
                make_gpu_room(*group);  // looked at again when they have ended
                continue;
            }
            if (alive_ >= options_.limits.worker_processes && !make_room()) return;
            begin_worker(group);
            progress = true;
        }
    }
}

/// Ends the process that has been idle longest, whosever it is. False if none is idle.
bool ProcessPool::make_room() {
    WorkerPtr oldest;
    for (const auto& [name, function] : functions_) {
        for (const auto& [revision, group] : function->groups) {
            if (group->idle.empty()) continue;
            if (!oldest || group->idle.front()->idle_since < oldest->idle_since)
                oldest = group->idle.front();
        }
    }
    if (!oldest) return false;
    doom(oldest);
    return true;
}

void ProcessPool::begin_worker(const GroupPtr& group) {
    const auto worker = std::make_shared<Worker>(next_worker_++, hex(random_bytes(16)), group,
                                                 group->function->log);
    worker->started = std::chrono::steady_clock::now();
    take_gpus(*worker);
    workers_.emplace(worker->id, worker);
    starting_.push_back(worker);
    group->starting++;
    group->alive++;
    alive_++;
    workers_alive.add(1);
    starter_.post([this, worker] { start_worker(worker); });
}

void ProcessPool::start_worker(const WorkerPtr& worker) {
    {
        const std::lock_guard lock(mutex_);
        if (worker->doomed) {
            dispose(worker);
            pump_starts();
            return;
        }
    }
    worker_starts.add();
    const Result<void> launched = launch(worker);
    if (launched) return;
    log_warning("a function process could not be started",
                {{"function", worker->group->spec.name}, {"reason", launched.error().message}});
    Deferred deferred;
    {
        const std::lock_guard lock(mutex_);
        worker->start_failure = StartFailure::kEntrypoint;
        worker->failure_reason = launched.error().message;
        remove(worker, ExitStatus{}, deferred);
    }
    deferred.run();
}

Result<void> ProcessPool::launch(const WorkerPtr& worker) {
    const FunctionSpec& spec = worker->group->spec;
    const Result<std::filesystem::path> package = packages_.unpack(spec.code_blob);
    if (!package) return tl::unexpected(package.error());
    const RuntimeKind kind = worker->group->runtime;
    if (kind == RuntimeKind::kProvided) {
        Result<void> present = check_bootstrap(*package);
        if (!present) return present;
    }
    const Result<std::string> interpreter = find_interpreter(kind);
    if (!interpreter) return tl::unexpected(interpreter.error());

    net::HttpServerOptions server_options;
    server_options.header_bytes = kRuntimeHeaderBytes;
    server_options.body_bytes = options_.limits.invoke_response_bytes + kRuntimeBodySlack;
    server_options.connections = 16;
    server_options.gathers_replies = true;
    server_options.body_timeout_ms = (int64_t(spec.timeout_s) + 10) * 1000;
    server_options.idle_timeout_ms = 0;
    const uint64_t id = worker->id;
    server_options.on_disconnect = [this, id](const std::string& peer) { on_poll_lost(id, peer); };
    server_options.on_bad_request = [this, id](int status, std::string_view) {
        if (status == 413 || status == 431) on_oversized(id, status);
        net::HttpResponse response = status == 413
                                         ? too_large_response(options_.limits.invoke_response_bytes)
                                         : unknown_route_response();
        response.status = status;
        return response;
    };
    Result<std::unique_ptr<net::HttpServer>> server = net::HttpServer::listen(
        loops_, server_options, [this, id](net::HttpRequest request, net::HttpReply reply) {
            handle(id, std::move(request), std::move(reply));
        });
    if (!server) return tl::unexpected(server.error());

    WorkerIdentity identity;
    identity.region = options_.region;
    identity.log_group = "/aws/lambda/" + spec.name;
    identity.log_stream = log_stream(spec.version, worker->name);
    identity.runtime_api = "127.0.0.1:" + std::to_string((*server)->port());
    identity.initialization_type =
        spec.provisioned_concurrency > 0 ? "provisioned-concurrency" : "on-demand";
    std::unique_ptr<Channel> channel;
    WorkerProcess process;
    // Our own runtimes speak it.
    if (options_.function_channel &&
        (kind != RuntimeKind::kProvided || asks_for_channel(*package / "bootstrap"))) {
        Result<std::unique_ptr<Channel>> made = Channel::make(
            options_.limits.invoke_request_bytes, options_.limits.invoke_response_bytes);
        if (!made) return tl::unexpected(made.error());
        channel = std::move(*made);
        process.descriptors = channel->theirs();
        process.descriptors_variable = kChannelVariable;
    }
    process.package = *package;
    process.command = runtime_command(kind, *interpreter);
    process.interpreter = *interpreter;
    identity.of_place = options_.environment;
    process.environment = runtime_environment(spec, identity);
    show_gpus(*worker, process);
    process.ephemeral_storage_mb = spec.ephemeral_storage_mb;
    process.function_index = worker->group->function->index;
    process.id = worker->name;
    Result<PreparedProcess> prepared = sandbox_.prepare(process);
    if (!prepared) return tl::unexpected(prepared.error());

    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0)
        return fail(ErrorCode::kIo, std::string("cannot make a pipe: ") + std::strerror(errno));
    Fd read_end(ends[0]), write_end(ends[1]);
    ::fcntl(read_end.get(), F_SETFL, O_NONBLOCK);
    prepared->request.output_fd = write_end.get();
    {
        // Before it exists: its first call may come before spawn() returns.
        const std::lock_guard lock(mutex_);
        worker->server = std::move(*server);
        worker->private_directory = prepared->private_directory;
        worker->started = std::chrono::steady_clock::now();
        worker->output_fd = read_end.get();
        worker->channel = std::move(channel);
        worker->output.attach(std::move(read_end));
        if (!worker->doomed)
            set_deadline(worker, worker->started + std::chrono::milliseconds(
                                                       options_.limits.function_init_timeout_ms));
    }
    Result<Spawned> spawned = spawn(prepared->request);
    if (!spawned) return tl::unexpected(spawned.error());
    const std::lock_guard lock(mutex_);
    worker->pid = spawned->pid;
    worker->pidfd = std::move(spawned->pidfd);
    Result<void> watched = watcher_->add(worker->id, worker->pidfd.get(), worker->output_fd);
    if (watched && worker->channel) {
        worker->channel->release_theirs();
        watched = channels_->add(worker->id, worker->channel->fd());
    }
    if (!watched) {
        kill_tree(worker->pid);
        pollfd entry{worker->pidfd.get(), POLLIN, 0};
        ::poll(&entry, 1, -1);
        reap(worker->pidfd.get());
        worker->pid = -1;
        return watched;
    }
    // Doomed before there was a process to kill.
    if (worker->doomed) to_kill_.push_back(worker);
    watcher_->wake();  // without workers it ticks rarely
    return {};
}

void ProcessPool::detach(const WorkerPtr& worker) {
    Group& group = *worker->group;
    switch (worker->state) {
        case WorkerState::kStarting:
            group.starting--;
            erase_from(starting_, worker);
            break;
        case WorkerState::kIdle: erase_from(group.idle, worker); break;
        case WorkerState::kAnswered: group.answered--; break;
        case WorkerState::kBusy: break;
    }
    group.alive--;
    alive_--;
    workers_alive.add(-1);
    worker->parked = nullptr;
    clear_deadline(worker);
}

/// The worker gets no more tasks and is killed soon. Its running task must have been answered.
void ProcessPool::doom(const WorkerPtr& worker) {
    if (worker->doomed) return;
    detach(worker);
    worker->doomed = true;
    if (worker->pid > 0) {
        to_kill_.push_back(worker);
        watcher_->wake();
    }
}

/// The worker's process is gone (or never came to be).
void ProcessPool::remove(const WorkerPtr& worker, const ExitStatus& status, Deferred& deferred) {
    const bool was_starting = worker->state == WorkerState::kStarting;
    if (worker->running) {
        const Payload document = exit_document(worker->running->pending.task.request_id, status);
        complete(worker, TaskOutcome::kLost, document, "error", deferred);
    }
    const bool was_doomed = worker->doomed;
    if (!was_doomed) {
        workers_lost.add();
        detach(worker);
        worker->doomed = true;
    }
    if (was_starting && (!was_doomed || worker->start_failure != StartFailure::kNone))
        fail_start(worker, status, deferred);
    dispose(worker);
    forget_empty(worker->group);
    pump_starts();
}

/// The task that has waited longest for such a worker fails with the reason, as the invocation that
/// caused the start does in Lambda. Nobody waits: pre-warming pauses, longer each time.
void ProcessPool::fail_start(const WorkerPtr& worker, const ExitStatus& status,
                             Deferred& deferred) {
    const GroupPtr& group = worker->group;
    if (group->queue.empty()) {
        const auto pause = std::chrono::seconds(1) * (1 << std::min(group->init_failures++, 6));
        group->next_warming = std::chrono::steady_clock::now() +
                              std::min<std::chrono::seconds>(pause, kWarmingBackoffMax);
        return;
    }
    PendingTask pending = std::move(group->queue.front());
    group->queue.pop_front();
    const std::string& request_id = pending.task.request_id;
    TaskOutcome outcome = TaskOutcome::kLost;
    Payload document = exit_document(request_id, status);
    if (!worker->init_error.is_null()) {
        outcome = TaskOutcome::kFailed;
        document = worker->init_error;
    } else if (worker->start_failure == StartFailure::kTimeout) {
        outcome = TaskOutcome::kTimedOut;
        document = init_timeout_document(request_id, options_.limits.function_init_timeout_ms);
    } else if (worker->start_failure == StartFailure::kEntrypoint) {
        outcome = TaskOutcome::kFailed;
        document = start_failure_document(request_id, worker->failure_reason);
    }
    answer_unstarted(group, std::move(pending), outcome, std::move(document), deferred);
    leave(*group->function, deferred);
}

/// Frees what belongs to a worker, on the starter's thread: stopping its server waits for handlers.
void ProcessPool::dispose(const WorkerPtr& worker) {
    give_back_gpus(*worker);  // its process is gone
    starter_.post([this, worker] {
        if (worker->server) worker->server->stop();
        std::error_code ignored;
        if (!worker->private_directory.empty())
            std::filesystem::remove_all(worker->private_directory, ignored);
        const std::lock_guard lock(mutex_);
        worker->server.reset();
        workers_.erase(worker->id);
        if (workers_.empty()) emptied_.notify_all();
    });
}

void ProcessPool::set_deadline(const WorkerPtr& worker, SteadyTime when) {
    clear_deadline(worker);
    worker->deadline = when;
    deadlines_.emplace(when, worker->id);
}

void ProcessPool::clear_deadline(const WorkerPtr& worker) {
    if (worker->deadline) deadlines_.erase({*worker->deadline, worker->id});
    worker->deadline.reset();
}

}  // namespace tandem::pool
