#include "exec/pool/spawn.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace tandem::pool {
namespace {

/// Everything the child needs, laid out before vfork: the child may not allocate.
struct ChildPlan {
    std::vector<char*> argv, envp;
    const char* directory;
    int null_fd, output_fd;
    std::vector<int> pass;  // at numbers above all targets, so that dup2 cannot overwrite a source
    bool change_user;
    uint32_t uid;
    rlimit open_files, processes;
    bool limit_processes;
    pid_t parent;
    volatile int failed = 0;  // errno of the child's failure; written in the shared address space
};

std::vector<char*> pointers(const std::vector<std::string>& strings) {
    std::vector<char*> out;
    for (const std::string& s : strings) out.push_back(const_cast<char*>(s.c_str()));
    out.push_back(nullptr);
    return out;
}

/// Runs in the child, on the parent's memory. glibc's setuid family would signal all the parent's
/// threads, hence the raw calls.
[[noreturn]] void run_child(ChildPlan* plan) {
    const auto check = [plan](long result) {
        if (result >= 0) return;
        plan->failed = errno;
        _exit(127);
    };
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    for (const int signal : {SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGCHLD}) ::signal(signal, SIG_DFL);
    check(::setsid());
    check(::dup2(plan->null_fd, 0));
    check(::dup2(plan->output_fd, 1));
    check(::dup2(plan->output_fd, 2));
    int next = kFirstPassedFd;
    for (const int fd : plan->pass) check(::dup2(fd, next++));
    check(::syscall(SYS_close_range, unsigned(next), ~0u, 0u));
    check(::setrlimit(RLIMIT_NOFILE, &plan->open_files));
    const rlimit no_core{0, 0};
    check(::setrlimit(RLIMIT_CORE, &no_core));
    if (plan->limit_processes) check(::setrlimit(RLIMIT_NPROC, &plan->processes));
    check(::chdir(plan->directory));
    if (plan->change_user) {
        check(::syscall(SYS_setgroups, 0, nullptr));
        check(::syscall(SYS_setresgid, plan->uid, plan->uid, plan->uid));
        check(::syscall(SYS_setresuid, plan->uid, plan->uid, plan->uid));
        check(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    }
    // After the change of user, which would clear it.
    check(::prctl(PR_SET_PDEATHSIG, SIGKILL));
    if (::getppid() != plan->parent) _exit(127);
    ::umask(022);
    ::execve(plan->argv[0], plan->argv.data(), plan->envp.data());
    check(-1);
    _exit(127);
}

/// Duplicates of `fds` at numbers above every target.
Result<std::vector<Fd>> lift(const std::vector<int>& fds) {
    std::vector<Fd> lifted;
    const int floor = kFirstPassedFd + int(fds.size());
    for (const int fd : fds) {
        lifted.emplace_back(::fcntl(fd, F_DUPFD_CLOEXEC, floor));
        if (!lifted.back())
            return fail(ErrorCode::kIo,
                        std::string("cannot duplicate a descriptor: ") + std::strerror(errno));
    }
    return lifted;
}

}  // namespace

Fd::~Fd() {
    if (fd_ >= 0) ::close(fd_);
}

Result<Spawned> spawn(const SpawnRequest& request) {
    std::vector<int> sources = request.pass;
    sources.push_back(request.output_fd);
    const Fd null_file(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    sources.push_back(null_file.get());
    const Result<std::vector<Fd>> lifted = lift(sources);
    if (!lifted) return tl::unexpected(lifted.error());

    ChildPlan plan;
    plan.argv = pointers(request.arguments);
    plan.envp = pointers(request.environment);
    plan.directory = request.directory.c_str();
    for (size_t i = 0; i < request.pass.size(); i++) plan.pass.push_back((*lifted)[i].get());
    plan.output_fd = (*lifted)[request.pass.size()].get();
    plan.null_fd = (*lifted)[request.pass.size() + 1].get();
    plan.change_user = request.uid.has_value();
    plan.uid = request.uid.value_or(0);
    plan.open_files = {request.open_files, request.open_files};
    plan.processes = {request.processes, request.processes};
    plan.limit_processes = request.processes != 0;
    plan.parent = ::getpid();

    // No signal handler of ours may run in the child while it shares our memory.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const pid_t pid = ::vfork();
    if (pid == 0) run_child(&plan);
    const int vfork_error = errno;
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (pid < 0)
        return fail(ErrorCode::kIo,
                    std::string("cannot start a process: ") + std::strerror(vfork_error));
    if (plan.failed != 0) {
        ::waitpid(pid, nullptr, 0);
        return fail(ErrorCode::kIo,
                    "cannot start " + request.arguments[0] + ": " + std::strerror(plan.failed));
    }
    Spawned spawned{pid, Fd(int(::syscall(SYS_pidfd_open, pid, 0)))};
    if (!spawned.pidfd) {
        const int error = errno;
        ::kill(pid, SIGKILL);
        ::waitpid(pid, nullptr, 0);
        return fail(ErrorCode::kIo, std::string("cannot watch a process: ") + std::strerror(error));
    }
    return spawned;
}

std::string ExitStatus::describe() const {
    if (!signalled) return "exit status " + std::to_string(code);
    switch (code) {
        case SIGKILL: return "signal: killed";
        case SIGSEGV: return "signal: segmentation fault";
        case SIGABRT: return "signal: aborted";
        case SIGTERM: return "signal: terminated";
        case SIGBUS: return "signal: bus error";
        case SIGFPE: return "signal: floating point exception";
        case SIGILL: return "signal: illegal instruction";
        case SIGTRAP: return "signal: trace/breakpoint trap";
        case SIGINT: return "signal: interrupt";
        case SIGHUP: return "signal: hangup";
        case SIGPIPE: return "signal: broken pipe";
        default: return "signal: signal " + std::to_string(code);
    }
}

std::optional<ExitStatus> reap(int pidfd) {
    siginfo_t info{};
    if (::waitid(idtype_t(P_PIDFD), id_t(pidfd), &info, WEXITED | WNOHANG) != 0) {
        // Reaped by someone else: the process is gone, how is unknown.
        if (errno == ECHILD) return ExitStatus{};
        return std::nullopt;
    }
    if (info.si_pid == 0) return std::nullopt;
    return ExitStatus{info.si_code != CLD_EXITED, info.si_status};
}

}  // namespace tandem::pool
