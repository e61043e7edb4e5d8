#include "exec/slurm/command_line.h"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "base/encoding.h"
#include "base/rng.h"
#include "exec/slurm/printed.h"
#include "exec/slurm/program.h"

namespace tandem::slurm {

namespace {

bool is_program(const std::string& path) { return ::access(path.c_str(), X_OK) == 0; }

/// Its path; empty if there is none.
std::string find_program(const std::string& directory, const std::string& name) {
    if (!directory.empty()) {
        const std::string path = directory + "/" + name;
        return is_program(path) ? path : std::string();
    }
    const char* search = std::getenv("PATH");
    std::string_view left = search != nullptr ? search : "/usr/local/bin:/usr/bin:/bin";
    while (!left.empty()) {
        const size_t end = left.find(':');
        const std::string path = std::string(left.substr(0, end)) + "/" + name;
        left.remove_prefix(end == std::string_view::npos ? left.size() : end + 1);
        if (path[0] == '/' && is_program(path)) return path;
    }
    return {};
}

std::string own_user() {
    passwd entry{}, *found = nullptr;
    char buffer[16 * 1024];
    if (::getpwuid_r(::geteuid(), &entry, buffer, sizeof buffer, &found) != 0 || found == nullptr)
        return {};
    return found->pw_name;
}

/// Number of a user's own group.
Result<gid_t> group_of(const std::string& user) {
    passwd entry{}, *found = nullptr;
    char buffer[16 * 1024];
    if (::getpwnam_r(user.c_str(), &entry, buffer, sizeof buffer, &found) != 0)
        return fail(ErrorCode::kUnavailable, "cannot look up user " + user);
    if (found == nullptr) return fail(ErrorCode::kInvalidArgument, "there is no user " + user);
    return found->pw_gid;
}

/// What ends each field of squeue's output. Random, so that nobody can have put it into a name.
std::string make_separator() { return "\x1f" + hex(random_bytes(8)) + "\x1f"; }

void add_text(std::vector<std::string>& arguments, const char* option, const std::string& value) {
    if (!value.empty()) arguments.push_back(option + value);
}

void add_number(std::vector<std::string>& arguments, const char* option, int64_t value) {
    if (value != 0) arguments.push_back(option + std::to_string(value));
}

class CommandLine final : public Scheduler {
public:
    explicit CommandLine(CommandLineOptions options)
        : options_(std::move(options)), own_user_(own_user()) {
        const char* configuration = std::getenv("SLURM_CONF");
        if (options_.configuration.empty() && configuration != nullptr)
            options_.configuration = configuration;
    }

    Result<void> open() {
        for (const auto& [name, path] :
             {std::pair("sbatch", &sbatch_), std::pair("squeue", &squeue_),
              std::pair("scancel", &scancel_)}) {
            *path = find_program(options_.directory, name);
            if (path->empty())
                return fail(ErrorCode::kInvalidArgument,
                            "there is no program " + std::string(name) +
                                (options_.directory.empty() ? " in the PATH"
                                                            : " in " + options_.directory));
        }
        sacct_ = find_program(options_.directory, "sacct");  // not at every site
        return {};
    }

    std::string_view name() const override { return "command line"; }

    Result<uint64_t> submit(const Submission& submission) override {
        if (auto ok = check(submission); !ok) return tl::unexpected<Error>(ok.error());
        std::vector<std::string> arguments = submit_arguments(submission);
        if (!submission.user.empty() && submission.user != own_user_) {
            // sbatch --uid alone would leave the job with the group of whoever submits it.
            const auto group = group_of(submission.user);
            if (!group) return tl::unexpected<Error>(group.error());
            arguments.push_back("--uid=" + submission.user);
            arguments.push_back("--gid=" + std::to_string(*group));
        }
        Program program = program_of(std::move(arguments));
        // sbatch hands its own environment on. With a list of names (--export=A,B) Slurm would add
        // what a login shell of the user's sets; a file (--export-file) loses SLURM_JOB_NAME.
        for (const auto& [variable, value] : environment_of(submission))
            program.environment.push_back(variable + "=" + value);
        program.input = submission.script;
        auto end = run_program(program);
        if (!end) return not_started(std::move(end.error()));
        return read_sbatch(*end);
    }

    Result<std::vector<JobInfo>> find(const std::vector<uint64_t>& ids) override {
        return find_in_parts(ids, &CommandLine::query);
    }

    Result<std::vector<JobInfo>> find_past(const std::vector<uint64_t>& ids) override {
        if (sacct_.empty()) return fail(ErrorCode::kUnsupported, "there is no program sacct");
        return find_in_parts(ids, &CommandLine::query_past);
    }

    Result<std::vector<JobInfo>> find_named(const std::string& name) override {
        if (auto ok = check_name(name); !ok) return tl::unexpected<Error>(ok.error());
        auto jobs = query("--name=" + name);
        if (jobs) {
            jobs->erase(std::remove_if(jobs->begin(), jobs->end(),
                                       [&](const JobInfo& job) { return job.name != name; }),
                        jobs->end());
        }
        return jobs;
    }

    Result<void> cancel(uint64_t id, const std::string& name) override {
        std::vector<std::string> arguments = {scancel_};
        if (!name.empty()) {
            if (auto ok = check_name(name); !ok) return ok;
            arguments.push_back("--name=" + name);
        }
        arguments.push_back(std::to_string(id));
        auto end = run_program(program_of(std::move(arguments)));
        if (!end) return not_started(std::move(end.error()));
        return read_scancel(*end);
    }

private:
    Program program_of(std::vector<std::string> arguments) const {
        Program program;
        program.arguments = std::move(arguments);
        if (!options_.configuration.empty())
            program.environment.push_back("SLURM_CONF=" + options_.configuration);
        program.timeout_ms = options_.timeout_ms;
        program.output_bytes = options_.output_bytes;
        return program;
    }

    static tl::unexpected<Error> not_started(Error error) {
        if (error.code != ErrorCode::kTooLarge) error.code = ErrorCode::kUnavailable;
        return tl::unexpected<Error>(std::move(error));
    }

    std::vector<std::string> submit_arguments(const Submission& submission) const {
        std::vector<std::string> arguments = {
            sbatch_,        "--parsable",   "--no-requeue",
            "--export=ALL", "--ignore-pbs", "--propagate=NONE",  // of this process's own limits
        };
        add_text(arguments, "--job-name=", submission.name);
        add_text(arguments, "--comment=", submission.comment);
        add_text(arguments, "--partition=", submission.partition);
        add_text(arguments, "--account=", submission.account);
        add_text(arguments, "--qos=", submission.qos);
        add_text(arguments, "--constraint=", submission.constraint);
        add_text(arguments, "--reservation=", submission.reservation);
        add_number(arguments, "--nodes=", submission.nodes);
        add_number(arguments, "--ntasks=", submission.tasks);
        add_number(arguments, "--ntasks-per-node=", submission.tasks_per_node);
        add_number(arguments, "--cpus-per-task=", submission.cpus_per_task);
        if (submission.memory_mib != 0)
            arguments.push_back("--mem=" + std::to_string(submission.memory_mib) + "M");
        add_text(arguments, "--gpus-per-node=", submission.gpus_per_node);
        add_number(arguments, "--time=", submission.minutes);
        add_text(arguments, "--array=", submission.array);
        add_text(arguments, "--dependency=", submission.dependency);
        add_text(arguments, "--signal=", submission.signal);
        add_text(arguments, "--chdir=", submission.directory);
        add_text(arguments, "--output=", submission.output);
        add_text(arguments, "--error=", submission.error);
        return arguments;
    }

    /// "--jobs=1,2,3" at a time.
    Result<std::vector<JobInfo>> find_in_parts(
        const std::vector<uint64_t>& ids,
        Result<std::vector<JobInfo>> (CommandLine::*ask)(std::string which) const) const {
        std::vector<JobInfo> jobs;
        for (size_t begin = 0; begin < ids.size(); begin += options_.ids_per_query) {
            const size_t end = std::min(ids.size(), begin + options_.ids_per_query);
            std::string list = "--jobs=";
            for (size_t i = begin; i < end; ++i) list += std::to_string(ids[i]) + ",";
            list.pop_back();
            auto some = (this->*ask)(std::move(list));
            if (!some) return some;
            std::move(some->begin(), some->end(), std::back_inserter(jobs));
        }
        return jobs;
    }

    /// Without steps; with every job that has had such a number, whosever.
    Result<std::vector<JobInfo>> query_past(std::string which) const {
        const std::string separator = make_separator();
        Program program = program_of({sacct_, "--noheader", "--allocations", "--duplicates",
                                      "--allusers", "--parsable", "--delimiter=" + separator,
                                      std::move(which), "--format=" + sacct_format()});
        program.environment.push_back("SLURM_TIME_FORMAT=%s");
        program.timeout_ms = options_.past_timeout_ms;
        auto end = run_program(program);
        if (!end) return not_started(std::move(end.error()));
        return read_sacct(*end, separator);
    }

    /// `which`: --jobs or --name. squeue's --json would leave both aside, in 22.05.
    Result<std::vector<JobInfo>> query(std::string which) const {
        const std::string separator = make_separator();
        Program program = program_of({squeue_, "--noheader", "--all", "--states=all",
                                      std::move(which), "--Format=" + squeue_format(separator)});
        program.environment.push_back("SLURM_TIME_FORMAT=%s");
        program.environment.push_back("SLURM_BITSTR_LEN=0");  // indices of an array, however many
        auto end = run_program(program);
        if (!end) return not_started(std::move(end.error()));
        return read_squeue(*end, separator);
    }

    CommandLineOptions options_;
    const std::string own_user_;
    std::string sbatch_, squeue_, scancel_, sacct_;
};

}  // namespace

Result<std::unique_ptr<Scheduler>> make_command_line(CommandLineOptions options) {
    if (options.ids_per_query == 0) options.ids_per_query = 1;
    auto scheduler = std::make_unique<CommandLine>(std::move(options));
    if (auto ok = scheduler->open(); !ok) return tl::unexpected<Error>(ok.error());
    return Result<std::unique_ptr<Scheduler>>(std::move(scheduler));
}

}  // namespace tandem::slurm
