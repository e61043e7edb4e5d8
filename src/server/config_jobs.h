// The sections of the configuration that are about jobs: [job_definitions.NAME], [projects.NAME].
// Private to the configuration.
#pragma once

#include "server/config.h"
#include "server/toml.h"

namespace tandem {

/// Errors: kInvalidArgument, naming the key and what is expected.
Result<void> apply_job_definition(std::string_view name, const toml::node& node, Config& config);
Result<void> apply_project(std::string_view name, const toml::node& node, Config& config);
/// Rules that hold between settings of jobs.
Result<void> check_jobs(const Config& config);

}  // namespace tandem
