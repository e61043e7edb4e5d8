// Slurm asked through its own programs (and where it has accounts, sacct): for sites without
// slurmrestd. Needs Slurm 22.05 or newer.
#pragma once

#include <memory>
#include <string>

#include "exec/slurm/scheduler.h"

namespace tandem::slurm {

struct CommandLineOptions {
    std::string directory;        // of sbatch, squeue, scancel, sacct; empty: found through PATH
    std::string configuration;    // slurm.conf; empty: as for this process
    int64_t timeout_ms = 30'000;  // of one program; Slurm's own are 10 s, and repeated
    int64_t past_timeout_ms = 10'000;        // of sacct
    size_t output_bytes = 64 * 1024 * 1024;  // of one program
    size_t ids_per_query = 2'000;            // squeue takes them as one argument
};

/// Error: kInvalidArgument (a program is not there).
Result<std::unique_ptr<Scheduler>> make_command_line(CommandLineOptions options);

}  // namespace tandem::slurm
