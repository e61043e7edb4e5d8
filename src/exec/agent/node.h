// Node: the implementation of Agent. One mutex guards all of it; the executor is called without it.
// Threads: the event loops bring messages and timers; the executor's own bring results; one makes
// and ends executors and writes packages, which may take long. Not for use outside exec/agent.
#pragma once

#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/job_thread.h"
#include "base/rng.h"
#include "exec/agent/agent.h"
#include "exec/agent/protocol.h"
#include "net/stream.h"

namespace tandem::agent {

class Node final : public Agent, public std::enable_shared_from_this<Node> {
public:
    Node(net::EventLoops& loops, BlobStore& blobs, AgentOptions options);
    void dial();

    void leave() override;
    Result<void> wait() override;
    void stop() override;
    bool is_connected() const override;

private:
    using SteadyTime = std::chrono::steady_clock::time_point;
    enum class CallState { kHeld, kRunning, kFinished };  // held: for its package, or an executor

    struct LocalCall {
        CallState state = CallState::kHeld;
        Task task;
        std::string digest;
        bool started = false;
        std::string answer;  // a frame, when finished
    };
    struct Download {
        std::string bytes;
        int attempts = 1;
    };
    struct Known {
        std::shared_ptr<const Callable> callable;
        std::string digest;
    };

    // node.cc: connecting, leaving, ending
    void on_dialled(Result<net::StreamAnswer> answer);
    void redial();
    void on_closed(const net::ByteStream* stream);
    void watch();
    void watch_locked(uint64_t number);
    void send_hello();
    void maybe_end();
    void end(Result<void> how);
    void after(int64_t delay_ms, std::function<void(Node&)> work);

    // node_calls.cc: messages and calls
    void on_bytes(const net::ByteStream* stream, std::string_view bytes);
    void on_message(Message message, std::vector<std::function<void()>>& unlocked);
    void on_welcome(const Welcome& welcome);
    void start_anew(bool was_running);
    void on_function(const Function& function, std::vector<std::function<void()>>& unlocked);
    void on_call(Call call, std::vector<std::function<void()>>& unlocked);
    void on_package(Package package);
    void store_package(const std::string& digest, std::string bytes);
    void package_is_there(const std::string& digest, const Result<void>& stored);
    void begin(uint64_t number, std::vector<std::function<void()>>& unlocked);
    void begin_held();
    void forget_call(uint64_t number, std::vector<std::function<void()>>& unlocked);
    void cancel(uint64_t number, std::vector<std::function<void()>>& unlocked);
    void cancel_held(uint64_t number);
    void on_started(uint64_t life, uint64_t number);
    void on_completed(uint64_t life, uint64_t number, TaskResult result);
    void finish(uint64_t number, const TaskResult& result, bool given_up = false);
    void give_up(uint64_t number);
    void tell_started();
    void on_log(std::string_view function, std::string_view lines);
    void send_logs();
    bool has_package(const std::string& digest);

    net::EventLoops& loops_;
    BlobStore& blobs_;
    AgentOptions options_;
    const std::string session_;

    mutable std::mutex mutex_;
    std::condition_variable ended_changed_;
    std::shared_ptr<net::ByteStream> stream_;
    std::optional<FrameReader> reader_;
    bool welcomed_ = false;
    std::string instance_;  // of the server that gave the calls
    std::string token_;
    int64_t heartbeat_ms_ = 0;
    SteadyTime heard_;
    uint64_t watches_ = 0;
    int failures_ = 0;  // of dialling, in a row
    SteadyTime away_since_ = std::chrono::steady_clock::now();
    std::optional<AgentTerms> terms_;
    std::shared_ptr<Executor> executor_;  // null: being made
    uint64_t life_ = 0;                   // how many executors there were
    std::unordered_map<uint64_t, Known> functions_;
    std::map<uint64_t, LocalCall> calls_;
    std::map<std::string, Download> downloads_;
    std::vector<uint64_t> started_;  // not told yet
    std::map<std::string, std::string> log_lines_;
    size_t log_bytes_ = 0;
    size_t log_bytes_lost_ = 0;
    bool sends_logs_ = false;
    bool leaving_ = false;
    bool grace_over_ = false;
    bool ended_ = false;
    Result<void> how_;
    SplitMix64 jitter_{random_u64()};

    std::unique_ptr<JobThread> jobs_;
};

}  // namespace tandem::agent
