#include "exec/agent/agent_pools.h"

#include "base/check.h"
#include "base/encoding.h"
#include "base/log.h"
#include "base/rng.h"
#include "json/value.h"

namespace tandem {

std::shared_ptr<Agents> Agents::make(net::EventLoops& loops, BlobStore& blobs,
                                     AgentsOptions options) {
    const auto made = std::make_shared<agent::AgentPools>(loops, blobs, std::move(options));
    made->begin_ticking();
    // Whoever drops the last reference must not be a thread that has to be waited for.
    return std::shared_ptr<Agents>(made.get(), [made](Agents*) { made->stop(); });
}

namespace agent {

namespace {

// Known by address: definitions that were replaced go with the rest.
constexpr size_t kRevisionsKept = 10'000;

TaskResult refusal(std::string error, std::string cause) {
    TaskResult result;
    result.outcome = TaskOutcome::kRejected;
    result.error = std::move(error);
    result.cause = std::move(cause);
    return result;
}

std::string pool_label(const std::string& pool) { return "pool=\"" + pool + "\""; }

}  // namespace

Payload error_document(std::string_view type, std::string_view message) {
    return Payload(
        json::print(json::Value::object({{"errorType", type}, {"errorMessage", message}})));
}

PoolState::PoolState(std::string pool)
    : name(std::move(pool)),
      connected_gauge(gauge("tandem_agents", "Agents connected", pool_label(name))),
      queued_gauge(gauge("tandem_agent_calls_queued", "Calls that wait for an agent with room",
                         pool_label(name))),
      running_gauge(
          gauge("tandem_agent_calls_running", "Calls that agents have", pool_label(name))) {}

AgentPools::AgentPools(net::EventLoops& loops, BlobStore& blobs, AgentsOptions options)
    : loops_(loops),
      blobs_(blobs),
      options_(std::move(options)),
      instance_(random_uuid()),
      frame_bytes_(
          std::max(options_.limits.invoke_request_bytes, options_.limits.invoke_response_bytes) +
          kFrameHeadroomBytes),
      packages_(std::make_unique<JobThread>()) {}

FunctionState& AgentPools::function_of(std::string_view name) {
    auto at = functions_.find(name);
    if (at == functions_.end()) {
        auto state = std::make_unique<FunctionState>();
        state->name = std::string(name);
        at = functions_.emplace(state->name, std::move(state)).first;
    }
    return *at->second;
}

PoolState& AgentPools::pool_of(std::string_view name) {
    auto at = pools_.find(name);
    if (at == pools_.end()) {
        auto state = std::make_unique<PoolState>(std::string(name));
        at = pools_.emplace(state->name, std::move(state)).first;
    }
    return *at->second;
}

RollingFile& AgentPools::log_of(FunctionState& function) const {
    if (!function.log) {
        function.log = std::make_unique<RollingFile>(
            options_.log_directory / (percent_encode(function.name) + ".log"),
            options_.limits.function_log_bytes);
    }
    return *function.log;
}

Result<RevisionPtr> AgentPools::revision_of(const std::shared_ptr<const Callable>& callable) {
    const auto known = revisions_.find(callable.get());
    if (known != revisions_.end()) return known->second;
    auto spec = decode_function_spec(callable->definition.view());
    if (!spec) return tl::unexpected<Error>(spec.error());
    if (!is_pool_name(spec->pool))
        return fail(ErrorCode::kInvalidArgument, "the function is placed on no pool");
    auto revision = std::make_shared<Revision>();
    revision->callable = callable;
    revision->digest = spec->code_blob;
    revision->version = spec->version;
    revision->shape.slots = uint64_t(std::max(1, spec->cpus));
    revision->shape.memory_mb = uint64_t(std::max(0, spec->memory_mb));
    revision->shape.gpus = uint64_t(std::max(0, spec->gpus));
    revision->shape.seconds = spec->timeout_s;
    FunctionState& function = function_of(callable->name);
    // A function not heard of since the server started.
    if (!std::exchange(function.is_known, true))
        function.reserved_concurrency = spec->reserved_concurrency;
    revision->function = &function;
    revision->pool = &pool_of(spec->pool);
    // How many there may be is counted here, over all agents.
    spec->reserved_concurrency.reset();
    spec->provisioned_concurrency = 0;
    Callable told = *callable;
    told.definition = Payload(encode_function_spec(*spec));
    told.attributes = Payload();
    told.aliases.clear();
    revision->encoded = encode_callable(told);
    if (revisions_.size() >= kRevisionsKept) revisions_.clear();
    revisions_.emplace(callable.get(), revision);
    return RevisionPtr(std::move(revision));
}

Result<void> AgentPools::admit(const Callable& callable) {
    const auto spec = decode_function_spec(callable.definition.view());
    if (!spec) return fail(ErrorCode::kInvalidArgument, spec.error().message);
    if (is_pool_name(spec->pool)) return {};
    return fail(ErrorCode::kInvalidArgument,
                "'" + to_valid_utf8(spec->pool) + "' cannot be the name of a pool.");
}

void AgentPools::activate(std::shared_ptr<const Callable> callable) {
    Deferred deferred;
    {
        const std::lock_guard lock(mutex_);
        if (stopping_) return;
        const auto revision = revision_of(callable);
        if (!SOFT_CHECK(revision.has_value())) return;
        const auto spec = decode_function_spec(callable->definition.view());
        FunctionState& function = *(*revision)->function;
        function.reserved_concurrency = spec->reserved_concurrency;
        // Those that have run it have warm processes of what it was.
        for (const auto& [id, connection] : connections_) {
            if (!connection->agent || connection->agent->names.count(function.name) == 0) continue;
            std::string out;
            tell_function(connection, *revision, true, out);
            connection->stream->send(std::move(out));
        }
        let_waiting_in(function, deferred);
    }
    deferred.run();
}

void AgentPools::retire(std::string_view name) {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, connection] : connections_) {
        if (!connection->agent || connection->agent->names.count(name) == 0) continue;
        connection->stream->send(encode(Retire{std::string(name)}));
    }
}

void AgentPools::run(Task task, TaskCallbacks callbacks) {
    Deferred deferred;
    {
        const std::lock_guard lock(mutex_);
        CHECK(task.callable != nullptr);
        const auto refuse = [&](TaskResult result) {
            result.request_id = task.request_id;
            deferred.add(
                [completed = std::move(callbacks.completed), result] { completed(result); });
        };
        const size_t limit = options_.limits.invoke_request_bytes;
        if (stopping_) {
            refuse(refusal("ServiceException", "The server is shutting down."));
        } else if (task.payload.size() > limit) {
            refuse(refusal("RequestTooLargeException",
                           "Request must be smaller than " + std::to_string(limit) +
                               " bytes for the InvokeFunction operation"));
        } else if (const auto revision = revision_of(task.callable); !revision) {
            refuse(refusal("InvalidParameterValueException", revision.error().message));
        } else {
            submit(*revision, std::move(task), std::move(callbacks), deferred);
        }
    }
    deferred.run();
}

/// A call that an agent has goes on, unless it waits for a process there.
void AgentPools::cancel(std::string_view key) {
    Deferred deferred;
    {
        const std::lock_guard lock(mutex_);
        const auto at = by_key_.find(std::string(key));
        if (at == by_key_.end()) return;
        const CallPtr call = at->second;
        if (call->agent != nullptr) {
            if (call->agent->connection)
                call->agent->connection->stream->send(encode(Cancel{call->number}));
            return;
        }
        FunctionState& function = *call->revision->function;
        PoolState& pool = *call->pool;
        const auto waiting = std::find(function.waiting.begin(), function.waiting.end(), call);
        if (waiting != function.waiting.end()) {
            function.waiting.erase(waiting);
        } else {
            const auto queue = pool.queues.find(call->revision->shape);
            if (!SOFT_CHECK(queue != pool.queues.end())) return;
            std::erase(queue->second, call);
            if (queue->second.empty()) pool.queues.erase(queue);
            pool.queued--;
            pool.queued_gauge.add(-1);
            leave(*call, deferred);
        }
        answer_lost(call, "Task.Cancelled", "The task was cancelled before it ran.", deferred);
        tell_change(pool, deferred);
    }
    deferred.run();
}

Result<std::string> AgentPools::logs(std::string_view function, size_t limit_bytes) const {
    RollingFile* log = nullptr;  // stays for as long as this
    {
        const std::lock_guard lock(mutex_);
        const auto at = functions_.find(function);
        if (at != functions_.end()) log = &log_of(*at->second);
    }
    if (log != nullptr) return log->tail(limit_bytes);
    return RollingFile(options_.log_directory / (percent_encode(function) + ".log"),
                       options_.limits.function_log_bytes)
        .tail(limit_bytes);
}

void AgentPools::stop() {
    Deferred deferred;
    {
        const std::lock_guard lock(mutex_);
        if (stopping_) return;
        stopping_ = true;
        for (const auto& [id, connection] : connections_) {
            connection->closed = true;
            connection->drained.notify_all();
            connection->stream->close();
        }
        const auto open = by_key_;
        for (const auto& [key, call] : open)
            answer_lost(call, "ServiceException", "The server is shutting down.", deferred);
        for (const auto& [name, function] : functions_) function->waiting.clear();
        for (const auto& [name, pool] : pools_) {
            pool->queues.clear();
            pool->queued = pool->running = 0;
            pool->queued_gauge.set(0);
            pool->running_gauge.set(0);
            pool->connected_gauge.set(0);
            for (const AgentPtr& agent : pool->agents) {
                agent->calls.clear();
                if (agent->connection) agent->connection->agent = nullptr;
                agent->connection = nullptr;
            }
            pool->agents.clear();
        }
        for (const auto& [name, function] : functions_) {
            if (function->log) function->log->flush();
        }
    }
    deferred.run();
    packages_->stop();
}

std::string AgentPools::token(std::string_view pool, std::string_view agent, int64_t valid_s) {
    const Timestamp expires = options_.clock->now() + std::chrono::seconds(valid_s);
    return make_token(options_.token_key, {std::string(pool), std::string(agent), expires});
}

AgentPoolStatus AgentPools::status(std::string_view name) const {
    AgentPoolStatus status;
    status.pool = std::string(name);
    const std::lock_guard lock(mutex_);
    const auto at = pools_.find(name);
    if (at == pools_.end()) return status;
    const PoolState& pool = *at->second;
    status.queued = pool.queued;
    status.running = pool.running;
    for (const auto& [shape, queue] : pool.queues) {
        const Timestamp since = queue.front()->since_clock;
        if (status.oldest_queued == Timestamp{} || since < status.oldest_queued)
            status.oldest_queued = since;
    }
    if (pool.queued > 0) status.reason = reason_of(pool);
    for (const AgentPtr& agent : pool.agents) {
        status.agents.push_back({.id = agent->id,
                                 .node = agent->node,
                                 .slots = agent->total.slots,
                                 .free_slots = agent->free.slots,
                                 .memory_mb = agent->total.memory_mb,
                                 .gpus = agent->total.gpus,
                                 .running = agent->calls.size(),
                                 .connected = agent->connection != nullptr,
                                 .draining = agent->draining});
    }
    return status;
}

std::vector<std::string> AgentPools::pools() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> names;
    for (const auto& [name, pool] : pools_) names.push_back(name);
    return names;
}

AgentPtr AgentPools::agent_of(std::string_view pool, std::string_view id) const {
    const auto at = pools_.find(pool);
    if (at == pools_.end()) return nullptr;
    for (const AgentPtr& agent : at->second->agents) {
        if (agent->id == id) return agent;
    }
    return nullptr;
}

bool AgentPools::drain(std::string_view pool, std::string_view id) {
    const std::lock_guard lock(mutex_);
    const AgentPtr agent = agent_of(pool, id);
    if (!agent) return false;
    agent->draining = true;
    if (agent->connection) agent->connection->stream->send(encode(Drain{}));
    return true;
}

bool AgentPools::ends(std::string_view pool, std::string_view id, Timestamp when) {
    const std::lock_guard lock(mutex_);
    const AgentPtr agent = agent_of(pool, id);
    if (agent) agent->ends = when;
    return agent != nullptr;
}

bool AgentPools::gone(std::string_view pool, std::string_view id, const std::string& why) {
    Deferred deferred;
    {
        const std::lock_guard lock(mutex_);
        const AgentPtr agent = agent_of(pool, id);
        if (!agent) return false;
        agent->gone = why;
        if (!agent->connection) lose(agent, "is gone: " + why, deferred);
    }
    deferred.run();
    return true;
}

}  // namespace agent
}  // namespace tandem
