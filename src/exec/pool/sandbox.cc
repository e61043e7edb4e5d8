#include "exec/pool/sandbox.h"

#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "base/check.h"
#include "base/encoding.h"
#include "base/log.h"
#include "exec/pool/bubblewrap.h"
#include "exec/pool/runtime.h"

namespace tandem::pool {
namespace {

namespace fs = std::filesystem;

// A range that Debian and systemd leave to the administrator's host, below 65536 so that it exists
// in containers with mapped ids.
constexpr uint32_t kFirstUid = 60'600, kUidCount = 500;
constexpr uint32_t kNobody = 65'534;
// A stop for fork bombs; far above what an honest function needs in all its processes.
constexpr uint64_t kTasksPerUser = 32'768;
constexpr size_t kBubblewrapFiles = 3;  // options, script, passwd
constexpr int kProbeTimeoutMs = 10'000;
const std::vector<std::string> kCleanEnvironment = {"PATH=/usr/bin:/bin", "LANG=C.UTF-8"};

Result<Fd> memory_file(std::string_view content) {
    Fd fd(::memfd_create("tandem", MFD_CLOEXEC));
    if (!fd || ::write(fd.get(), content.data(), content.size()) != ssize_t(content.size()) ||
        ::lseek(fd.get(), 0, SEEK_SET) != 0) {
        return fail(ErrorCode::kIo,
                    std::string("cannot make a memory file: ") + std::strerror(errno));
    }
    return fd;
}

/// Tells the function the numbers of the descriptors handed on, which come after `others`.
void add_descriptors(const WorkerProcess& process, size_t others,
                     std::map<std::string, std::string>& environment) {
    std::string numbers;
    for (size_t i = 0; i < process.descriptors.size(); ++i)
        numbers += (i == 0 ? "" : ",") + std::to_string(kFirstPassedFd + int(others + i));
    if (!numbers.empty()) environment[std::string(process.descriptors_variable)] = numbers;
}

/// May a user who is neither owner nor in the group get to files in `directory`?
bool is_reachable(const fs::path& directory) {
    std::error_code error;
    for (fs::path at = fs::absolute(directory, error);; at = at.parent_path()) {
        if ((fs::status(at, error).permissions() & fs::perms::others_exec) == fs::perms::none)
            return false;
        if (at == at.root_path()) return true;
    }
}

/// Creates `directory` as ours alone to write; in a shared place someone else may have made it
/// first.
Result<void> make_private(const fs::path& directory, mode_t mode) {
    struct stat found {};
    if (::mkdir(directory.c_str(), mode) != 0 && errno != EEXIST) {
        return fail(ErrorCode::kIo,
                    "cannot create " + directory.string() + ": " + std::strerror(errno));
    }
    if (::lstat(directory.c_str(), &found) != 0 || !S_ISDIR(found.st_mode) ||
        found.st_uid != ::geteuid()) {
        return fail(ErrorCode::kIo, directory.string() + " is not a directory of this user");
    }
    if (::chmod(directory.c_str(), mode) != 0)
        return fail(ErrorCode::kIo, "cannot set the mode of " + directory.string());
    return {};
}

/// Runs to the end; true if it succeeded.
bool succeeds(const SpawnRequest& request) {
    const Result<Spawned> child = spawn(request);
    if (!child) return false;
    pollfd poll_entry{child->pidfd.get(), POLLIN, 0};
    if (::poll(&poll_entry, 1, kProbeTimeoutMs) <= 0) ::kill(child->pid, SIGKILL);
    ::poll(&poll_entry, 1, -1);
    const std::optional<ExitStatus> status = reap(child->pidfd.get());
    return status && !status->signalled && status->code == 0;
}

}  // namespace

std::string_view to_string(Isolation isolation) {
    switch (isolation) {
        case Isolation::kRootNamespaces: return "namespaces and a user for each function";
        case Isolation::kUserNamespace: return "namespaces";
        case Isolation::kUserOnly: return "a user for each function";
        case Isolation::kNone: return "none";
    }
    return "";
}

Result<Sandbox> Sandbox::open(SandboxOptions options) {
    Sandbox sandbox(std::move(options));
    std::error_code error;
    fs::create_directories(sandbox.options_.work_directory, error);
    if (error)
        return fail(ErrorCode::kIo, "cannot create " + sandbox.options_.work_directory.string() +
                                        ": " + error.message());
    sandbox.options_.work_directory = fs::canonical(sandbox.options_.work_directory, error);
    sandbox.options_.workers_directory = fs::absolute(sandbox.options_.workers_directory, error);
    Result<void> chosen = sandbox.choose();
    if (chosen) chosen = sandbox.prepare_area();
    if (!chosen) return tl::unexpected(chosen.error());
    log_info("function isolation",
             {{"mode", to_string(sandbox.isolation_)}, {"proc", sandbox.with_proc_}});
    return sandbox;
}

Result<void> Sandbox::choose() {
    const bool is_root = ::geteuid() == 0;
    area_ = options_.work_directory;
    runtime_ = options_.workers_directory;
    if (is_root && !options_.user.empty()) {
        const passwd* found = ::getpwnam(options_.user.c_str());
        if (found == nullptr || found->pw_uid == 0) {
            return fail(ErrorCode::kInvalidArgument,
                        "functions cannot run as user '" + options_.user + "'");
        }
        first_uid_ = found->pw_uid, uid_count_ = 1;
    } else if (is_root) {
        SpawnRequest probe{.arguments = {"/bin/true"},
                           .environment = {},
                           .output_fd = STDERR_FILENO,
                           .pass = {},
                           .uid = kFirstUid + kUidCount};
        const bool has_range = succeeds(probe);
        first_uid_ = has_range ? kFirstUid : kNobody;
        uid_count_ = has_range ? kUidCount : 1;
    }
    if (options_.isolate) {
        const Isolation wanted = is_root ? Isolation::kRootNamespaces : Isolation::kUserNamespace;
        for (const bool with_proc : {true, false}) {
            if (!works(wanted, with_proc)) continue;
            isolation_ = wanted;
            with_proc_ = with_proc;
            return {};
        }
        log_warning(
            "this machine refuses namespaces (bubblewrap): functions are not isolated from each "
            "other's processes "
            "and from readable files; see docs/isolation.md");
    }
    isolation_ = is_root ? Isolation::kUserOnly : Isolation::kNone;
    return {};
}

bool Sandbox::works(Isolation isolation, bool with_proc) {
    isolation_ = isolation;
    with_proc_ = with_proc;
    const Result<PreparedProcess> probe = wrapped({.package = "/usr/bin",
                                                   .command = {"/bin/true"},
                                                   .interpreter = {},
                                                   .environment = {},
                                                   .id = "probe"});
    if (!probe) return false;
    SpawnRequest request = probe->request;
    const Fd silent(::memfd_create("probe", MFD_CLOEXEC));
    request.output_fd = silent.get();
    return succeeds(request);
}

Result<void> Sandbox::prepare_area() {
    std::error_code error;
    if (isolation_ == Isolation::kUserOnly) {
        // Functions run as someone who may not be allowed into the server's directories.
        if (!is_reachable(options_.work_directory)) {
            area_ = fs::path("/var/tmp") /
                    ("tandem-" + hex(sha256(options_.work_directory.string())).substr(0, 16));
            Result<void> made = make_private(area_, 0711);
            if (!made) return made;
        }
        if (!is_reachable(options_.workers_directory)) {
            runtime_ = area_ / "runtime";
            fs::remove_all(runtime_, error);
            fs::copy(options_.workers_directory, runtime_, fs::copy_options::recursive, error);
            if (error) return fail(ErrorCode::kIo, "cannot copy the runtimes: " + error.message());
        }
    }
    // What other processes of an earlier server left behind.
    fs::remove_all(area_ / "private", error);
    for (const char* name : {"packages", "private"}) {
        // Names inside are unguessable (digests, random): searchable, but not to be listed.
        Result<void> made = make_private(area_ / name, 0711);
        if (!made) return made;
    }
    return {};
}

std::optional<uint32_t> Sandbox::uid(size_t function_index) const {
    if (uid_count_ == 0) return std::nullopt;
    return first_uid_ + uint32_t(function_index % uid_count_);
}

Result<PreparedProcess> Sandbox::prepare(const WorkerProcess& process) const {
    switch (isolation_) {
        case Isolation::kRootNamespaces:
        case Isolation::kUserNamespace: return wrapped(process);
        case Isolation::kUserOnly:
        case Isolation::kNone: break;
    }
    return plain(process);
}

Result<PreparedProcess> Sandbox::wrapped(const WorkerProcess& process) const {
    BubblewrapPlan plan;
    plan.package = process.package.string();
    plan.runtime = runtime_.string();
    plan.interpreter = process.interpreter;
    plan.command = process.command;
    plan.environment = process.environment;
    plan.ephemeral_storage_mb = process.ephemeral_storage_mb;
    if (isolation_ == Isolation::kRootNamespaces) plan.root_becomes = uid(process.function_index);
    plan.with_proc = with_proc_;
    plan.devices = process.devices;
    add_descriptors(process, kBubblewrapFiles, plan.environment);
    const BubblewrapCommand command = bubblewrap_command(plan);

    PreparedProcess prepared;
    for (const std::string* content : {&command.options, &command.script, &command.passwd}) {
        Result<Fd> file = memory_file(*content);
        if (!file) return tl::unexpected(file.error());
        prepared.request.pass.push_back(file->get());
        prepared.descriptors.push_back(std::move(*file));
    }
    CHECK(prepared.request.pass.size() == kBubblewrapFiles);
    prepared.request.pass.insert(prepared.request.pass.end(), process.descriptors.begin(),
                                 process.descriptors.end());
    prepared.request.arguments = command.arguments;
    prepared.request.environment = kCleanEnvironment;
    if (isolation_ == Isolation::kRootNamespaces) prepared.request.processes = kTasksPerUser;
    return prepared;
}

Result<PreparedProcess> Sandbox::plain(const WorkerProcess& process) const {
    PreparedProcess prepared;
    prepared.private_directory = area_ / "private" / process.id;
    Result<void> made = make_private(prepared.private_directory, 0700);
    if (!made) return tl::unexpected(made.error());
    const std::optional<uint32_t> user = uid(process.function_index);
    if (user && ::chown(prepared.private_directory.c_str(), *user, *user) != 0) {
        return fail(ErrorCode::kIo,
                    std::string("cannot give away a directory: ") + std::strerror(errno));
    }
    // Without a mount namespace the package is where it is.
    const auto outside = [&](std::string text) {
        for (const auto& [inside, real] : {std::pair(kTaskRoot, process.package.string()),
                                           std::pair(kRuntimeRoot, runtime_.string())}) {
            for (size_t at = text.find(inside); at != std::string::npos;
                 at = text.find(inside, at + real.size())) {
                text.replace(at, inside.size(), real);
            }
        }
        return text;
    };
    for (const std::string& word : process.command)
        prepared.request.arguments.push_back(outside(word));
    std::map<std::string, std::string> environment = process.environment;
    add_descriptors(process, 0, environment);
    prepared.request.pass = process.descriptors;
    for (const auto& [name, value] : environment) {
        const bool is_ours = name == "LAMBDA_TASK_ROOT" || name == "LAMBDA_RUNTIME_DIR" ||
                             name == "LD_LIBRARY_PATH" || name == "NODE_PATH";
        const std::string text =
            name == "HOME" && value == "/tmp" ? prepared.private_directory.string() : value;
        prepared.request.environment.push_back(name + "=" + (is_ours ? outside(text) : text));
    }
    prepared.request.environment.push_back("TMPDIR=" + prepared.private_directory.string());
    prepared.request.directory = process.package.string();
    prepared.request.uid = user;
    if (user) prepared.request.processes = kTasksPerUser;
    return prepared;
}

}  // namespace tandem::pool
