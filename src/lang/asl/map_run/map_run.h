// MapRun: the State of the language "asl.map_run", the fold of a map run's events. It holds what is
// in hand - the children that run, items that were read and not given out, the place in the data -
// and counts what is done: its size follows the concurrency, not the number of items. Owned by one
// shard thread; only evolve.cc changes it.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "json/value.h"
#include "lang/asl/program.h"
#include "model/execution.h"
#include "model/language.h"

namespace tandem::asl {

/// The whole definition in which the run's Map stands.
class MapRunProgram final : public Program {
public:
    explicit MapRunProgram(std::shared_ptr<const Definition> definition)
        : definition(std::move(definition)) {}
    const std::shared_ptr<const Definition> definition;
};

/// Ends of children, or of the items that they had.
struct MapRunCounts {
    uint64_t succeeded = 0, failed = 0, timed_out = 0, aborted = 0;
    uint64_t running = 0;
    uint64_t unsuccessful() const { return failed + timed_out + aborted; }
    uint64_t begun() const { return succeeded + unsuccessful() + running; }
};

uint64_t& count_of(MapRunCounts& counts, ExecutionStatus status);

struct MapRunChild {
    uint64_t index = 0;  // among the children
    uint64_t items = 1;  // that it was given
    Payload input;       // while it may have to be started again
    Timestamp began{};
    bool is_redriven = false;
    std::string name;  // where it does not follow from the index: Express, and begun again
    ExecutionStatus status = ExecutionStatus::kRunning;  // at its end, while it is unsuccessful
};

/// A call of a service that is under way.
struct MapRunCall {
    TaskId task = 0;
    std::string service;  // as in events.h
    Payload parameters;
};

/// The end to which a run comes when its results are written.
struct MapRunEnding {
    EventType type = EventType::kExecutionFailed;
    std::optional<std::string> error;
    std::optional<std::string> cause;
};

class MapRun final : public State {
public:
    bool is_open() const override { return is_open_; }
    Timestamp next_due() const override { return is_open_ ? due : kNever; }
    size_t open_tasks() const override { return running.size() + (call ? 1 : 0) + (stay ? 1 : 0); }
    uint64_t last_seq() const override { return seq; }

    bool has_reader() const { return facts.find("reader") != nullptr; }
    bool has_writer() const { return facts.find("writer") != nullptr; }
    bool is_express() const { return facts.bool_or("express", false); }
    /// Whether it waits for a place among the runs that are at work.
    bool waits_to_enter() const;
    /// Whether results go to a bucket, those of a run that fails too.
    bool exports() const;
    /// How many children may run at a time.
    uint64_t places() const;
    /// Items that were read or given and are in no child yet.
    uint64_t waiting_items() const;
    /// Whether no item will come that is not at hand.
    bool is_read() const { return !has_reader() || has_all; }
    uint64_t known_items() const { return next_item + waiting_items(); }
    /// Whether each child's output is kept here rather than read again at the end.
    bool keeps_outputs() const { return !has_writer(); }

    uint64_t seq = 0;
    bool is_open_ = true;
    bool has_succeeded = false;
    uint64_t redrives = 0;
    uint64_t redriven_seq = 0;  // of the last: what did not succeed before it has run again
    Timestamp last_time{};
    Timestamp due = kNever;  // when a decision goes on that had done its part
    json::Value facts;
    const StateDefinition* state = nullptr;  // the Map
    // As UpdateMapRun may change them.
    uint64_t max_concurrency = 0;  // 0: as many as there may be
    std::optional<uint64_t> tolerated_count;
    std::optional<double> tolerated_percentage;
    // Reading.
    std::string cursor;
    bool has_all = false;
    json::Value queue = json::Value::array();  // read, and not given out
    uint64_t next_item = 0;                    // the first that is in no child
    // Children.
    uint64_t next_child = 0;
    std::map<TaskId, MapRunChild> running;
    std::map<uint64_t, MapRunChild> unsuccessful;  // by index: what a redrive runs again
    std::vector<uint64_t> to_redrive;              // indexes in it, the last one first
    // Of what is in children; those that wait for their redrive are not counted.
    MapRunCounts executions, items;
    std::optional<MapRunEnding> ending;
    // Of what is at hand: children that are told as pending where the run ends before they begin.
    uint64_t pending_items = 0, pending_children = 0;
    std::optional<MapRunCall> call;
    std::optional<MapRunCall> stay;  // holds its place
    std::vector<Payload> outputs;    // by child; emptied when they are too large together
    size_t output_bytes = 0;

    /// All of the fold as text: equal texts, equal states.
    std::string dump() const;
};

/// Folds one event. Cannot fail.
void evolve(const Definition& definition, MapRun& run, const Event& event);

enum class ResultsWritten { kNo, kYes };

/// Counts and limits as JSON: what DescribeMapRun shows.
json::Value described(const MapRun& run);
/// The same, as it is after the end.
json::Value described_ended(const MapRun& run, ResultsWritten written);

}  // namespace tandem::asl
