#include "server/slurm.h"

#include "base/log.h"
#include "exec/slurm/command_line.h"
#include "exec/slurm/rest.h"
#include "server/embedded_workers.h"

namespace tandem {

Result<std::unique_ptr<slurm::Scheduler>> make_scheduler(const SlurmConfig& config) {
    if (config.interface == "rest") {
        slurm::RestOptions options;
        options.url = config.url;
        options.ca_file = config.ca_file;
        options.user = config.user;
        options.key_file = config.jwt_key.string();
        options.token_file = config.token.string();
        options.api_version = config.api_version;
        return slurm::make_rest(std::move(options));
    }
    slurm::CommandLineOptions options;
    options.directory = config.commands.string();
    options.configuration = config.configuration.string();
    return slurm::make_command_line(std::move(options));
}

slurm::JobsOptions jobs_options(const SlurmConfig& config) {
    slurm::JobsOptions options;
    options.directory = config.directory;
    options.poll_ms = config.poll_ms;
    options.lost_ms = config.lost_ms;
    if (auto library = write_embedded_ranks(config.directory / ".lib"))
        options.ranks_library = *std::move(library);
    else log_error("ranks of gangs cannot be looked at", {{"error", library.error().message}});
    return options;
}

std::unique_ptr<pilots::Pilots> make_pilots(const Config& config, slurm::Scheduler& scheduler,
                                            std::shared_ptr<Agents> agents, std::string url) {
    pilots::PilotsOptions options;
    options.directory = config.slurm.directory / "pilots";
    options.poll_ms = config.slurm.poll_ms;
    options.lost_ms = config.slurm.lost_ms;
    std::error_code ec;
    options.script.program = config.slurm.program.empty()
                                 ? std::filesystem::read_symlink("/proc/self/exe", ec).string()
                                 : config.slurm.program.string();
    options.script.url = std::move(url);
    options.script.ca_file = config.slurm.agent_ca_file;
    return std::make_unique<pilots::Pilots>(scheduler, std::move(agents), config.pools,
                                            std::move(options));
}

}  // namespace tandem
