// AgentPools: the implementation of Agents. One mutex guards the bookkeeping below; callbacks of
// tasks are collected in Deferred and made after it is let go. Messages are sent under it, which
// never waits and keeps their order. Threads: callers of the executor; the event loops, which bring
// messages and ticks; one that reads packages. Not for use outside exec/agent.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <unordered_map>
#include <vector>

#include "base/job_thread.h"
#include "base/metrics.h"
#include "base/rolling_file.h"
#include "exec/agent/agents.h"
#include "exec/agent/protocol.h"
#include "exec/agent/token.h"
#include "model/function_spec.h"
#include "net/stream.h"

namespace tandem::agent {

using SteadyTime = std::chrono::steady_clock::time_point;

class Deferred {
public:
    void add(std::function<void()> work) { work_.push_back(std::move(work)); }
    void run() {
        for (const auto& work : work_) work();
        work_.clear();
    }

private:
    std::vector<std::function<void()>> work_;
};

/// What a call takes of an agent while it is there, and for how long at most.
struct Shape {
    uint64_t slots = 1;
    uint64_t memory_mb = 0;
    uint64_t gpus = 0;
    int64_t seconds = 0;
    friend auto operator<=>(const Shape&, const Shape&) = default;
};

struct AgentState;
struct PoolState;
struct FunctionState;
using AgentPtr = std::shared_ptr<AgentState>;

/// A revision of a function as agents are told of it: without what only the server looks at.
struct Revision {
    std::shared_ptr<const Callable> callable;
    std::string encoded;
    std::string digest;  // of its package
    std::string version;
    Shape shape;
    FunctionState* function = nullptr;
    PoolState* pool = nullptr;
};
using RevisionPtr = std::shared_ptr<const Revision>;

struct OpenCall {
    uint64_t number = 0;
    Task task;
    TaskCallbacks callbacks;
    RevisionPtr revision;
    PoolState* pool = nullptr;    // where it waits: its revision's, until it is lost with an agent
    AgentState* agent = nullptr;  // that has it
    bool started = false;         // has been told
    int times_lost = 0;           // with agents of a pool that harvests
    SteadyTime since;
    Timestamp since_clock;
};
using CallPtr = std::shared_ptr<OpenCall>;

struct FunctionState {
    std::string name;
    bool is_known = false;  // its limit is
    std::optional<int> reserved_concurrency;
    size_t in_use = 0;            // calls let in and not yet answered
    std::deque<CallPtr> waiting;  // not let in yet
    std::weak_ptr<AgentState> last;
    std::unique_ptr<RollingFile> log;
};

struct PoolState {
    std::string name;
    std::map<Shape, std::deque<CallPtr>> queues;  // none is empty
    size_t queued = 0;
    size_t running = 0;
    std::vector<AgentPtr> agents;
    bool has_told = false;  // that calls wait for want of an agent
    Gauge& connected_gauge;
    Gauge& queued_gauge;
    Gauge& running_gauge;

    explicit PoolState(std::string pool);
};

struct Connection {
    const uint64_t id;
    const std::shared_ptr<net::ByteStream> stream;
    FrameReader reader;
    TokenClaims claims;
    AgentPtr agent;  // after its Hello, until another connection takes its place
    std::unordered_map<const Callable*, std::pair<RevisionPtr, uint64_t>> functions;  // told of
    uint64_t functions_told = 0;
    std::vector<uint64_t> unacknowledged;
    size_t unacknowledged_bytes = 0;
    std::atomic<SteadyTime> heard;
    SteadyTime next_ping;
    uint64_t pings = 0;
    // Packages wait here for the peer to read.
    std::mutex sending;
    std::condition_variable drained;
    std::atomic<bool> closed{false};

    Connection(uint64_t number, std::shared_ptr<net::ByteStream> s, size_t frame_bytes,
               TokenClaims c)
        : id(number), stream(std::move(s)), reader(frame_bytes), claims(std::move(c)) {}
};
using ConnectionPtr = std::shared_ptr<Connection>;

struct AgentState {
    std::string id, session, node;
    PoolState* pool = nullptr;
    Shape total, free;
    bool counts_memory = false;
    std::map<uint64_t, CallPtr> calls;  // sent, not answered
    ConnectionPtr connection;           // null while it is away
    SteadyTime away_since;
    std::set<std::string, std::less<>> names, digests;  // that it may write logs of, and ask for
    bool draining = false;
    Timestamp ends{};  // epoch: nobody has said so
    std::string gone;  // why it cannot come back; empty: it may
};

class AgentPools final : public Agents, public std::enable_shared_from_this<AgentPools> {
public:
    AgentPools(net::EventLoops& loops, BlobStore& blobs, AgentsOptions options);
    void begin_ticking();

    std::string_view name() const override { return "agents"; }
    Result<void> admit(const Callable& callable) override;
    void activate(std::shared_ptr<const Callable> callable) override;
    void retire(std::string_view name) override;
    void run(Task task, TaskCallbacks callbacks) override;
    void cancel(std::string_view key) override;
    Result<std::string> logs(std::string_view function, size_t limit_bytes) const override;
    void stop() override;

    void connect(net::HttpRequest request, net::HttpReply reply) override;
    std::string token(std::string_view pool, std::string_view agent, int64_t valid_s) override;
    AgentPoolStatus status(std::string_view pool) const override;
    std::vector<std::string> pools() const override;
    bool drain(std::string_view pool, std::string_view agent) override;
    bool ends(std::string_view pool, std::string_view agent, Timestamp at) override;
    bool gone(std::string_view pool, std::string_view agent, const std::string& why) override;
    void on_change(std::function<void(const std::string&)> changed) override {
        changed_ = std::move(changed);
    }

private:
    // agent_pools.cc: the executor's verbs
    Result<RevisionPtr> revision_of(const std::shared_ptr<const Callable>& callable);
    FunctionState& function_of(std::string_view name);
    PoolState& pool_of(std::string_view name);
    RollingFile& log_of(FunctionState& function) const;
    AgentPtr agent_of(std::string_view pool, std::string_view id) const;

    // schedule.cc: calls to agents
    void submit(RevisionPtr revision, Task task, TaskCallbacks callbacks, Deferred& deferred);
    bool has_capacity(const FunctionState& function) const;
    void let_in(CallPtr call, Deferred& deferred);
    void let_waiting_in(FunctionState& function, Deferred& deferred);
    void leave(const OpenCall& call, Deferred& deferred);
    bool lasts(const AgentState& agent, const Shape& shape) const;
    bool has_room(const AgentState& agent, const Shape& shape) const;
    bool could_take(const AgentState& agent, const Shape& shape) const;
    AgentPtr agent_for(PoolState& pool, const OpenCall& call) const;
    void enqueue(const CallPtr& call, Deferred& deferred);
    void pump(PoolState& pool);
    void assign(const AgentPtr& agent, const CallPtr& call);
    void take_back(AgentState& agent, const CallPtr& call);
    void answer(const CallPtr& call, TaskResult result, Deferred& deferred);
    void answer_lost(const CallPtr& call, const std::string& type, const std::string& message,
                     Deferred& deferred);
    std::string reason_of(const PoolState& pool) const;
    void tell_change(const PoolState& pool, Deferred& deferred);

    // sessions.cc: connections, and the agents behind them
    void take(std::shared_ptr<net::ByteStream> stream, TokenClaims claims);
    void on_bytes(const ConnectionPtr& connection, std::string_view bytes);
    void on_message(const ConnectionPtr& connection, Message message, Deferred& deferred);
    void on_hello(const ConnectionPtr& connection, Hello hello, Deferred& deferred);
    void resume(const ConnectionPtr& connection, const Hello& hello);
    void on_answer(const ConnectionPtr& connection, Answer message, Deferred& deferred);
    void on_log(const ConnectionPtr& connection, const LogLines& lines);
    void on_need(const ConnectionPtr& connection, const std::string& digest);
    void send_package(const ConnectionPtr& connection, const std::string& digest);
    void on_drained(const ConnectionPtr& connection);
    void on_closed(const ConnectionPtr& connection);
    void refuse(const ConnectionPtr& connection, const std::string& reason);
    void send_call(const ConnectionPtr& connection, const OpenCall& call);
    uint64_t tell_function(const ConnectionPtr& connection, const RevisionPtr& revision,
                           bool current, std::string& out);
    void add_acknowledgement(Connection& connection, std::string& out);
    void lose_call(AgentState& agent, const CallPtr& call, const std::string& why,
                   Deferred& deferred);
    void lose(const AgentPtr& agent, const std::string& why, Deferred& deferred);
    bool runs_again(const AgentState& agent, const CallPtr& call, Deferred& deferred);
    void forget(const AgentPtr& agent);
    void tick();
    void tick_connection(const ConnectionPtr& connection, SteadyTime now);

    net::EventLoops& loops_;
    BlobStore& blobs_;
    const AgentsOptions options_;
    const std::string instance_;
    const size_t frame_bytes_;
    std::function<void(const std::string&)> changed_;

    mutable std::mutex mutex_;
    std::unordered_map<const Callable*, RevisionPtr> revisions_;
    std::map<std::string, std::unique_ptr<FunctionState>, std::less<>> functions_;
    std::map<std::string, std::unique_ptr<PoolState>, std::less<>> pools_;
    std::unordered_map<std::string, CallPtr> by_key_;  // let in or waiting, not answered
    std::map<uint64_t, ConnectionPtr> connections_;
    uint64_t next_connection_ = 1;
    uint64_t next_call_ = 1;
    SteadyTime next_flush_{};
    bool stopping_ = false;
    std::atomic<size_t> open_{0};  // calls let in and not answered

    std::unique_ptr<JobThread> packages_;
};

Payload error_document(std::string_view type, std::string_view message);

}  // namespace tandem::agent
