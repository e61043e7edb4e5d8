#include "exec/slurm/scheduler.h"

#include <algorithm>
#include <iterator>

#include "base/encoding.h"

namespace tandem::slurm {

namespace {

constexpr size_t kNameBytes = 256;
constexpr size_t kTextBytes = 64 * 1024;  // of one option: an argument of a program may have twice
constexpr size_t kScriptBytes = 4 * 1024 * 1024;  // Slurm's max_script_size, as it comes

struct NamedState {
    std::string_view name;
    JobState state;
};

constexpr NamedState kStates[] = {
    {"PENDING", JobState::kPending},
    {"RUNNING", JobState::kRunning},
    {"SUSPENDED", JobState::kSuspended},
    {"COMPLETING", JobState::kCompleting},
    {"COMPLETED", JobState::kCompleted},
    {"FAILED", JobState::kFailed},
    {"CANCELLED", JobState::kCancelled},
    {"TIMEOUT", JobState::kTimeout},
    {"NODE_FAIL", JobState::kNodeFail},
    {"PREEMPTED", JobState::kPreempted},
    {"BOOT_FAIL", JobState::kBootFail},
    {"DEADLINE", JobState::kDeadline},
    {"OUT_OF_MEMORY", JobState::kOutOfMemory},
    // Only read: the states above with a flag of Slurm's on them.
    {"CONFIGURING", JobState::kRunning},
    {"RESIZING", JobState::kRunning},
    {"SIGNALING", JobState::kRunning},
    {"STOPPED", JobState::kSuspended},
    {"STAGE_OUT", JobState::kCompleting},
    {"REQUEUED", JobState::kPending},
    {"REQUEUE_HOLD", JobState::kPending},
    {"REQUEUE_FED", JobState::kPending},
    {"RESV_DEL_HOLD", JobState::kPending},
    {"SPECIAL_EXIT", JobState::kPending},
};

bool is_alphanumeric(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/// squeue takes a name with a comma for several; JSON escapes quotes and slashes.
bool is_name_character(char c) {
    return c > ' ' && c < 0x7f && std::string_view(",\"\\/").find(c) == std::string_view::npos;
}

bool is_user_character(char c) {
    return is_alphanumeric(c) || std::string_view("._-+@$").find(c) != std::string_view::npos;
}

bool is_variable_name(std::string_view name) {
    return !name.empty() && !(name[0] >= '0' && name[0] <= '9') &&
           std::all_of(name.begin(), name.end(),
                       [](char c) { return is_alphanumeric(c) || c == '_'; });
}

/// Variables that the C library, the loader, OpenSSL or Slurm's programs obey.
bool acts_on_programs(std::string_view name) {
    constexpr std::string_view prefixes[] = {
        "LD_",  "SLURM",   "SBATCH_", "SQUEUE_", "SCANCEL_", "SPANK_",
        "LUA_", "MALLOC_", "GLIBC_",  "MUNGE",   "OPENSSL_", "SSL_",
    };
    constexpr std::string_view names[] = {
        "GCONV_PATH",  "GETCONF_DIR", "HOME",     "HOSTALIASES", "IFS",
        "LOCALDOMAIN", "LOCPATH",     "NIS_PATH", "NLSPATH",     "RESOLV_HOST_CONF",
        "RES_OPTIONS", "TMPDIR",      "TZDIR",
    };
    for (const std::string_view prefix : prefixes) {
        if (name.substr(0, prefix.size()) == prefix) return true;
    }
    return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

bool is_text(std::string_view text) {
    return text.find('\0') == std::string_view::npos && is_valid_utf8(text);
}

/// sbatch reads options from the comments before the first command.
bool has_directive(std::string_view script) {
    while (!script.empty()) {
        const size_t end = script.find('\n');
        const std::string_view line = script.substr(0, end);
        script.remove_prefix(end == std::string_view::npos ? script.size() : end + 1);
        if (line.substr(0, 7) == "#SBATCH") return true;
        const size_t first = line.find_first_not_of(" \t\r");
        if (first != std::string_view::npos && line[first] != '#') return false;
    }
    return false;
}

Result<void> check_script(std::string_view script) {
    const auto refuse = [](ErrorCode code, const char* why) {
        return fail(code, std::string("a job's script ") + why);
    };
    if (script.size() > kScriptBytes) return refuse(ErrorCode::kTooLarge, "may have 4 MiB at most");
    if (!is_text(script)) return refuse(ErrorCode::kInvalidArgument, "must be text in UTF-8");
    if (script.substr(0, 2) != "#!")
        return refuse(ErrorCode::kInvalidArgument, "must begin with #! and an interpreter's path");
    if (script.find("\r\n") != std::string_view::npos)
        return refuse(ErrorCode::kInvalidArgument, "must have Unix line ends");
    if (has_directive(script))
        return refuse(ErrorCode::kInvalidArgument,
                      "must not have #SBATCH lines: what they ask for is given as parameters");
    return {};
}

Result<void> check_environment(const std::map<std::string, std::string>& environment) {
    for (const auto& [name, value] : environment) {
        if (!is_variable_name(name))
            return fail(ErrorCode::kInvalidArgument,
                        "no name of an environment variable: " + to_valid_utf8(name));
        if (acts_on_programs(name))
            return fail(ErrorCode::kInvalidArgument,
                        name + " would act on Slurm's own programs: set it in the job's script");
        if (value.size() > kTextBytes)
            return fail(ErrorCode::kTooLarge, "environment variable " + name + " is too long");
        if (!is_text(value))
            return fail(ErrorCode::kInvalidArgument,
                        "environment variable " + name + " must be text in UTF-8");
    }
    return {};
}

}  // namespace

std::string_view to_string(JobState state) {
    for (const NamedState& named : kStates) {
        if (named.state == state) return named.name;
    }
    return "OTHER";
}

JobState parse_job_state(std::string_view text) {
    text = text.substr(0, text.find(' '));
    for (const NamedState& named : kStates) {
        if (named.name == text) return named.state;
    }
    return JobState::kOther;
}

bool is_over(JobState state) {
    switch (state) {
        case JobState::kPending:
        case JobState::kRunning:
        case JobState::kSuspended:
        case JobState::kCompleting:
        case JobState::kOther: return false;
        case JobState::kCompleted:
        case JobState::kFailed:
        case JobState::kCancelled:
        case JobState::kTimeout:
        case JobState::kNodeFail:
        case JobState::kPreempted:
        case JobState::kBootFail:
        case JobState::kDeadline:
        case JobState::kOutOfMemory: return true;
    }
    return false;
}

Result<void> check_name(std::string_view name) {
    if (name.empty() || name.size() > kNameBytes ||
        !std::all_of(name.begin(), name.end(), is_name_character))
        return fail(ErrorCode::kInvalidArgument,
                    "a job's name has 1 to 256 visible ASCII characters, none of , \" \\ /");
    return {};
}

Result<void> check(const Submission& submission) {
    if (auto ok = check_name(submission.name); !ok) return ok;
    const std::string& user = submission.user;
    if (user.size() > kNameBytes || (!user.empty() && user[0] == '-') ||
        !std::all_of(user.begin(), user.end(), is_user_character))
        return fail(ErrorCode::kInvalidArgument, "no name of a user: " + to_valid_utf8(user));
    using Text = std::pair<const char*, const std::string*>;
    for (const Text& text :
         {Text{"comment", &submission.comment}, Text{"partition", &submission.partition},
          Text{"account", &submission.account}, Text{"qos", &submission.qos},
          Text{"constraint", &submission.constraint}, Text{"reservation", &submission.reservation},
          Text{"GPUs", &submission.gpus_per_node}, Text{"array", &submission.array},
          Text{"dependency", &submission.dependency}, Text{"signal", &submission.signal},
          Text{"directory", &submission.directory}, Text{"output file", &submission.output},
          Text{"error file", &submission.error}}) {
        if (text.second->size() > kTextBytes)
            return fail(ErrorCode::kTooLarge, std::string(text.first) + " of a job is too long");
        if (!is_text(*text.second))
            return fail(ErrorCode::kInvalidArgument,
                        std::string(text.first) + " of a job must be text in UTF-8");
    }
    for (const int64_t number :
         {submission.nodes, submission.tasks, submission.tasks_per_node, submission.cpus_per_task,
          submission.memory_mib, submission.minutes}) {
        if (number < 0) return fail(ErrorCode::kInvalidArgument, "a job's numbers are positive");
    }
    if (auto ok = check_environment(submission.environment); !ok) return ok;
    return check_script(submission.script);
}

Result<std::vector<JobInfo>> Scheduler::find_past(const std::vector<uint64_t>&) {
    return fail(ErrorCode::kUnsupported, "there is no way to ask for Slurm's accounting");
}

std::map<std::string, std::string> environment_of(const Submission& submission) {
    std::map<std::string, std::string> environment = submission.environment;
    environment.emplace("PATH", "/usr/local/bin:/usr/bin:/bin");
    return environment;
}

}  // namespace tandem::slurm
