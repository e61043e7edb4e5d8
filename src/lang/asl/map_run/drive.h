// Drive: one decision of a map run. It gives items out to children while there are places, asks
// for the next page of them, counts what comes back, and ends the run. Lives on the stack of
// decide(); after the run has closed it does nothing more.
#pragma once

#include <vector>

#include "base/rng.h"
#include "lang/asl/failure.h"
#include "lang/asl/map_run/map_run.h"

namespace tandem::asl {

class Drive {
public:
    Drive(const LanguageOptions& options, const MapRunProgram& program, MapRun& run,
          const Input& input)
        : options_(options),
          definition_(*program.definition),
          run_(run),
          input_(input),
          random_(input.entropy) {}
    Decision decide();

private:
    /// What one child is given.
    struct Built {
        Payload input;
        uint64_t items = 0;
    };

    // drive.cc
    void emit(Event event);
    void act();
    void advance();
    void redrive();
    void signal();
    void child_ended();
    void call_answered();
    void enter();
    void entered();
    void cancel(const std::optional<MapRunCall>& call);
    void call(std::string_view service, json::Value parameters);
    bool is_spent() const;
    uint64_t free_places() const;
    bool exceeds_tolerance() const;
    void close(EventType type, Failure failure, Payload output = {},
               ResultsWritten written = ResultsWritten::kNo);
    /// Ends the run without success; its results are written before, where they are exported.
    void end(EventType type, Failure failure);
    void fail(Failure failure) { end(EventType::kExecutionFailed, std::move(failure)); }
    void stop_children();
    void wind_up();
    void write_results();
    void defer();
    void finish();
    void finish_with(Payload output);
    void written();

    // items.cc
    void redrive_children();
    void give_out();
    bool wants_page() const;
    void ask_page();
    void page_read();
    bool note_pending();
    void start_child(Built built, uint64_t from);
    void begin(uint64_t index, const Payload& input);
    /// Children's inputs from the items of `list` that begin with item `from` of the run, as many
    /// as there are places and this decision makes.
    Outcome<std::vector<Built>> build(const json::Array& list, size_t at, bool is_last);
    Outcome<std::optional<Built>> next(const json::Array& list, size_t at, bool is_last);
    Outcome<std::optional<Built>> next_batch(const json::Array& list, size_t at, bool is_last);
    /// An item as its child sees it.
    Outcome<json::Value> selected(uint64_t index, const json::Value& item);
    Outcome<Payload> print(const json::Value& value) const;

    const LanguageOptions& options_;
    const Definition& definition_;
    MapRun& run_;
    const Input& input_;
    SplitMix64 random_;
    json::Budget budget_;
    Decision decision_;
    size_t bytes_ = 0;    // of payloads emitted
    uint64_t first_ = 0;  // number of the item list[0]
};

/// What the run owes: its call, and the children that run.
std::vector<Action> owed(const MapRun& run);
Action call_action(const MapRunCall& call);
Action child_action(const MapRun& run, TaskId task, const MapRunChild& child);

}  // namespace tandem::asl
