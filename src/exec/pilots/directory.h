// PilotDirectory: what a pilot has on the file system that this server and the nodes share. It
// outlives both slurmctld and the server:
//   script      what Slurm runs
//   token       lets its agents in
//   submitted   the job's number, once Slurm has taken it
//   claim/      made by the first copy of the job to begin; a second one ends at once
//   closed      nobody wants it any more: a copy that begins later ends at once
//   log         what its agents wrote
// Every call may block on that file system.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "exec/pilots/plan.h"

namespace tandem::pilots {

class PilotDirectory {
public:
    PilotDirectory(const std::filesystem::path& root, const std::string& id) : path_(root / id) {}

    const std::filesystem::path& path() const { return path_; }
    /// On disk when it returns. Error: kIo.
    Result<void> make(const std::string& pool, const std::string& script, const std::string& token,
                      const std::string& user) const;
    Result<void> note_submitted(uint64_t job) const;
    std::optional<uint64_t> submitted() const;
    std::string pool() const;
    bool has_begun() const;
    Result<void> close() const;
    /// The end of what its agents wrote, as text.
    std::string tail(size_t bytes) const;
    void remove() const;

private:
    std::filesystem::path path_;
};

/// Ids of those that are not closed, in any order; closed ones that are done are removed.
std::vector<std::string> open_directories(const std::filesystem::path& root);

struct ScriptOptions {
    std::string program;  // tandem, as nodes find it
    std::string url;      // of the server or a relay, as nodes reach it
    std::string ca_file;
};

/// The script of a pilot with that id.
std::string pilot_script(const Pool& pool, const std::string& id, const PilotDirectory& directory,
                         const ScriptOptions& options);

}  // namespace tandem::pilots
