// ProcessPool: the Executor behind make_pool(). One mutex guards the bookkeeping of worker.h; what
// must not happen under it (replies, callbacks) is collected in Deferred and done after. Threads:
// callers and event loops come in through run() and handle(); the watcher's thread sees exits,
// output and deadlines and alone signals and reaps; the starter's thread makes and disposes of
// workers; the channel reader's thread hears those that speak the function channel.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <set>
#include <unordered_map>
#include <vector>

#include "exec/pool/channel_reader.h"
#include "base/job_thread.h"
#include "exec/pool/package_store.h"
#include "exec/pool/pool.h"
#include "exec/pool/runtime_api.h"
#include "exec/pool/sandbox.h"
#include "exec/pool/watcher.h"
#include "exec/pool/worker.h"

namespace tandem::pool {

class Deferred {
public:
    void add(std::function<void()> work) { work_.push_back(std::move(work)); }
    void run() {
        for (const auto& work : work_) work();
    }

private:
    std::vector<std::function<void()>> work_;
};

using WorkerPtr = std::shared_ptr<Worker>;
using GroupPtr = std::shared_ptr<Group>;
using FunctionPtr = std::shared_ptr<Function>;

class ProcessPool final : public Executor {
public:
    static Result<std::unique_ptr<ProcessPool>> make(net::EventLoops& loops, BlobStore& blobs,
                                                     PoolOptions options);
    ~ProcessPool() override;

    std::string_view name() const override { return "pool"; }
    Result<void> admit(const Callable& callable) override;
    void activate(std::shared_ptr<const Callable> callable) override;
    void retire(std::string_view name) override;
    void run(Task task, TaskCallbacks callbacks) override;
    void cancel(std::string_view key) override;
    Result<std::string> logs(std::string_view function, size_t limit_bytes) const override;
    void stop() override;

private:
    ProcessPool(net::EventLoops& loops, BlobStore& blobs, PoolOptions options, Sandbox sandbox);

    // process_pool.cc
    FunctionPtr function_of(std::string_view name);
    Result<GroupPtr> group_of(const Callable& callable);
    void retire_group(const GroupPtr& group);
    void forget_empty(const GroupPtr& group);
    std::filesystem::path log_file(std::string_view function) const;

    // dispatch.cc: tasks to workers
    void submit(PendingTask pending, Deferred& deferred);
    bool has_capacity(const Function& function) const;
    void let_in(const GroupPtr& group, PendingTask pending, Deferred& deferred);
    void let_waiting_in(Function& function, Deferred& deferred);
    void dispatch(const WorkerPtr& worker, PendingTask pending, Deferred& deferred);
    void make_available(const WorkerPtr& worker, Deferred& deferred);
    void complete(const WorkerPtr& worker, TaskOutcome outcome, Payload payload,
                  std::string_view status, Deferred& deferred);
    void answer(PendingTask pending, TaskResult result, Deferred& deferred);
    void answer_unstarted(const GroupPtr& group, PendingTask pending, TaskOutcome outcome,
                          Payload payload, Deferred& deferred);
    void leave(Function& function, Deferred& deferred);
    bool is_enough(const Group& group) const;
    void take_idle(Group& group, PendingTask pending, Deferred& deferred);
    void release_held(SteadyTime now, Deferred& deferred);

    // workers.cc: the lives of workers
    void pump_starts(bool impatient = false);
    bool make_room();
    // gpus.cc
    bool has_gpus(const Group& group) const;
    void make_gpu_room(const Group& group);
    void take_gpus(Worker& worker);
    void give_back_gpus(Worker& worker);
    void show_gpus(const Worker& worker, WorkerProcess& process) const;
    // workers.cc, again
    void begin_worker(const GroupPtr& group);
    void start_worker(const WorkerPtr& worker);
    Result<void> launch(const WorkerPtr& worker);
    void doom(const WorkerPtr& worker);
    void detach(const WorkerPtr& worker);
    void dispose(const WorkerPtr& worker);
    void remove(const WorkerPtr& worker, const ExitStatus& status, Deferred& deferred);
    void fail_start(const WorkerPtr& worker, const ExitStatus& status, Deferred& deferred);
    void set_deadline(const WorkerPtr& worker, SteadyTime when);
    void clear_deadline(const WorkerPtr& worker);

    // watch.cc: what the watcher's thread does
    void kill_doomed();
    void on_exit(uint64_t id);
    void on_output(uint64_t id);
    int on_tick();
    void pass_deadlines(SteadyTime now, Deferred& deferred);
    void check_memory();
    void reap_idle(SteadyTime now);
    void keep_warm(SteadyTime now);
    void flush_logs();

    // runtime_calls.cc: what workers ask
    void handle(uint64_t id, net::HttpRequest request, net::HttpReply reply);
    bool is_from_worker(const WorkerPtr& worker, const std::string& peer);
    net::HttpResponse on_next(const WorkerPtr& worker, net::HttpReply& reply, Deferred& deferred);
    net::HttpResponse on_answer(const WorkerPtr& worker, RuntimeRequest request,
                                Deferred& deferred);
    net::HttpResponse on_init_error(const WorkerPtr& worker, RuntimeRequest request);
    void on_oversized(uint64_t id, int status);
    void on_poll_lost(uint64_t id, const std::string& peer);
    WorkerPtr find_worker(uint64_t id);

    void on_ready(const WorkerPtr& worker, Deferred& deferred);

    // channel_calls.cc: the same through channels
    /// One message; false: there is none.
    bool on_channel(uint64_t id);
    bool look_for_answer(const WorkerPtr& worker);
    void abandon(const WorkerPtr& worker, std::string_view reason);
    void take_message(const WorkerPtr& worker, ChannelMessage message, Deferred& deferred);
    void send(const WorkerPtr& worker, const NextInvocation& next, Deferred& deferred);

    net::EventLoops& loops_;
    const PoolOptions options_;
    const Sandbox sandbox_;
    PackageStore packages_;
    const size_t processors_, starts_at_once_;

    mutable std::mutex mutex_;
    std::condition_variable emptied_;                  // workers_ became empty
    std::unordered_map<uint64_t, WorkerPtr> workers_;  // from begin_worker until disposed of
    std::map<std::string, FunctionPtr, std::less<>> functions_;
    std::set<std::pair<SteadyTime, uint64_t>> deadlines_;
    std::vector<WorkerPtr> starting_;
    std::deque<GroupPtr> hungry_;  // may need another worker
    std::vector<std::string> free_gpus_;
    std::vector<WorkerPtr> to_kill_;  // by the watcher
    std::set<Function*> blocked_;     // have tasks in `waiting`
    std::atomic<size_t> in_use_{0};   // tasks let in and not yet answered; set under the mutex
    size_t alive_ = 0;                // workers that are not doomed
    uint64_t next_worker_ = 1;
    /// What looks for an answer on a loop, and may outlive the pool there.
    struct Looks {
        std::mutex mutex;
        ProcessPool* pool;  // null when it has stopped
    };
    const std::shared_ptr<Looks> looks_;
    SteadyTime looks_often_until_{};  // for tasks that were held back
    bool stopping_ = false;
    // The watcher's thread only.
    SteadyTime next_chore_{}, next_second_{}, next_impatience_{};
    size_t memory_cursor_ = 0;

    JobThread starter_;
    std::unique_ptr<Watcher> watcher_;
    std::unique_ptr<ChannelReader> channels_;
};

/// "arn:aws:lambda:REGION:ACCOUNT:function:NAME[:QUALIFIER]"
std::string function_arn(const PoolOptions& options, std::string_view name,
                         std::string_view qualifier);

}  // namespace tandem::pool
