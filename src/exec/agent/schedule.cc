// Calls to agents: letting in under the functions' limits, choosing an agent, answering.
#include <algorithm>

#include "base/check.h"
#include "base/log.h"
#include "exec/agent/agent_pools.h"

namespace tandem::agent {

namespace {

// An agent that reads slower than it is sent to gets no more.
constexpr size_t kSendQueueBytes = 32 * 1024 * 1024;
// A call that waits longer for much room is not overtaken by small ones any more.
constexpr auto kOvertakenFor = std::chrono::seconds(5);

Counter& throttles =
    counter("tandem_function_throttles_total", "Invocations refused for lack of concurrency");

TaskResult throttled(std::string cause) {
    throttles.add();
    TaskResult result;
    result.outcome = TaskOutcome::kThrottled;
    result.error = "TooManyRequestsException";
    result.cause = std::move(cause);
    return result;
}

}  // namespace

void AgentPools::submit(RevisionPtr revision, Task task, TaskCallbacks callbacks,
                        Deferred& deferred) {
    const auto call = std::make_shared<OpenCall>();
    call->number = next_call_++;
    call->task = std::move(task);
    call->callbacks = std::move(callbacks);
    call->revision = std::move(revision);
    call->pool = call->revision->pool;
    by_key_[call->task.key] = call;
    FunctionState& function = *call->revision->function;
    // Behind those that wait already: first in, first out.
    if (has_capacity(function) && function.waiting.empty()) {
        let_in(call, deferred);
    } else if (call->task.queue_when_busy && function.reserved_concurrency != 0) {
        function.waiting.push_back(call);
    } else {
        answer(call, throttled("ReservedFunctionConcurrentInvocationLimitExceeded"), deferred);
    }
}

bool AgentPools::has_capacity(const FunctionState& function) const {
    return !function.reserved_concurrency ||
           function.in_use < size_t(std::max(*function.reserved_concurrency, 0));
}

void AgentPools::let_in(CallPtr call, Deferred& deferred) {
    PoolState& pool = *call->pool;
    call->revision->function->in_use++;
    open_++;
    if (pool.queued == 0) {
        if (const AgentPtr agent = agent_for(pool, *call)) return assign(agent, call);
    }
    enqueue(call, deferred);
}

void AgentPools::enqueue(const CallPtr& call, Deferred& deferred) {
    PoolState& pool = *call->pool;
    if (pool.queued >= options_.queued_calls) {
        leave(*call, deferred);
        return answer(call, throttled("ConcurrentInvocationLimitExceeded"), deferred);
    }
    call->since = std::chrono::steady_clock::now();
    call->since_clock = options_.clock->now();
    pool.queues[call->revision->shape].push_back(call);
    pool.queued++;
    pool.queued_gauge.add(1);
    // There may be room that the others in the queue are too big for.
    pump(pool);
    if (pool.queued > 0 && pool.agents.empty() && !pool.has_told) {
        pool.has_told = true;
        log_warning("calls wait: the pool has no agent", {{"pool", pool.name}});
    }
    tell_change(pool, deferred);
}

void AgentPools::let_waiting_in(FunctionState& function, Deferred& deferred) {
    while (!function.waiting.empty() && has_capacity(function)) {
        CallPtr call = std::move(function.waiting.front());
        function.waiting.pop_front();
        let_in(std::move(call), deferred);
    }
}

/// A call that was let in is answered, or is about to be.
void AgentPools::leave(const OpenCall& call, Deferred& deferred) {
    FunctionState& function = *call.revision->function;
    function.in_use--;
    open_--;
    if (!function.waiting.empty()) let_waiting_in(function, deferred);
}

/// Until the function's time limit.
bool AgentPools::lasts(const AgentState& agent, const Shape& shape) const {
    return agent.ends == Timestamp{} ||
           agent.ends - options_.clock->now() >= std::chrono::seconds(shape.seconds);
}

bool AgentPools::could_take(const AgentState& agent, const Shape& shape) const {
    return !agent.draining && lasts(agent, shape) && agent.total.slots >= shape.slots &&
           agent.total.gpus >= shape.gpus &&
           (!agent.counts_memory || agent.total.memory_mb >= shape.memory_mb);
}

bool AgentPools::has_room(const AgentState& agent, const Shape& shape) const {
    return agent.connection && !agent.draining && lasts(agent, shape) &&
           agent.free.slots >= shape.slots && agent.free.gpus >= shape.gpus &&
           (!agent.counts_memory || agent.free.memory_mb >= shape.memory_mb) &&
           agent.connection->stream->queued_bytes() < kSendQueueBytes;
}

/// Where the function ran last it has warm processes; else where there is most room.
AgentPtr AgentPools::agent_for(PoolState& pool, const OpenCall& call) const {
    const Shape& shape = call.revision->shape;
    const AgentPtr last = call.revision->function->last.lock();
    if (last && last->pool == &pool && has_room(*last, shape)) return last;
    AgentPtr best;
    for (const AgentPtr& agent : pool.agents) {
        if (!has_room(*agent, shape)) continue;
        if (!best || agent->free.slots > best->free.slots) best = agent;
    }
    return best;
}

/// Gives queued calls to agents: the oldest first, but a big one does not hold up small ones at
/// once.
void AgentPools::pump(PoolState& pool) {
    while (pool.queued > 0) {
        std::vector<std::deque<CallPtr>*> heads;
        for (auto& entry : pool.queues) heads.push_back(&entry.second);
        std::sort(heads.begin(), heads.end(), [](const auto* a, const auto* b) {
            return a->front()->since < b->front()->since;
        });
        const SteadyTime now = std::chrono::steady_clock::now();
        AgentPtr agent;
        CallPtr call;
        for (auto* queue : heads) {
            call = queue->front();
            agent = agent_for(pool, *call);
            if (agent) break;
            const auto could = [&](const AgentPtr& a) {
                return could_take(*a, call->revision->shape);
            };
            if (now - call->since > kOvertakenFor &&
                std::any_of(pool.agents.begin(), pool.agents.end(), could))
                return;
        }
        if (!agent) return;
        const auto at = pool.queues.find(call->revision->shape);
        at->second.pop_front();
        if (at->second.empty()) pool.queues.erase(at);
        pool.queued--;
        pool.queued_gauge.add(-1);
        assign(agent, call);
    }
    pool.has_told = false;
}

void AgentPools::assign(const AgentPtr& agent, const CallPtr& call) {
    const Shape& shape = call->revision->shape;
    PoolState& pool = *agent->pool;
    call->agent = agent.get();
    call->revision->function->last = agent;
    agent->free.slots -= shape.slots;
    agent->free.gpus -= shape.gpus;
    if (agent->counts_memory) agent->free.memory_mb -= shape.memory_mb;
    agent->calls.emplace(call->number, call);
    pool.running++;
    pool.running_gauge.add(1);
    send_call(agent->connection, *call);
}

/// The call is not the agent's any more.
void AgentPools::take_back(AgentState& agent, const CallPtr& call) {
    const Shape& shape = call->revision->shape;
    agent.calls.erase(call->number);
    agent.free.slots += shape.slots;
    agent.free.gpus += shape.gpus;
    if (agent.counts_memory) agent.free.memory_mb += shape.memory_mb;
    agent.pool->running--;
    agent.pool->running_gauge.add(-1);
    call->agent = nullptr;
}

void AgentPools::answer(const CallPtr& call, TaskResult result, Deferred& deferred) {
    const auto at = by_key_.find(call->task.key);
    if (at != by_key_.end() && at->second == call) by_key_.erase(at);
    if (result.request_id.empty()) result.request_id = call->task.request_id;
    deferred.add([completed = std::move(call->callbacks.completed),
                  result = std::move(result)]() mutable { completed(std::move(result)); });
}

void AgentPools::answer_lost(const CallPtr& call, const std::string& type,
                             const std::string& message, Deferred& deferred) {
    TaskResult result;
    result.outcome = TaskOutcome::kLost;
    result.payload = error_document(type, message);
    result.executed_version = call->revision->version;
    result.unhandled = true;
    answer(call, std::move(result), deferred);
}

/// Why the oldest of the calls that wait does.
std::string AgentPools::reason_of(const PoolState& pool) const {
    const OpenCall* oldest = nullptr;
    for (const auto& [shape, queue] : pool.queues) {
        if (oldest == nullptr || queue.front()->since < oldest->since) oldest = queue.front().get();
    }
    if (oldest == nullptr) return {};
    if (pool.agents.empty()) return "no agent is connected";
    const Shape& shape = oldest->revision->shape;
    const auto could = [&](const AgentPtr& agent) { return could_take(*agent, shape); };
    if (std::any_of(pool.agents.begin(), pool.agents.end(), could)) return "all agents are busy";
    const auto is_short = [&](const AgentPtr& agent) { return !lasts(*agent, shape); };
    if (std::all_of(pool.agents.begin(), pool.agents.end(), is_short))
        return "no agent stays for the function's " + std::to_string(shape.seconds) + " s";
    std::string needs = "no agent has " + std::to_string(shape.slots) + " slots";
    if (shape.gpus > 0) needs += ", " + std::to_string(shape.gpus) + " GPUs";
    return needs + " and " + std::to_string(shape.memory_mb) + " MiB";
}

void AgentPools::tell_change(const PoolState& pool, Deferred& deferred) {
    if (!changed_) return;
    deferred.add([this, name = pool.name] { changed_(name); });
}

}  // namespace tandem::agent
