// Slurm as the configuration names it.
#pragma once

#include <memory>
#include <string_view>

#include "exec/pilots/pilots.h"
#include "exec/slurm/jobs.h"
#include "server/config.h"

namespace tandem {

/// Where jobs tell of their ends: "/slurm/jobs/ATTEMPT".
constexpr std::string_view kJobsPath = "/slurm/jobs";

/// Errors: kInvalidArgument (a program or key is not there).
Result<std::unique_ptr<slurm::Scheduler>> make_scheduler(const SlurmConfig& config);
/// Puts what jobs need into their directory.
slurm::JobsOptions jobs_options(const SlurmConfig& config);

/// The pools over that cluster, not yet started; `url` is this server's, as nodes reach it.
std::unique_ptr<pilots::Pilots> make_pilots(const Config& config, slurm::Scheduler& scheduler,
                                            std::shared_ptr<Agents> agents, std::string url);

}  // namespace tandem
