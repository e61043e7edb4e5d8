// Connections of agents and what comes over them. A session is one life of an agent's process; it
// outlives its connections, and so do its calls, for a while.
#include <strings.h>

#include <algorithm>

#include "base/check.h"
#include "base/encoding.h"
#include "base/errands.h"
#include "base/log.h"
#include "exec/agent/agent_pools.h"

namespace tandem::agent {

namespace {

constexpr int kHarvestRetries = 10;  // of a call whose agents were preempted
// How a process ended by SIGTERM, in the words of Lambda.
constexpr std::string_view kAskedToEnd = "signal: terminated";

constexpr int kHeartbeatsMissed = 3;
constexpr int64_t kTickMsMin = 5;
constexpr int64_t kTickMsMax = 250;
constexpr int64_t kRefusalMs = 5'000;  // to send why
constexpr auto kLogFlush = std::chrono::milliseconds(500);
// Acknowledgements go with the next call; that many results are not kept waiting for one.
constexpr size_t kUnacknowledgedMax = 64;
constexpr size_t kUnacknowledgedBytes = 1024 * 1024;
// Of packages in a connection's queue: calls are behind them.
constexpr size_t kPackageQueueBytes = 512 * 1024;
constexpr size_t kFunctionsTold = 10'000;

Counter& agents_lost = counter("tandem_agents_lost_total", "Agents that did not come back");
Counter& repeated_calls = counter("tandem_agent_calls_repeated_total",
                                  "Calls that were lost in pools that harvest, and run again");
Counter& late_results = counter("tandem_agent_late_results_total",
                                "Results that came after their call had been answered");

net::HttpResponse plain(int status, std::string text) {
    net::HttpResponse response;
    response.status = status;
    response.headers.add("Content-Type", "text/plain; charset=utf-8");
    response.body = Payload(std::move(text) + "\n");
    return response;
}

bool same_text(std::string_view a, std::string_view b) {
    return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

std::string_view bearer(const net::HttpRequest& request) {
    constexpr std::string_view kScheme = "Bearer ";
    const std::string_view value = request.headers.get_or("Authorization", "");
    if (value.size() <= kScheme.size() || !same_text(value.substr(0, kScheme.size()), kScheme))
        return {};
    return value.substr(kScheme.size());
}

/// Empty: the agent may come in.
std::string objection(const Hello& hello, const TokenClaims& claims) {
    if (hello.version != kProtocolVersion)
        return "this server speaks version " + std::to_string(kProtocolVersion) +
               " of the agent protocol, the agent " + std::to_string(hello.version);
    if (hello.pool != claims.pool) return "the token is of another pool";
    if (!claims.agent.empty() && hello.agent != claims.agent)
        return "the token is of another agent";
    for (const std::string* name : {&hello.agent, &hello.session, &hello.node}) {
        if (name->empty() || name->size() > kNameBytesMax || !is_valid_utf8(*name))
            return "a name of the agent's is empty, or longer than " +
                   std::to_string(kNameBytesMax) + " bytes";
    }
    if (hello.slots < 1 || hello.slots > uint64_t(kSlotsMax))
        return "an agent has between 1 and " + std::to_string(kSlotsMax) + " slots";
    return {};
}

}  // namespace

void AgentPools::connect(net::HttpRequest request, net::HttpReply reply) {
    if (request.method != "GET" || !same_text(request.headers.get_or("Upgrade", ""), kUpgrade)) {
        net::HttpResponse response = plain(426, "agents connect here, with Upgrade: tandem-agent");
        response.headers.add("Upgrade", std::string(kUpgrade));
        return reply(std::move(response));
    }
    auto claims = check_token(options_.token_key, bearer(request), options_.clock->now());
    if (!claims) return reply(plain(401, claims.error().message));
    const auto pool = net::query_parameter(request.query(), "pool");
    if (pool && *pool != claims->pool) return reply(plain(403, "the token is of another pool"));
    net::HttpResponse response;
    response.status = 101;
    response.headers.add("Connection", "Upgrade");
    response.headers.add("Upgrade", std::string(kUpgrade));
    response.upgraded = [weak = weak_from_this(),
                         claims = *claims](std::shared_ptr<net::ByteStream> stream) {
        if (const auto self = weak.lock()) self->take(std::move(stream), claims);
    };
    reply(std::move(response));
}

void AgentPools::take(std::shared_ptr<net::ByteStream> stream, TokenClaims claims) {
    ConnectionPtr connection;
    {
        const std::lock_guard lock(mutex_);
        if (stopping_) return;
        connection = std::make_shared<Connection>(next_connection_++, std::move(stream),
                                                  frame_bytes_, std::move(claims));
        connection->heard = std::chrono::steady_clock::now();
        connections_.emplace(connection->id, connection);
    }
    const auto weak = weak_from_this();
    connection->stream->start({.bytes =
                                   [weak, connection](std::string_view bytes) {
                                       if (const auto self = weak.lock())
                                           self->on_bytes(connection, bytes);
                                   },
                               .closed =
                                   [weak, connection] {
                                       if (const auto self = weak.lock())
                                           self->on_closed(connection);
                                   },
                               .drained =
                                   [weak, connection] {
                                       connection->drained.notify_all();
                                       if (const auto self = weak.lock())
                                           self->on_drained(connection);
                                   }});
}

void AgentPools::on_bytes(const ConnectionPtr& connection, std::string_view bytes) {
    connection->heard = std::chrono::steady_clock::now();
    const Errands errands([this] { return open_ == 0; });
    Deferred deferred;
    {
        const std::lock_guard lock(mutex_);
        if (stopping_ || connection->closed) return;
        connection->reader.append(bytes);
        while (!connection->closed) {
            const auto record = connection->reader.next();
            if (record && !*record) break;
            Result<Message> message = std::monostate();
            if (record) message = decode(**record);
            if (!record || !message) {
                const Error& error = record ? message.error() : record.error();
                log_warning("an agent speaks no agent protocol",
                            {{"peer", connection->stream->peer()}, {"reason", error.message}});
                refuse(connection, error.message);
                break;
            }
            on_message(connection, *std::move(message), deferred);
        }
        if (connection->unacknowledged.size() >= kUnacknowledgedMax ||
            connection->unacknowledged_bytes >= kUnacknowledgedBytes) {
            std::string out;
            add_acknowledgement(*connection, out);
            connection->stream->send(std::move(out));
        }
    }
    deferred.run();
}

void AgentPools::on_message(const ConnectionPtr& connection, Message message, Deferred& deferred) {
    if (auto* hello = std::get_if<Hello>(&message)) {
        if (connection->agent) return refuse(connection, "a second Hello");
        return on_hello(connection, std::move(*hello), deferred);
    }
    const AgentPtr agent = connection->agent;
    if (!agent) return refuse(connection, "the first message has to be a Hello");
    if (auto* answer = std::get_if<Answer>(&message))
        return on_answer(connection, std::move(*answer), deferred);
    if (const auto* started = std::get_if<Started>(&message)) {
        const auto call = agent->calls.find(started->call);
        if (call == agent->calls.end() || std::exchange(call->second->started, true)) return;
        if (call->second->callbacks.started) deferred.add(call->second->callbacks.started);
        return;
    }
    if (const auto* lines = std::get_if<LogLines>(&message)) return on_log(connection, *lines);
    if (const auto* need = std::get_if<Need>(&message)) return on_need(connection, need->digest);
    if (std::get_if<Leaving>(&message) != nullptr) {
        agent->draining = true;
        std::string out;
        add_acknowledgement(*connection, out);
        connection->stream->send(std::move(out));
        tell_change(*agent->pool, deferred);
    }
    // The rest, Pong too, says that the agent lives.
}

void AgentPools::on_hello(const ConnectionPtr& connection, Hello hello, Deferred& deferred) {
    if (const std::string reason = objection(hello, connection->claims); !reason.empty())
        return refuse(connection, reason);
    PoolState& pool = pool_of(hello.pool);
    AgentPtr agent;
    AgentPtr older;
    for (const AgentPtr& other : pool.agents) {
        if (other->session == hello.session) agent = other;
        else if (other->id == hello.agent) older = other;
    }
    const bool resumed = agent && hello.instance == instance_;
    if (older && older->connection)
        return refuse(connection, "another agent of that name is connected");
    // Its process is gone: another one has its name.
    if (older) lose(older, "was replaced", deferred);
    if (agent && !resumed) {
        lose(agent, "was started anew", deferred);
        agent = nullptr;
    }
    if (!agent) {
        agent = std::make_shared<AgentState>();
        agent->id = hello.agent;
        agent->session = hello.session;
        agent->node = hello.node;
        agent->pool = &pool;
        agent->counts_memory = hello.memory_mb > 0;
        agent->total = agent->free = {hello.slots, hello.memory_mb, hello.gpus.size()};
        pool.agents.push_back(agent);
        log_info("an agent has come", {{"pool", pool.name},
                                       {"agent", agent->id},
                                       {"node", agent->node},
                                       {"slots", agent->total.slots}});
    }
    if (agent->connection) {
        // The agent knows better than we do that it is broken.
        agent->connection->agent = nullptr;
        agent->connection->closed = true;
        agent->connection->stream->close();
    } else {
        pool.connected_gauge.add(1);
    }
    agent->connection = connection;
    connection->agent = agent;
    connection->next_ping =
        std::chrono::steady_clock::now() + std::chrono::milliseconds(options_.heartbeat_ms);
    Welcome welcome;
    welcome.instance = instance_;
    welcome.resumed = resumed;
    welcome.heartbeat_ms = uint64_t(options_.heartbeat_ms);
    welcome.account = options_.account;
    welcome.region = options_.region;
    welcome.request_bytes = options_.limits.invoke_request_bytes;
    welcome.response_bytes = options_.limits.invoke_response_bytes;
    welcome.init_timeout_ms = uint64_t(options_.limits.function_init_timeout_ms);
    welcome.zip_bytes = options_.limits.function_zip_bytes;
    welcome.unzipped_bytes = options_.limits.function_unzipped_bytes;
    connection->stream->send(encode(welcome));
    if (agent->draining) connection->stream->send(encode(Drain{}));
    if (resumed) resume(connection, hello);
    pump(pool);
    tell_change(pool, deferred);
}

/// Sends again what did not get there, and lets the agent forget what has been answered.
void AgentPools::resume(const ConnectionPtr& connection, const Hello& hello) {
    const std::set<uint64_t> there(hello.calls.begin(), hello.calls.end());
    const auto calls = connection->agent->calls;
    for (const uint64_t number : there) {
        if (calls.count(number) == 0) connection->unacknowledged.push_back(number);
    }
    for (const auto& [number, call] : calls) {
        if (there.count(number) == 0) send_call(connection, *call);
    }
}

void AgentPools::on_answer(const ConnectionPtr& connection, Answer message, Deferred& deferred) {
    connection->unacknowledged.push_back(message.call);
    connection->unacknowledged_bytes += message.result.payload.size();
    AgentState& agent = *connection->agent;
    const auto at = agent.calls.find(message.call);
    if (at == agent.calls.end()) return late_results.add();
    const CallPtr call = at->second;
    // Who preempts a job asks each of its processes to end, the functions' before the agent or not.
    const bool is_preempted = message.result.outcome == TaskOutcome::kLost &&
                              (agent.draining || message.result.payload.view().find(kAskedToEnd) !=
                                                     std::string_view::npos);
    if (message.started && !std::exchange(call->started, true) && call->callbacks.started)
        deferred.add(call->callbacks.started);
    if (message.given_up) {
        lose_call(agent, call, "ended before it did", deferred);
    } else {
        take_back(agent, call);
        if (!is_preempted || !runs_again(agent, call, deferred)) {
            leave(*call, deferred);
            answer(call, std::move(message.result), deferred);
        }
    }
    PoolState& pool = *agent.pool;
    if (pool.queued > 0) pump(pool);
    tell_change(pool, deferred);
    if (!agent.draining) return;
    std::string out;
    add_acknowledgement(*connection, out);
    connection->stream->send(std::move(out));
}

void AgentPools::on_log(const ConnectionPtr& connection, const LogLines& lines) {
    if (connection->agent->names.count(lines.function) == 0) return;
    log_of(function_of(lines.function)).append(lines.text);
}

void AgentPools::on_need(const ConnectionPtr& connection, const std::string& digest) {
    // Only what it was given to run: other packages are other people's.
    if (connection->agent->digests.count(digest) == 0) {
        connection->stream->send(encode(Package{.digest = digest, .last = true, .missing = true}));
        return;
    }
    packages_->post([this, connection, digest] { send_package(connection, digest); });
}

void AgentPools::send_package(const ConnectionPtr& connection, const std::string& digest) {
    const auto bytes = blobs_.get(digest);
    if (!bytes) {
        log_warning("a package that an agent needs cannot be read",
                    {{"digest", digest}, {"reason", bytes.error().message}});
        connection->stream->send(encode(Package{.digest = digest, .last = true, .missing = true}));
        return;
    }
    net::ByteStream& stream = *connection->stream;
    for (size_t at = 0; at < bytes->size() || at == 0; at += kPackagePartBytes) {
        Package part;
        part.digest = digest;
        part.offset = at;
        part.bytes = bytes->substr(at, kPackagePartBytes);
        part.last = at + kPackagePartBytes >= bytes->size();
        {
            std::unique_lock lock(connection->sending);
            // Looked at again, because `drained` is told without the lock.
            while (!connection->closed && stream.queued_bytes() > kPackageQueueBytes)
                connection->drained.wait_for(lock, std::chrono::milliseconds(20));
        }
        if (connection->closed || !stream.send(encode(std::move(part)))) return;
    }
}

void AgentPools::on_closed(const ConnectionPtr& connection) {
    connection->closed = true;
    connection->drained.notify_all();
    Deferred deferred;
    {
        const std::lock_guard lock(mutex_);
        connections_.erase(connection->id);
        const AgentPtr agent = std::exchange(connection->agent, nullptr);
        if (agent && !stopping_) {
            agent->connection = nullptr;
            agent->away_since = std::chrono::steady_clock::now();
            agent->pool->connected_gauge.add(-1);
            if (agent->draining && agent->calls.empty()) {
                log_info("an agent has left", {{"pool", agent->pool->name}, {"agent", agent->id}});
                forget(agent);
            } else if (!agent->gone.empty()) {
                lose(agent, "is gone: " + agent->gone, deferred);
            }
            tell_change(*agent->pool, deferred);
        }
    }
    deferred.run();
}

/// It may have room for calls again.
void AgentPools::on_drained(const ConnectionPtr& connection) {
    const std::lock_guard lock(mutex_);
    if (connection->agent && connection->agent->pool->queued > 0) pump(*connection->agent->pool);
}

void AgentPools::refuse(const ConnectionPtr& connection, const std::string& reason) {
    connection->closed = true;
    connection->stream->send(encode(Refusal{reason}));
    connection->stream->close_after_sending(kRefusalMs);
}

uint64_t AgentPools::tell_function(const ConnectionPtr& connection, const RevisionPtr& revision,
                                   bool current, std::string& out) {
    const auto known = connection->functions.find(revision->callable.get());
    if (known != connection->functions.end() && !current) return known->second.second;
    if (connection->functions.size() >= kFunctionsTold) connection->functions.clear();
    // Numbers are used again when all are: a call takes its function when it comes.
    const uint64_t number = known != connection->functions.end()
                                ? known->second.second
                                : connection->functions_told++ % kFunctionsTold + 1;
    connection->functions[revision->callable.get()] = {revision, number};
    connection->agent->names.insert(revision->callable->name);
    connection->agent->digests.insert(revision->digest);
    encode(Function{number, revision->encoded, current}, out);
    return number;
}

void AgentPools::send_call(const ConnectionPtr& connection, const OpenCall& call) {
    std::string out;
    add_acknowledgement(*connection, out);
    Call message;
    message.number = call.number;
    message.function = tell_function(connection, call.revision, false, out);
    message.request_id = call.task.request_id;
    message.qualifier = call.task.qualifier;
    message.payload = call.task.payload;
    message.client_context = call.task.client_context;
    message.trace_header = call.task.trace_header;
    message.want_log_tail = call.task.want_log_tail;
    encode(std::move(message), out);
    connection->stream->send(std::move(out));
}

void AgentPools::add_acknowledgement(Connection& connection, std::string& out) {
    if (connection.unacknowledged.empty()) return;
    encode(Acknowledge{std::exchange(connection.unacknowledged, {})}, out);
    connection.unacknowledged_bytes = 0;
}

void AgentPools::lose(const AgentPtr& agent, const std::string& why, Deferred& deferred) {
    agents_lost.add();
    log_warning("an agent is lost", {{"pool", agent->pool->name},
                                     {"agent", agent->id},
                                     {"node", agent->node},
                                     {"calls", agent->calls.size()},
                                     {"reason", why}});
    forget(agent);
    const auto calls = agent->calls;
    for (const auto& [number, call] : calls) lose_call(*agent, call, why, deferred);
    tell_change(*agent->pool, deferred);
}

void AgentPools::lose_call(AgentState& agent, const CallPtr& call, const std::string& why,
                           Deferred& deferred) {
    take_back(agent, call);
    if (runs_again(agent, call, deferred)) return;
    leave(*call, deferred);
    answer_lost(call, "Runtime.ExitError",
                "RequestId: " + call->task.request_id + " Error: the agent " + agent.id + " on " +
                    agent.node + " " + why,
                deferred);
}

/// What was lost in a pool that harvests is called once more.
bool AgentPools::runs_again(const AgentState& agent, const CallPtr& call, Deferred& deferred) {
    const auto harvest = options_.harvest_pools.find(agent.pool->name);
    if (harvest == options_.harvest_pools.end() || ++call->times_lost > kHarvestRetries)
        return false;
    // Another call to agents: what the lost one may still say of it counts no more.
    call->number = next_call_++;
    call->pool = &pool_of(harvest->second);
    repeated_calls.add();
    enqueue(call, deferred);
    return true;
}

void AgentPools::forget(const AgentPtr& agent) {
    std::erase(agent->pool->agents, agent);
    if (!agent->connection) return;
    agent->pool->connected_gauge.add(-1);
    agent->connection->agent = nullptr;
    agent->connection->closed = true;
    agent->connection->stream->close();
    agent->connection = nullptr;
}

void AgentPools::begin_ticking() {
    const int64_t period = std::clamp(options_.heartbeat_ms / 4, kTickMsMin, kTickMsMax);
    loops_.post_after(period, [weak = weak_from_this()] {
        const auto self = weak.lock();
        if (!self) return;
        self->tick();
        const std::lock_guard lock(self->mutex_);
        if (!self->stopping_) self->begin_ticking();
    });
}

void AgentPools::tick() {
    Deferred deferred;
    std::vector<RollingFile*> logs;
    {
        const std::lock_guard lock(mutex_);
        if (stopping_) return;
        const SteadyTime now = std::chrono::steady_clock::now();
        for (const auto& [id, connection] : connections_) tick_connection(connection, now);
        const auto patience = std::chrono::milliseconds(options_.resume_ms);
        for (const auto& [name, pool] : pools_) {
            const auto agents = pool->agents;
            for (const AgentPtr& agent : agents) {
                if (agent->connection || now - agent->away_since < patience) continue;
                lose(agent, "was lost", deferred);
            }
            if (pool->queued > 0) pump(*pool);
        }
        if (now >= next_flush_) {
            next_flush_ = now + kLogFlush;
            for (const auto& [name, function] : functions_) {
                if (function->log) logs.push_back(function->log.get());
            }
        }
    }
    deferred.run();
    for (RollingFile* log : logs) log->flush();  // functions stay for as long as this
}

void AgentPools::tick_connection(const ConnectionPtr& connection, SteadyTime now) {
    if (connection->closed) return;
    const auto heartbeat = std::chrono::milliseconds(options_.heartbeat_ms);
    const Timestamp clock = options_.clock->now();
    if (now - connection->heard.load() > kHeartbeatsMissed * heartbeat) {
        log_warning("nothing is heard from an agent", {{"peer", connection->stream->peer()}});
        return connection->stream->close();
    }
    if (connection->claims.expires <= clock) return refuse(connection, "the token has expired");
    if (!connection->agent) return;
    std::string out;
    add_acknowledgement(*connection, out);
    const auto valid = std::chrono::seconds(options_.token_s);
    if (options_.renews_tokens && connection->claims.expires - clock < valid / 2) {
        connection->claims.expires = clock + valid;
        encode(Token{make_token(options_.token_key, connection->claims)}, out);
    }
    if (now >= connection->next_ping) {
        connection->next_ping = now + heartbeat;
        encode(Ping{++connection->pings}, out);
    }
    if (!out.empty()) connection->stream->send(std::move(out));
}

}  // namespace tandem::agent
