// The pool's bookkeeping: a Function has Groups (one per revision of its code and settings), a
// Group has Workers (processes). All members are guarded by ProcessPool::mutex_, except where it
// says so.
#pragma once

#include <chrono>
#include <deque>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "exec/executor.h"
#include "exec/pool/channel.h"
#include "exec/pool/function_log.h"
#include "exec/pool/runtime.h"
#include "exec/pool/spawn.h"
#include "model/function_spec.h"
#include "net/http.h"

namespace tandem::pool {

using SteadyTime = std::chrono::steady_clock::time_point;

/// Of the recent past: the last eight count most.
class Average {
public:
    void add(std::chrono::duration<double> value) {
        seconds_ = seconds_ < 0 ? value.count() : seconds_ + (value.count() - seconds_) / 8;
    }
    bool known() const { return seconds_ >= 0; }
    double seconds() const { return seconds_; }

private:
    double seconds_ = -1;
};

struct PendingTask {
    Task task;
    TaskCallbacks callbacks;
    SteadyTime queued{};  // since when it waits for a worker
};

struct RunningTask {
    PendingTask pending;
    SteadyTime began;
};

enum class WorkerState {
    kStarting,  // until its first `next`
    kIdle,      // its `next` is parked, or it listens to its channel
    kBusy,      // has a task
    kAnswered,  // has answered, but not asked for the next task yet
};

enum class StartFailure { kNone, kTimeout, kEntrypoint };

struct Group;

struct Worker {
    const uint64_t id;
    const std::string name;  // 32 hex digits, the last part of its log stream
    const std::shared_ptr<Group> group;
    WorkerState state = WorkerState::kStarting;
    bool doomed = false;          // gets no further task; is being killed
    net::HttpReply parked;        // answers its `next`
    bool speaks_channel = false;  // asks through the channel, not through the Runtime API
    std::string peer;             // its connection, known to be of the function's user
    std::optional<RunningTask> running;
    std::optional<SteadyTime> deadline;        // also in ProcessPool::deadlines_
    SteadyTime started, idle_since;            // idle_since: of the last time
    std::optional<double> unreported_init_ms;  // goes into the first report
    Payload init_error;                        // posted to init/error
    StartFailure start_failure = StartFailure::kNone;
    std::string failure_reason;     // of kEntrypoint
    std::vector<std::string> gpus;  // that are its own
    size_t peak_memory_bytes = 0;
    bool sample_memory = false;  // not looked at since it last worked
    // Written once by the starter before the worker is watched; then read by the watcher's thread.
    pid_t pid = -1;
    Fd pidfd;
    int output_fd = -1;   // owned by `output`
    WorkerOutput output;  // has its own lock
    std::filesystem::path private_directory;
    std::unique_ptr<net::HttpServer> server;
    std::unique_ptr<Channel> channel;  // if its function asks for one
    std::mutex hearing;                // from receiving a message until it is taken

    Worker(uint64_t i, std::string n, std::shared_ptr<Group> g, std::shared_ptr<FunctionLog> log)
        : id(i), name(std::move(n)), group(std::move(g)), output(std::move(log)) {}
};

struct Function {
    std::string name;
    size_t index = 0;  // small, distinct: chooses the uid
    std::shared_ptr<FunctionLog> log;
    std::optional<int> reserved_concurrency;
    size_t in_use = 0;  // tasks let in and not yet answered
    std::deque<std::pair<std::shared_ptr<Group>, PendingTask>> waiting;  // not let in yet
    std::map<std::string, std::shared_ptr<Group>> groups;                // by revision
};

struct Group {
    Function* function = nullptr;  // outlives its groups
    std::string revision;
    Payload definition;
    FunctionSpec spec;
    RuntimeKind runtime = RuntimeKind::kProvided;
    bool retired = false;                          // its workers end when nothing is queued
    bool hungry = false;                           // stands in ProcessPool::hungry_
    std::deque<PendingTask> queue;                 // let in, waiting for a worker
    std::vector<std::shared_ptr<Worker>> idle;     // last in, first out
    size_t alive = 0, starting = 0, answered = 0;  // not counting doomed workers
    int init_failures = 0;                         // in a row, of workers that nobody waited for
    Average call_time;  // what a call takes, without its way here and there if that is known
    Average init_time;
    uint64_t answers = 0, answers_seen = 0;  // seen: when it was last looked whether calls proceed

    size_t busy() const { return alive - starting - answered - idle.size(); }
    SteadyTime next_warming{};  // no pre-warming before
};

}  // namespace tandem::pool
