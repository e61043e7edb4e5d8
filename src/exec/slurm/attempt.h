// Attempt: the directory that an attempt of a job has on the file system that this server and the
// nodes share. What is in it is written by the wrapper that Slurm runs (wrapper.h) and by this
// server, and outlives both slurmctld and the server:
//   wrapper, command, program   what runs
//   submitted                   the job's number, once Slurm has taken it
//   claim.I/                    made by the first copy of the job to start index I (0 of a plain
//                               job), so that no second one runs; or by the server, so that none
//                               does. "by" in it says whose it is.
//   ended.I                     exit code and time, put in place by a rename
//   timeout.I                   it ran into the job's own time limit
//   rank, unjoined.I            what starts each rank of a gang; ranks that MPI did not join
//   stdout.I stderr.I result.I  what it wrote
//   files/                      objects that were staged in, and what is to be staged out
// It is the job's user's, and what is done in it is done as that user (as_owner.h). Every call may
// block on that file system.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "exec/slurm/request.h"

namespace tandem::slurm {

struct IndexFiles {
    bool is_claimed = false;
    bool is_revoked = false;  // claimed by the server: it does not run
    uint64_t job = 0;         // whose copy runs; 0 while that is not yet written
    std::optional<int64_t> exit_code;
    Timestamp started{}, ended{};
    bool timed_out = false;
    std::string unjoined;  // "SIZE RANKS VERSION": what a rank saw and what was started
};

/// Of the wrapper, where another copy of the attempt has the index, or the server.
constexpr int64_t kExitOfCopy = 75;

class Attempt {
public:
    Attempt(const std::filesystem::path& root, std::string id);

    const std::string& id() const { return id_; }
    const std::filesystem::path& path() const { return path_; }
    bool exists() const;
    /// Makes the directory with what runs, on disk when it returns. `ranks_library` is preloaded
    /// into the ranks of a gang (ranks.c); empty: they are not looked at. Error: kIo.
    Result<void> prepare(const JobRequest& request, const std::string& wrapper,
                         const std::filesystem::path& ranks_library = {}) const;
    Result<void> note_submitted(uint64_t job) const;
    std::optional<uint64_t> submitted() const;
    /// Brings what is known of the indices that have files up to date; what cannot change any more
    /// is not read again. Error: kIo.
    Result<void> look(std::map<int64_t, IndexFiles>& known) const;
    /// True: no copy has begun index, and none will. Error: kIo.
    Result<bool> revoke(int64_t index) const;
    /// Nobody looks after it any more.
    void close() const;
    bool is_closed() const;
    /// The end of what it wrote ("stdout", "stderr"), as text.
    std::string tail(std::string_view stream, int64_t index, size_t bytes) const;
    /// Empty if there is none; nothing if it is longer.
    std::optional<std::string> result(int64_t index, size_t bytes) const;

private:
    Result<void> write_programs(const JobRequest& request, const std::string& wrapper,
                                const std::filesystem::path& ranks_library) const;
    std::filesystem::path file(std::string_view name, int64_t index) const;

    std::string id_;
    std::filesystem::path path_;
};

/// The script that Slurm runs; `callback` is a URL to POST to when an index ends, or empty.
std::string wrapper_script(const JobRequest& request, const Attempt& attempt, std::string_view job,
                           int64_t number, std::string_view callback);

/// The script that starts a rank of a gang and has its MPI looked at; empty where that cannot be.
std::string rank_script(Launch launch, const std::filesystem::path& ranks_library);

/// One word of a shell, whatever is in it.
std::string quote(std::string_view text);

}  // namespace tandem::slurm
