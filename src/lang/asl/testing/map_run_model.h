// MapRunModel: how a map run ends whose calls and children are answered at once, in the order in
// which they are asked for. Items come from RandomMachine's readers; what is written is always
// told in the same way. For tests only.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "lang/asl/testing/simulation.h"

namespace tandem::asl::testing {

/// The answer of a call of "map-run:read", with at most `most` items; of "map-run:write".
TaskResult read_answer(const json::Value& parameters, uint64_t most);
TaskResult write_answer();

class MapRunModel {
public:
    struct Languages {
        const Language& runs;
        const Language& standard;
        const Language& express;
    };
    /// Plays a child, which has been started, to its end.
    using Play = std::function<void(Simulation&)>;
    /// `definition`: in which the Map stands.
    MapRunModel(Languages languages, std::string definition, Play play)
        : languages_(languages), definition_(std::move(definition)), play_(std::move(play)) {}

    /// `start` begins the run, or lets it go on.
    std::shared_ptr<const ExecutionSummary> end_of(const Action& start) const;

private:
    Input answer_to(const Action& action) const;
    std::shared_ptr<const ExecutionSummary> child(const Action& action) const;

    const Languages languages_;
    const std::string definition_;
    const Play play_;
};

}  // namespace tandem::asl::testing
