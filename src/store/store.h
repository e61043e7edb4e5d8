// Store: keeps the truth. One append is atomic and durable when it returns (one sync), over any
// number of executions; reads see only what was appended. Implementations: memory/, rocks/; both
// pass store/conformance. append() is called by one thread at a time (the engine's committer);
// all else from any thread. After an I/O error every later append fails: nobody retries a sync.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "model/event.h"
#include "model/execution.h"

namespace tandem {

/// What of an execution's stored summary decides how the next append changes it.
struct StoredVersion {
    uint64_t last_seq = 0;
    ExecutionStatus status = ExecutionStatus::kRunning;
    Timestamp stop_time{};
    friend bool operator==(const StoredVersion&, const StoredVersion&) = default;
};

inline StoredVersion version_of(const ExecutionSummary& s) {
    return {s.last_seq, s.status, s.stop_time};
}

/// Everything that one batch adds to one execution. The first event of an execution has its input
/// and attributes (`input`, `detail`): that is where summary() finds them again.
struct ExecutionWrite {
    std::vector<Event> events;              // consecutive seq, continuing the stored log
    ExecutionSummary summary;               // as it is after these events
    std::optional<StoredVersion> previous;  // as stored now; nullopt for a new execution
    // Delete log, summary and index entries instead, unless they are not `previous` any more.
    bool erase = false;
    // With `erase`: by the number of `summary`, whatever the store has; `previous` is as this very
    // append or one before it leaves it. What has the execution's id now stays: its next
    // generation.
    bool is_replaced = false;
};

/// A row of the catalog: small, named, rarely written (callables, configuration, epochs).
struct CatalogWrite {
    std::string key;
    std::optional<std::string> value;  // nullopt deletes
};

/// A message between executions (model/message.h): its record, or nullopt once it has been taken.
struct MessageWrite {
    uint64_t number = 0;
    std::optional<std::string> record;
};

/// What of a batch is durable already, outside the rows: made by Store::prepare().
class Prepared {
public:
    virtual ~Prepared() = default;
};

struct Batch {
    std::vector<ExecutionWrite> executions;
    std::vector<CatalogWrite> catalog;
    std::vector<MessageWrite> messages;
    std::vector<std::shared_ptr<const Prepared>> prepared;
};

/// Who takes the store over under an epoch numbers its executions from the epoch on, shifted by so
/// many bits.
constexpr int kNumbersOfEpochBits = 40;

struct ExecutionFilter {
    CallableKind kind = CallableKind::kWorkflow;
    std::string callable;  // listings are by callable
    std::optional<ExecutionStatus> status;
    std::optional<Timestamp> started_from;  // inclusive
    std::optional<Timestamp> started_to;    // exclusive
};

struct ExecutionPage {
    std::vector<ExecutionSummary> executions;  // newest start first
    std::string next;                          // opaque cursor; empty at the end
};

struct EventRange {
    uint64_t first_seq = 1;          // inclusive
    uint64_t last_seq = UINT64_MAX;  // inclusive
    size_t limit = SIZE_MAX;
    size_t bytes = SIZE_MAX;  // of payloads: the event that reaches so many is the last one
    bool reverse = false;     // from last_seq downwards
};

class Store {
public:
    virtual ~Store() = default;

    /// Errors: kIo (the store is then unusable), kCorrupt, kUnavailable (fenced by a newer epoch).
    virtual Result<void> append(const Batch& batch) = 0;

    /// A batch with a payload above this is worth a call of prepare().
    virtual size_t inline_bytes() const { return SIZE_MAX; }
    using PrepareDone = std::function<void(Result<std::shared_ptr<const Prepared>>)>;
    /// Has large payloads written to where they are kept: else append() does, while all wait for
    /// it. `done` runs once, perhaps at once, perhaps on a thread of the store; its answer goes
    /// into the batch, which need not stay until then.
    virtual void prepare(const Batch& batch, PrepareDone done) {
        (void)batch;
        done(std::shared_ptr<const Prepared>());
    }

    /// Takes ownership: returns the new epoch; an older owner's appends fail from now on.
    virtual Result<uint64_t> open_epoch() = 0;

    virtual Result<std::optional<ExecutionSummary>> summary(const ExecutionId& id) const = 0;
    virtual Result<std::vector<Event>> events(const ExecutionId& id,
                                              const EventRange& range) const = 0;
    /// From an index ordered by start time; `cursor` is ExecutionPage::next of the page before.
    /// Input and output above inline_bytes() are left out.
    virtual Result<ExecutionPage> list(const ExecutionFilter& filter, std::string_view cursor,
                                       size_t limit) const = 0;
    /// All open executions, in any order, in pages: recovery. Summaries carry no input or
    /// attributes.
    virtual Result<ExecutionPage> list_open(std::string_view cursor, size_t limit) const = 0;
    /// Closed executions with a stop time before `before`, oldest first: retention. Summaries are
    /// like those of list_open().
    virtual Result<std::vector<ExecutionSummary>> list_closed(Timestamp before,
                                                              size_t limit) const = 0;

    /// Messages that were not taken, in the order of their numbers, after number `after`.
    virtual Result<std::vector<std::pair<uint64_t, std::string>>> messages(uint64_t after,
                                                                           size_t limit) const = 0;
    virtual Result<std::optional<std::string>> catalog(std::string_view key) const = 0;
    /// Rows whose key starts with `prefix`, after key `after` (exclusive), in key order.
    virtual Result<std::vector<std::pair<std::string, std::string>>> scan_catalog(
        std::string_view prefix, std::string_view after, size_t limit) const = 0;
};

}  // namespace tandem
