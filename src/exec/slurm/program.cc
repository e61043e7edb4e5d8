#include "exec/slurm/program.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>

#include "base/descriptor.h"

namespace tandem::slurm {

namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr size_t kErrorBytes = 16 * 1024;  // kept of what a program says on standard error
constexpr int kReapMs = 2'000;             // a killed process is waited for

tl::unexpected<Error> io_error(const char* doing, int error) {
    return fail(ErrorCode::kIo, std::string(doing) + ": " + std::strerror(error));
}

std::vector<char*> pointers(const std::vector<std::string>& strings) {
    std::vector<char*> out;
    out.reserve(strings.size() + 1);
    for (const std::string& s : strings) out.push_back(const_cast<char*>(s.c_str()));
    out.push_back(nullptr);
    return out;
}

bool write_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(fd, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        bytes.remove_prefix(size_t(written));
    }
    return ::lseek(fd, 0, SEEK_SET) == 0;
}

/// Spawn attributes and file actions, freed together.
struct SpawnPlan {
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t actions;
    SpawnPlan() {
        posix_spawnattr_init(&attributes);
        posix_spawn_file_actions_init(&actions);
    }
    SpawnPlan(const SpawnPlan&) = delete;
    SpawnPlan& operator=(const SpawnPlan&) = delete;
    ~SpawnPlan() {
        posix_spawn_file_actions_destroy(&actions);
        posix_spawnattr_destroy(&attributes);
    }
};

int spawn(const Program& program, int input, int output, int errors, pid_t& pid) {
    SpawnPlan plan;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    sigdelset(&all, SIGKILL);
    sigdelset(&all, SIGSTOP);
    posix_spawnattr_setsigmask(&plan.attributes, &none);
    posix_spawnattr_setsigdefault(&plan.attributes, &all);
    posix_spawnattr_setflags(&plan.attributes,
                             POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawn_file_actions_adddup2(&plan.actions, input, 0);
    posix_spawn_file_actions_adddup2(&plan.actions, output, 1);
    posix_spawn_file_actions_adddup2(&plan.actions, errors, 2);
    posix_spawn_file_actions_addclosefrom_np(&plan.actions, 3);
    posix_spawn_file_actions_addchdir_np(&plan.actions, "/");
    return ::posix_spawn(&pid, program.arguments[0].c_str(), &plan.actions, &plan.attributes,
                         pointers(program.arguments).data(), pointers(program.environment).data());
}

enum class Read { kMore, kNothing, kEnd };

/// Reads once from a descriptor that does not block.
Read read_some(int fd, std::string& into) {
    char bytes[16 * 1024];
    const ssize_t got = ::read(fd, bytes, sizeof bytes);
    if (got > 0) {
        into.append(bytes, size_t(got));
        return Read::kMore;
    }
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return Read::kNothing;
    return Read::kEnd;
}

/// What a running program writes, until it is gone or has to go.
class Listener {
public:
    Listener(const Program& program, int output, int errors, int pidfd)
        : limit_(program.output_bytes),
          deadline_(SteadyClock::now() + std::chrono::milliseconds(program.timeout_ms)),
          fds_{{output, POLLIN, 0}, {errors, POLLIN, 0}, {pidfd, POLLIN, 0}} {}

    ProgramEnd::How listen(ProgramEnd& end) {
        while (true) {
            const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
                deadline_ - SteadyClock::now());
            if (left.count() <= 0) return ProgramEnd::How::kTimedOut;
            // Whether it is gone is asked before its last words are read.
            const int ready = ::poll(fds_, 3, int(std::min<int64_t>(left.count(), 60'000)));
            if (ready < 0 && errno != EINTR) return ProgramEnd::How::kTimedOut;
            if (ready <= 0) continue;
            const bool is_gone = fds_[2].revents != 0;
            if (!take(0, end.output, is_gone)) return ProgramEnd::How::kFlooded;
            (void)take(1, end.errors, is_gone);
            if (end.errors.size() > kErrorBytes)
                end.errors.erase(0, end.errors.size() - kErrorBytes);
            if (is_gone) return ProgramEnd::How::kExited;
        }
    }

private:
    /// All that can be had at once if `is_last`. False: more than may come.
    bool take(int index, std::string& into, bool is_last) {
        const size_t limit = index == 0 ? limit_ : into.size() + 1024 * 1024;
        pollfd& fd = fds_[index];
        if (fd.fd < 0 || (fd.revents == 0 && !is_last)) return true;
        Read read = Read::kMore;
        while (read == Read::kMore && into.size() <= limit) {
            read = read_some(fd.fd, into);
            if (!is_last) break;
        }
        if (read == Read::kEnd) fd.fd = -1;  // poll passes over it
        return into.size() <= limit;
    }

    const size_t limit_;
    const SteadyClock::time_point deadline_;
    pollfd fds_[3];
};

}  // namespace

Result<ProgramEnd> run_program(const Program& program) {
    const Descriptor input(::memfd_create("input", MFD_CLOEXEC));
    if (input.fd < 0 || !write_all(input.fd, program.input))
        return io_error("cannot keep a program's input", errno);
    int output_pipe[2], error_pipe[2];
    if (::pipe2(output_pipe, O_CLOEXEC) != 0) return io_error("cannot make a pipe", errno);
    const Descriptor output(output_pipe[0]);
    Result<ProgramEnd> result = ProgramEnd{};
    pid_t pid = -1;
    int error = 0;
    {
        const Descriptor output_end(output_pipe[1]);
        if (::pipe2(error_pipe, O_CLOEXEC) != 0) return io_error("cannot make a pipe", errno);
        const Descriptor error_end(error_pipe[1]);
        error = spawn(program, input.fd, output_end.fd, error_end.fd, pid);
    }
    const Descriptor errors(error_pipe[0]);
    if (error != 0) {
        const ErrorCode code = error == E2BIG ? ErrorCode::kTooLarge : ErrorCode::kIo;
        return fail(code, "cannot start " + program.arguments[0] + ": " + std::strerror(error));
    }
    ::fcntl(output.fd, F_SETFL, O_NONBLOCK);
    ::fcntl(errors.fd, F_SETFL, O_NONBLOCK);
    const Descriptor pidfd(int(::syscall(SYS_pidfd_open, pid, 0)));
    if (pidfd.fd < 0) {
        const int pidfd_error = errno;
        ::kill(-pid, SIGKILL);
        ::waitpid(pid, nullptr, 0);
        return io_error("cannot watch a program", pidfd_error);
    }
    ProgramEnd& end = *result;
    end.how = Listener(program, output.fd, errors.fd, pidfd.fd).listen(end);
    // Before it is reaped: until then its process group's number is nobody else's.
    ::kill(-pid, SIGKILL);
    pollfd gone{pidfd.fd, POLLIN, 0};
    while (::poll(&gone, 1, kReapMs) < 0 && errno == EINTR) {
    }
    siginfo_t info{};
    // One that even SIGKILL does not end (it hangs in the kernel) is left behind.
    const bool is_reaped =
        ::waitid(idtype_t(P_PIDFD), id_t(pidfd.fd), &info, WEXITED | WNOHANG) == 0 &&
        info.si_pid != 0;
    if (end.how == ProgramEnd::How::kExited) {
        end.code = is_reaped ? info.si_status : -1;
        if (!is_reaped || info.si_code != CLD_EXITED) end.how = ProgramEnd::How::kSignalled;
    }
    return result;
}

}  // namespace tandem::slurm
