// Starts a process from a program with many threads: between vfork and exec only raw system calls
// on memory prepared before. The child gets its own session, /dev/null as input, `output_fd` as
// output and error, the descriptors of `pass`, and no other. It dies with the thread that called
// spawn(), so that thread must live as long as the children may.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace tandem::pool {

/// A descriptor that closes itself. -1 is none.
class Fd {
public:
    Fd() = default;
    explicit Fd(int fd) : fd_(fd) {}
    Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Fd& operator=(Fd&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~Fd();
    int get() const { return fd_; }
    explicit operator bool() const { return fd_ >= 0; }

private:
    int fd_ = -1;
};

inline constexpr int kFirstPassedFd = 3;

struct SpawnRequest {
    std::vector<std::string> arguments;    // [0] is the path of the program
    std::vector<std::string> environment;  // "NAME=value", all of it
    std::string directory = "/";
    int output_fd = -1;
    std::vector<int> pass;        // appear in the child as 3, 4, ...
    std::optional<uint32_t> uid;  // become this user and group, without further groups
    uint64_t open_files = 1'024;  // RLIMIT_NOFILE
    uint64_t processes = 0;       // RLIMIT_NPROC; 0 = as the server
};

struct Spawned {
    pid_t pid = -1;
    Fd pidfd;
};

/// Error: kIo when the program cannot be started.
Result<Spawned> spawn(const SpawnRequest& request);

/// How a process ended, in the words of Lambda ("exit status 3", "signal: killed").
struct ExitStatus {
    bool signalled = false;
    int code = 0;  // exit status or signal number
    std::string describe() const;
};

/// Reaps the process behind `pidfd` if it has ended.
std::optional<ExitStatus> reap(int pidfd);

}  // namespace tandem::pool
