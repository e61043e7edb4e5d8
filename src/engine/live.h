// Live: one execution in a shard's memory - its folded state, its summary, and what of it is not
// yet durable. Owned by the shard thread. What it adds in a batch is collected in `events`;
// `stored` is what the store will have of the summary once every batch submitted so far is durable.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <vector>

#include "engine/registry.h"
#include "model/execution.h"
#include "model/language.h"
#include "store/store.h"

namespace tandem {

struct Live {
    ExecutionSummary summary;
    std::optional<StoredVersion> stored;
    std::shared_ptr<const Definition> definition;
    std::unique_ptr<State> state;
    std::vector<Event> events;  // of the batch being computed
    /// Generations that are over since the last batch, as they are or will be stored.
    std::vector<std::pair<ExecutionSummary, StoredVersion>> replaced;
    uint32_t in_flight = 0;     // batches submitted, not yet durable
    Timestamp last_input{};     // also: time of the last event, which the clock may not undercut
    Timestamp timer = kNever;   // due time of its entry in the shard's timers
    bool is_transient = false;  // lives here alone: its events are folded and dropped
    Callback<ExecutionSummary> ended;  // of a transient one; may be empty

    bool is_open() const { return summary.status == ExecutionStatus::kRunning; }
};

/// Folds a decision into the summary and queues its events, or drops those of a transient
/// execution. A generation that begins takes the next of `numbers`.
void record(Live& live, std::vector<Event> events, std::atomic<uint64_t>& numbers);

/// A new execution, before its kStart input.
std::unique_ptr<Live> make_live(const StartRequest& request,
                                std::shared_ptr<const Definition> definition, Timestamp now);

/// Brings the state of an execution to its last event, where rebuild() left that out because it had
/// ended. Errors: those of the store.
Result<void> fold_log(const Store& store, Live& live);

/// The time of the redrive that came with this token, while it is remembered.
std::optional<Timestamp> redriven_by(const ExecutionSummary& summary, std::string_view token,
                                     Timestamp now);

/// Rebuilds an execution from its stored summary and events. Errors: those of the store and
/// registry.
Result<std::unique_ptr<Live>> rebuild(const Store& store, Registry& registry,
                                      const ExecutionId& id);

}  // namespace tandem
