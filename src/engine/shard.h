// Shard: owns its executions and runs each input to completion, in turns: one thread at a time,
// with no locks inside a turn. It reads its mailbox, decides, and hands batches to the committer;
// replies and actions of a batch are released once it is durable. Under load turns are its own
// thread's, and batch n+1 is computed while the committer's thread syncs batch n. When little
// happens, a wake-up costs more than a turn: the thread that brings an answer takes the turn and
// appends its batch itself (docs/adr/0003). Executions without open tasks leave memory and are
// rebuilt from the store when an input comes. Transient executions stay until they end and never
// meet the store; what they owe is released at the end of the turn.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <set>
#include <thread>
#include <unordered_map>
#include <unordered_set>

#include "base/rng.h"
#include "engine/committer.h"
#include "engine/dispatcher.h"
#include "engine/live.h"
#include "engine/mailbox.h"

namespace tandem {

/// What the shards of an engine share.
struct ShardContext {
    Threads threads;
    EngineOptions options;
    Store& store;
    Registry& registry;
    Committer& committer;
    Dispatcher& dispatcher;
    std::atomic<int64_t> open_executions{0};
    std::atomic<int64_t> open_transient{0};
    std::atomic<uint64_t> next_number{1};   // of executions; ascending over all epochs
    std::atomic<uint64_t> next_message{1};  // the same of messages between them
};

class Shard {
public:
    /// `seed` of its entropy: no two shards have the same.
    Shard(ShardContext& context, uint64_t seed);
    ~Shard();

    /// Before start(): an execution that was open when the server stopped.
    void recover(const ExecutionSummary& summary);
    void start();
    /// One turn without waiting, for an engine without threads.
    void step();
    void nudge() { mailbox_.nudge(); }
    size_t waiting() const { return mailbox_.size(); }
    size_t in_memory() const { return live_.size(); }
    /// Executions that recovery has not yet got to, or whose batch came back and was not looked at.
    bool is_settled();
    Timestamp next_timer() const { return timers_.empty() ? kNever : timers_.begin()->first; }
    /// False when the mailbox is full or closed. A thread with an errand scope open may take the
    /// turn itself at the scope's end.
    bool push(Message message, Mailbox::Class klass);
    /// What a recorded kSend says.
    static ExecutionMessage message_of(const Action& action);
    /// Ends the thread after its current batch; answers what is left with kUnavailable.
    void stop();

private:
    /// What leaves the process because of decisions.
    struct Outbox {
        std::vector<std::pair<ExecutionId, Action>> actions;
        std::vector<std::function<void(const Result<void>&)>> replies;
        bool empty() const { return actions.empty() && replies.empty(); }
    };
    using Timer = std::pair<Timestamp, ExecutionId>;

    void run();
    bool turn_here(bool has_time);
    void turn(std::vector<Message> messages);
    void handle(Message& message);
    void handle_start(Message& message);
    void run_transient(Message& message);
    void handle_input(Message& message);
    void handle_stop(Message& message);
    void count_transient(int64_t change);
    void handle_redrive(Message& message);
    void handle_explain(Message& message);
    void handle_ticket(Message& message);
    void handle_watch(Message& message);
    void handle_message(Message& message);
    void handle_erase(Message& message);
    void handle_wait(Message& message);
    void send(const Live& live, Action& action);
    Live* begin(const ExecutionMessage& sent);
    Live& add(const StartRequest& request, std::shared_ptr<const Definition> definition);
    void start(Live& live, const Payload& input, const Payload& attributes);
    void start_again(Message& message, Live& live);
    void postpone(Message& message, const Error& error);
    void tell_waits(const ExecutionSummary& summary);
    void forget_waits();
    void watch(const Message& message, const ExecutionSummary& summary);
    /// Says whose revision a child's definition is.
    static void complete(const Live& live, Action& action) {
        if (action.start) action.target.qualifier = live.summary.revision;
    }
    Result<RedriveReply> redrive(const RedriveRequest& request, bool is_child);
    void fire_timers(Timestamp now);
    void fire(const Timer& timer, Timestamp now);
    void recover_some();
    void reload_later(const ExecutionId& id, const Error& error);
    void take_postponed(const ExecutionId& id);
    bool decide(Live& live, Input input);  // whether it recorded anything
    void log(const Live& live, std::vector<Event> events);
    void closed(Live& live);
    void reopened();
    void tell_watchers(const ExecutionSummary& summary);
    Outbox& outbox(const Live& live) { return live.is_transient ? at_once_ : with_batch_; }
    void reply(const Live& live, Callback<ExecutionSummary> done);
    void tell(const Live& live, std::function<void(const Result<void>&)> recorded, bool is_wanted);
    bool may_redrive(const Live& live, const RedriveRequest& request) const;
    void release(const Outbox& outbox, const Result<void>& durable);
    void release_transient();
    void abandon_transient();
    void submit_batch(bool quiet = false);
    void drop_durable();  // what has become durable and is not needed in memory
    void settle();        // that, and what fell idle
    void keep_or_drop(const ExecutionId& id);
    void set_timer(Live& live);
    /// In memory; null for one that ended and is stored: it may be erased. Others may be dropped.
    Live* find(const ExecutionId& id);
    /// From memory, else rebuilt; also dispatches what recovery had not yet got to.
    Result<Live*> load(const ExecutionId& id);
    std::chrono::steady_clock::time_point wake_at() const;
    Timestamp now() const { return context_.options.clock->now(); }
    static void refuse(Message& message, const Error& error);
    static Error unavailable();

    ShardContext& context_;
    Mailbox mailbox_;
    std::mutex turn_mutex_;  // held for a turn; guards all below but what says otherwise
    std::atomic<std::chrono::steady_clock::time_point> sleeps_until_{};
    SplitMix64 entropy_;
    std::unordered_map<ExecutionId, std::unique_ptr<Live>> live_;
    std::set<Timer> timers_;  // one of each execution at most
    std::unordered_set<ExecutionId> unrecovered_;
    std::set<ExecutionId> unreadable_;  // those among them that could not be read; have a timer
    /// For executions that could not be read when it came; those have a timer.
    std::unordered_map<ExecutionId, std::vector<Message>> postponed_;
    bool is_guest_turn_ = false;  // of another thread than the shard's own
    /// Who wants to hear of the end of an execution; parents ask again after a restart.
    std::unordered_map<ExecutionId, std::vector<std::pair<ExecutionId, TaskId>>> watchers_;
    std::unordered_map<ExecutionId, std::vector<std::weak_ptr<Wait>>> waits_;
    // The batch being computed.
    std::vector<ExecutionId> dirty_;
    size_t batch_bytes_ = 0;  // of payloads in its events
    std::vector<ExecutionWrite> erasures_;
    std::vector<MessageWrite> messages_;
    Outbox with_batch_;
    // Of transient executions in this turn.
    Outbox at_once_;
    std::vector<ExecutionId> ended_;
    // Written by the committer's thread.
    std::mutex durable_mutex_;
    std::vector<ExecutionId> durable_;
    Timestamp next_upkeep_{};
    int64_t counted_ = 0;  // executions of this shard in the gauge
    std::thread thread_;
};

}  // namespace tandem
