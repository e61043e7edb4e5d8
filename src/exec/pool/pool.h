// The process pool: runs functions in warm processes on this machine that speak the Lambda Runtime
// API. One request per process at a time; the process that was used last is used next; processes
// are added on demand up to reserved concurrency and Limits::worker_processes, and reaped when
// idle. Nothing of it is durable but the logs: packages are unpacked again from the blob store.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "base/result.h"
#include "exec/executor.h"
#include "net/http.h"
#include "store/blob/blob_store.h"

namespace tandem {

struct PoolOptions {
    std::filesystem::path work_directory;     // unpacked packages, private directories, logs
    std::filesystem::path workers_directory;  // our runtimes: workers/ of the source tree
    std::string account = "123456789012";
    std::string region = "us-east-1";
    Limits limits;
    std::map<std::string, std::string> environment;  // that functions find, unless they set it
    bool isolate = true;           // bubblewrap; see docs/isolation.md for what happens without
    bool function_channel = true;  // offer it to programs that ask for it
    std::vector<std::string> gpus = {};  // ids, as CUDA_VISIBLE_DEVICES has them
    /// Told of all lines of functions' logs as they are appended, on any thread; may be empty.
    std::function<void(std::string_view function, std::string_view lines)> on_log = {};
    /// Where calls come one after the other, the loop that makes one looks for its answer; for
    /// loops that do little else.
    bool loops_look = false;
    std::string sandbox_user;  // all functions run as this user; empty = a free uid each (as root)
};

/// `loops` and `blobs` must outlive the executor. Errors: kIo, kInvalidArgument.
Result<std::unique_ptr<Executor>> make_pool(net::EventLoops& loops, BlobStore& blobs,
                                            PoolOptions options);

}  // namespace tandem
