// What the processes of a function write: a log for each function, which the pool flushes several
// times a second and before logs() reads it, and the tail of the invocation that runs.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/rolling_file.h"
#include "exec/pool/spawn.h"

namespace tandem::pool {

/// Told of all lines that are appended to a function's log, on whichever thread does.
using LogHook = std::function<void(std::string_view function, std::string_view lines)>;

class FunctionLog {
public:
    FunctionLog(std::string function, std::filesystem::path file, size_t limit_bytes, LogHook hook)
        : function_(std::move(function)),
          file_(std::move(file), limit_bytes),
          hook_(std::move(hook)) {}
    void append(std::string_view lines) {
        file_.append(lines);
        if (hook_) hook_(function_, lines);
    }
    void flush() { file_.flush(); }
    std::string tail(size_t limit_bytes) { return file_.tail(limit_bytes); }

private:
    const std::string function_;
    RollingFile file_;
    const LogHook hook_;
};

/// Lambda's lines around an invocation.
std::string start_line(std::string_view request_id, std::string_view version);
struct InvocationReport {
    std::string_view request_id;
    double duration_ms = 0;
    double init_ms = -1;  // < 0: the process was warm
    int memory_mb = 0;
    size_t max_memory_bytes = 0;
    std::string_view status;  // "timeout", "error" or empty
};
/// The END and REPORT lines.
std::string report_lines(const InvocationReport& report);

/// What one worker writes: read from its pipe, cut into lines for the function's log, and kept as
/// the tail of the invocation that runs. Safe from every thread.
class WorkerOutput {
public:
    WorkerOutput(std::shared_ptr<FunctionLog> log) : log_(std::move(log)) {}
    void attach(Fd pipe);
    /// Reads what is there. False at end of file or before attach.
    bool drain();
    /// A new invocation begins with `line`.
    void begin(std::string_view line);
    /// A line of ours in the middle, after what the worker has written.
    void note(std::string_view line);
    /// Drains, appends our own `lines` and returns the tail of the invocation (kLogTailBytes).
    std::string end(std::string_view lines);

private:
    bool drain_locked();
    void add(std::string_view bytes);
    void end_partial_line();

    std::shared_ptr<FunctionLog> log_;
    std::mutex mutex_;
    Fd pipe_;
    std::string partial_;  // an unfinished line
    std::string tail_;
};

}  // namespace tandem::pool
