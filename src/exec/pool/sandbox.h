// Sandbox: turns "run this function" into a process request, walled off as well as this machine
// allows. docs/isolation.md says what each mode does and does not keep apart. The mode is chosen
// once, when the pool starts, by trying; afterwards the object does not change (any thread).
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "exec/pool/spawn.h"

namespace tandem::pool {

enum class Isolation {
    kRootNamespaces,  // server is root: bubblewrap, then a uid of its own for each function
    kUserNamespace,  // server is not root: bubblewrap in a user namespace, the server's uid outside
    kUserOnly,       // server is root, no namespaces: a uid of its own for each function, limits
    kNone,           // server is not root, no namespaces: a process group and limits, nothing more
};

std::string_view to_string(Isolation isolation);

struct SandboxOptions {
    std::filesystem::path work_directory;
    std::filesystem::path workers_directory;
    bool isolate = true;
    std::string user;  // run all functions as this user; empty = a free uid each (root only)
};

struct WorkerProcess {
    std::filesystem::path package;
    std::vector<std::string> command;  // paths as inside the sandbox
    std::string interpreter;           // full path, if it must be reachable
    std::map<std::string, std::string> environment;
    int ephemeral_storage_mb = 512;
    size_t function_index = 0;         // functions with different ones are kept apart
    std::string id;                    // of the worker
    std::vector<std::string> devices;  // files below /dev that it may use
    std::vector<int> descriptors;      // handed on; their numbers there are in the variable
    std::string_view descriptors_variable;
};

struct PreparedProcess {
    SpawnRequest request;
    std::vector<Fd> descriptors;              // those of request.pass; keep until spawned
    std::filesystem::path private_directory;  // remove after the process ended; may be empty
};

class Sandbox {
public:
    /// Errors: kIo, kInvalidArgument (unknown user). Falls back, with a warning, where the machine
    /// refuses namespaces.
    static Result<Sandbox> open(SandboxOptions options);

    Isolation isolation() const { return isolation_; }
    /// Where packages and private directories belong: reachable for the user that functions run as.
    const std::filesystem::path& area() const { return area_; }
    /// The uid that the processes of this function have; nullopt = the server's own.
    std::optional<uint32_t> uid(size_t function_index) const;
    Result<PreparedProcess> prepare(const WorkerProcess& process) const;

private:
    explicit Sandbox(SandboxOptions options) : options_(std::move(options)) {}
    Result<void> choose();
    Result<void> prepare_area();
    bool works(Isolation isolation, bool with_proc);
    Result<PreparedProcess> wrapped(const WorkerProcess& process) const;
    Result<PreparedProcess> plain(const WorkerProcess& process) const;

    SandboxOptions options_;
    Isolation isolation_ = Isolation::kNone;
    bool with_proc_ = true;
    std::filesystem::path area_, runtime_;
    uint32_t first_uid_ = 0, uid_count_ = 0;
};

}  // namespace tandem::pool
