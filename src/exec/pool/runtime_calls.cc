// What workers ask: the routes of the Runtime API, and which of them a worker may call when.
#include "base/log.h"
#include "base/metrics.h"
#include "exec/pool/error_documents.h"
#include "exec/pool/peer_user.h"
#include "exec/pool/process_pool.h"

namespace tandem::pool {

namespace {

Histogram& init_seconds =
    histogram("tandem_worker_init_seconds", "From start to the first request for a task");

}  // namespace

WorkerPtr ProcessPool::find_worker(uint64_t id) {
    const std::lock_guard lock(mutex_);
    const auto at = workers_.find(id);
    return at == workers_.end() ? nullptr : at->second;
}

void ProcessPool::handle(uint64_t id, net::HttpRequest http, net::HttpReply reply) {
    const WorkerPtr worker = find_worker(id);
    net::HttpResponse response = unknown_route_response();
    if (worker && !is_from_worker(worker, http.peer)) {
        response.close = true;
        return reply(std::move(response));
    }
    RuntimeRequest request = parse_runtime_request(std::move(http));
    Deferred deferred;
    if (worker) {
        const std::lock_guard lock(mutex_);
        // A process uses one of the two ways.
        if (worker->speaks_channel) request.call = RuntimeCall::kUnknown;
        switch (request.call) {
            case RuntimeCall::kNext: response = on_next(worker, reply, deferred); break;
            case RuntimeCall::kResponse:
            case RuntimeCall::kError:
                response = on_answer(worker, std::move(request), deferred);
                break;
            case RuntimeCall::kInitError:
                response = on_init_error(worker, std::move(request));
                break;
            case RuntimeCall::kRestoreNext: response = restored_response(); break;
            case RuntimeCall::kRestoreError: response = accepted_response(); break;
            case RuntimeCall::kUnknown: break;
        }
    }
    // The caller's answer first: the worker's own is on the way to its next task only.
    deferred.run();
    if (reply) reply(std::move(response));
}

/// Any process of this machine can connect to a worker's port: where functions have users of their
/// own, only the function's may call. Asked once for each connection.
bool ProcessPool::is_from_worker(const WorkerPtr& worker, const std::string& peer) {
    uint16_t port = 0;
    {
        const std::lock_guard lock(mutex_);
        if (worker->peer == peer) return true;
        if (!worker->server) return false;
        port = worker->server->port();
    }
    const std::optional<uint32_t> expected = sandbox_.uid(worker->group->function->index);
    const std::optional<uint32_t> user = expected ? peer_user(peer, port) : std::nullopt;
    if (user && *user != *expected) {
        log_warning("another user's process called a function's Runtime API",
                    {{"function", worker->group->spec.name}, {"uid", int64_t(*user)}});
        return false;
    }
    const std::lock_guard lock(mutex_);
    worker->peer = peer;
    return true;
}

/// Takes `reply` if the call is allowed; otherwise answers it with the returned response.
net::HttpResponse ProcessPool::on_next(const WorkerPtr& worker, net::HttpReply& reply,
                                       Deferred& deferred) {
    Group& group = *worker->group;
    if (worker->state == WorkerState::kBusy) return invalid_state_response("Running", "Ready");
    worker->parked = std::exchange(reply, nullptr);
    if (worker->doomed) return {};
    switch (worker->state) {
        case WorkerState::kStarting: on_ready(worker, deferred); break;
        case WorkerState::kAnswered:
            group.answered--;
            make_available(worker, deferred);
            break;
        case WorkerState::kIdle:  // it asks again: the former connection is given up
        case WorkerState::kBusy: break;
    }
    return {};
}

/// A starting worker asks for its first task.
void ProcessPool::on_ready(const WorkerPtr& worker, Deferred& deferred) {
    if (!worker->init_error.is_null()) return;  // it said that it cannot work
    Group& group = *worker->group;
    const std::chrono::duration<double> init = std::chrono::steady_clock::now() - worker->started;
    init_seconds.observe_seconds(init.count());
    group.init_time.add(init);
    worker->unreported_init_ms = init.count() * 1000;
    worker->sample_memory = true;
    group.starting--;
    group.init_failures = 0;
    make_available(worker, deferred);
}

net::HttpResponse ProcessPool::on_answer(const WorkerPtr& worker, RuntimeRequest request,
                                         Deferred& deferred) {
    const bool is_error = request.call == RuntimeCall::kError;
    if (worker->state == WorkerState::kStarting) {
        return invalid_state_response("Started",
                                      is_error ? "InvocationErrorResponse" : "InvocationResponse");
    }
    if (!worker->running || worker->running->pending.task.request_id != request.request_id)
        return invalid_request_id_response();
    if (!request.known_mode) return invalid_mode_response();
    const size_t limit = options_.limits.invoke_response_bytes;
    if (request.body.size() > limit) {
        complete(worker, TaskOutcome::kFailed, response_too_large_document(limit), "error",
                 deferred);
        return too_large_response(limit);
    }
    if (is_error) {
        complete(worker, TaskOutcome::kFailed,
                 posted_error(std::move(request.body), request.error_type), "error", deferred);
    } else if (request.failed_in_trailers) {
        complete(worker, TaskOutcome::kFailed,
                 posted_error(std::move(request.trailer_error_body), request.error_type), "error",
                 deferred);
    } else {
        complete(worker, TaskOutcome::kSucceeded, Payload(std::move(request.body)), {}, deferred);
    }
    return accepted_response();
}

net::HttpResponse ProcessPool::on_init_error(const WorkerPtr& worker, RuntimeRequest request) {
    if (worker->state != WorkerState::kStarting)
        return invalid_state_response("Ready", "InitError");
    if (!worker->init_error.is_null()) return invalid_state_response("InitError", "InitError");
    worker->init_error = posted_error(std::move(request.body), request.error_type);
    return accepted_response();
}

/// A body or header so large that the server did not read it: all that can be is an answer.
void ProcessPool::on_oversized(uint64_t id, int status) {
    const WorkerPtr worker = find_worker(id);
    if (!worker) return;
    Deferred deferred;
    {
        const std::lock_guard lock(mutex_);
        if (worker->running) {
            const Payload document =
                status == 413 ? response_too_large_document(options_.limits.invoke_response_bytes)
                              : error_document("Runtime.HeaderTooLarge",
                                               "The function's answer had more header bytes than "
                                               "the Runtime API takes.");
            complete(worker, TaskOutcome::kFailed, document, "error", deferred);
        }
    }
    deferred.run();
}

/// The connection with the parked `next` is gone: no task may go there. The process is about to
/// end, or asks again within the time that a start may take.
void ProcessPool::on_poll_lost(uint64_t id, const std::string& peer) {
    const WorkerPtr worker = find_worker(id);
    if (!worker) return;
    const std::lock_guard lock(mutex_);
    if (worker->doomed || worker->state != WorkerState::kIdle || worker->peer != peer) return;
    std::erase(worker->group->idle, worker);
    worker->parked = nullptr;
    worker->state = WorkerState::kAnswered;
    worker->group->answered++;
    set_deadline(worker, std::chrono::steady_clock::now() +
                             std::chrono::milliseconds(options_.limits.function_init_timeout_ms));
}

}  // namespace tandem::pool
