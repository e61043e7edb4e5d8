#include "engine/committer.h"

#include <chrono>
#include <future>
#include <iterator>

#include "base/log.h"
#include "base/metrics.h"
#include "base/thread_name.h"

namespace tandem {

namespace {

Counter& syncs = counter("tandem_syncs_total", "Appends to the store, each one sync.");
Counter& records = counter("tandem_records_total", "Event records appended.");
Histogram& sync_seconds = histogram("tandem_sync_seconds", "Time of an append with its sync.");

}  // namespace

Committer::Committer(Store& store, Threads threads)
    : store_(store), inline_bytes_(store.inline_bytes()), threads_(threads) {
    if (threads == Threads::kOwn) thread_ = std::thread([this] { run(); });
}

Committer::~Committer() { stop(); }

void Committer::submit(Batch batch, Done done, bool quiet, const void* source, bool patience) {
    size_t bytes = 0;
    for (const ExecutionWrite& write : batch.executions) {
        for (const Event& event : write.events) bytes += payload_bytes(event);
    }
    if (bytes > inline_bytes_ || held_lines_.load(std::memory_order_relaxed) != 0) {
        Waiting waiting{std::move(batch), std::move(done)};
        if (hold(waiting, bytes, source, patience)) return;
        batch = std::move(waiting.batch);
        done = std::move(waiting.done);
    }
    std::unique_lock lock(mutex_);
    // Without a thread nobody would make room meanwhile.
    room_.wait(lock, [&] {
        return threads_ == Threads::kNone ||
               (queue_.size() < kCommitQueueBatches && queued_bytes_ < kCommitQueueBytes);
    });
    queued_bytes_ += bytes;
    queue_.push_back({std::move(batch), std::move(done)});
    if (queue_.size() == 1 && !quiet) arrived_.notify_one();
}

bool Committer::holds(const void* source) {
    if (held_lines_.load(std::memory_order_relaxed) == 0) return false;
    const std::lock_guard lock(mutex_);
    return held_.contains(source);
}

bool Committer::hold(Waiting& waiting, size_t bytes, const void* source, bool patience) {
    if (threads_ == Threads::kNone) return false;  // append() writes payloads by itself
    const bool is_large = bytes > inline_bytes_;
    Held* held = nullptr;
    {
        std::unique_lock lock(mutex_);
        room_.wait(lock, [&] {
            const auto line = held_.find(source);
            return !patience || line == held_.end() ||
                   (line->second.batches.size() < kCommitQueueBatches &&
                    line->second.bytes < kCommitQueueBytes);
        });
        if (!is_large && !held_.contains(source)) return false;
        Line& line = held_[source];
        held_lines_ = held_.size();
        held = &line.batches.emplace_back(Held{std::move(waiting), bytes, !is_large});
        line.bytes += bytes;
    }
    // Nobody takes it before it is ready.
    if (is_large) {
        store_.prepare(held->waiting.batch,
                       [this, source, held](Result<std::shared_ptr<const Prepared>> result) {
                           prepared(source, *held, std::move(result));
                       });
    }
    return true;
}

void Committer::prepared(const void* source, Held& held,
                         Result<std::shared_ptr<const Prepared>> result) {
    const std::lock_guard lock(mutex_);
    if (!result) cannot_prepare_ = result.error();
    else if (*result) held.waiting.batch.prepared.push_back(*std::move(result));
    held.is_ready = true;
    Line& line = held_.at(source);
    while (!line.batches.empty() && line.batches.front().is_ready) {
        Held& first = line.batches.front();
        line.bytes -= first.bytes;
        queued_bytes_ += first.bytes;
        queue_.push_back(std::move(first.waiting));
        line.batches.pop_front();
    }
    if (line.batches.empty()) held_.erase(source);
    held_lines_ = held_.size();
    arrived_.notify_one();
    room_.notify_all();
}

void Committer::drive(bool here) {
    if (threads_ == Threads::kNone) return;
    if (here) {
        const std::unique_lock turn(turn_mutex_, std::try_to_lock);
        if (turn.owns_lock()) step();
    }
    // Also what came while this thread appended. Whoever appends now looks again when it is done.
    const std::lock_guard lock(mutex_);
    if (!queue_.empty()) arrived_.notify_one();
}

Result<void> Committer::commit(Batch batch) {
    std::promise<Result<void>> promise;
    auto future = promise.get_future();
    submit(std::move(batch), [&promise](const Result<void>& result) { promise.set_value(result); });
    if (threads_ == Threads::kNone) step();
    return future.get();
}

void Committer::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
        arrived_.notify_one();
    }
    if (thread_.joinable()) thread_.join();
}

Result<void> Committer::append(std::deque<Waiting>& group,
                               const std::optional<Error>& cannot_prepare) {
    if (failed_)
        return fail(ErrorCode::kUnavailable, "the store failed; the server must be restarted");
    Batch merged = std::move(group.front().batch);
    for (size_t i = 1; i < group.size(); ++i) {
        Batch& batch = group[i].batch;
        std::move(batch.executions.begin(), batch.executions.end(),
                  std::back_inserter(merged.executions));
        std::move(batch.catalog.begin(), batch.catalog.end(), std::back_inserter(merged.catalog));
        std::move(batch.messages.begin(), batch.messages.end(),
                  std::back_inserter(merged.messages));
        merged.prepared.insert(merged.prepared.end(), batch.prepared.begin(), batch.prepared.end());
    }
    if (merged.executions.empty() && merged.catalog.empty() && merged.messages.empty()) return {};
    const auto began = std::chrono::steady_clock::now();
    auto result = cannot_prepare ? Result<void>(tl::unexpected<Error>(*cannot_prepare))
                                 : store_.append(merged);
    sync_seconds.observe_seconds(
        std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count());
    if (!result) {
        failed_.store(true, std::memory_order_release);
        log_error("the store failed; no further input is taken",
                  {{"error", result.error().message}});
        return result;
    }
    syncs.add();
    for (const ExecutionWrite& w : merged.executions) records.add(w.events.size());
    return result;
}

void Committer::run() {
    name_thread("committer");
    while (true) {
        {
            std::unique_lock lock(mutex_);
            arrived_.wait(lock, [&] { return !queue_.empty() || (stopping_ && held_.empty()); });
            if (queue_.empty()) return;
        }
        const std::lock_guard turn(turn_mutex_);
        step();
    }
}

bool Committer::step() {
    std::deque<Waiting> group;
    std::optional<Error> cannot_prepare;
    {
        const std::lock_guard lock(mutex_);
        group.swap(queue_);
        if (cannot_prepare_) cannot_prepare = cannot_prepare_;
        queued_bytes_ = 0;
        room_.notify_all();
    }
    if (group.empty()) return false;
    is_appending_ = true;
    const auto result = append(group, cannot_prepare);
    // The shards go on with what has come meanwhile, while this thread answers.
    if (on_appended) on_appended();
    for (Waiting& waiting : group) waiting.done(result);
    is_appending_ = false;
    if (on_appended) on_appended();
    return true;
}

}  // namespace tandem
