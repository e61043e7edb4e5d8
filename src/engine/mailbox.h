// Mailbox: the bounded queue in front of a shard; many writers, one reader. New work from doors is
// refused when it is full; answers of executors are always taken, because dropping one would lose a
// result (they are bounded by the tasks that run). Lazy messages wait for company: they alone do
// not wake the reader before kLazyDelay. What is for a transient execution always wakes it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "engine/engine.h"
#include "engine/registry.h"
#include "model/message.h"

namespace tandem {

class Wait;

/// While an append is under way a reader is woken for so many messages at least: one wake-up for
/// many, and the next batch is still decided while the one before syncs.
constexpr size_t kCompany = 8;

/// How long a task's "started" may wait to be recorded together with something else.
constexpr auto kLazyDelay = std::chrono::milliseconds(20);

struct Message {
    enum class Kind {
        kStart,
        kRunTransient,
        kInput,
        kStop,
        kRedrive,
        kExplain,
        kTicket,
        kWatch,
        kMessage,
        kErase,
        kWait
    };
    Kind kind = Kind::kInput;
    ExecutionId id;
    Input input;
    // kStart, kRunTransient
    StartRequest start;
    std::shared_ptr<const Definition> definition;
    // kStart
    Callback<StartReply> started;
    // kRunTransient; either may be empty
    Callback<ExecutionSummary> begun;
    Callback<ExecutionSummary> ended;
    // kStop
    Callback<ExecutionSummary> stopped;
    /// What only messages of a few kinds carry: most are moved without it.
    struct Rare {
        // kRedrive
        RedriveRequest redrive;
        Callback<RedriveReply> redriven;
        // kExplain
        Callback<std::vector<Waiting>> explained;
        Callback<Payload> inspected;  // instead
        // kTicket: an input from whoever holds the task's token; none = its activity's queue
        std::optional<uint64_t> nonce;
        Callback<TaskTicket> answered;
        // kWatch, and of children also kStart, kRunTransient and kRedrive
        ExecutionId watcher;
        TaskId watcher_task = 0;
        bool redrives = false;  // kStart: a child that has ended without success goes on
        // kMessage
        std::shared_ptr<const ExecutionMessage> sent;
        uint64_t number = 0;
        // kErase
        Callback<bool> erased;
        // kWait
        std::weak_ptr<Wait> wait;
    };
    std::unique_ptr<Rare> rare;  // of those kinds
};

class Mailbox {
public:
    /// `is_busy` says that what is decided now could not be appended at once.
    Mailbox(size_t capacity, std::function<bool()> is_busy)
        : capacity_(capacity), is_busy_(std::move(is_busy)) {}

    enum class Class { kNewWork, kAnswer, kLazy };
    /// False when it is full (kNewWork) or closed. `quiet`: ring() follows.
    bool push(Message message, Class klass, bool quiet = false);
    /// Wakes the reader for what was pushed quietly.
    void ring();
    /// Makes the reader look again at once, whatever is there.
    void poke();
    /// Waits until something urgent is there, a lazy message is old enough, or `until`; then moves
    /// up to `limit` messages out. Empty also when closed.
    std::vector<Message> take(size_t limit, std::chrono::steady_clock::time_point until);
    /// The append is over: wakes the reader if anything urgent waits.
    void nudge();
    /// Moves up to `limit` messages out, lazy ones too, without waiting.
    std::vector<Message> take_now(size_t limit);
    size_t size() const;
    struct Content {
        size_t messages, transient;  // transient: of them, for executions without a record
    };
    Content content() const;
    /// Refuses all from now on and wakes the reader; returns what was left.
    std::deque<Message> close();
    bool closed() const;

private:
    std::vector<Message> take_locked(size_t limit);

    const size_t capacity_;
    const std::function<bool()> is_busy_;
    mutable std::mutex mutex_;
    std::condition_variable arrived_;
    std::deque<Message> queue_;
    size_t urgent_ = 0;
    size_t transient_ = 0;
    std::optional<std::chrono::steady_clock::time_point> lazy_due_;
    bool closed_ = false;
    bool poked_ = false;
};

}  // namespace tandem
