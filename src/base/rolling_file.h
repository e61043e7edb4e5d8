// RollingFile: lines of a log, in one file with one older generation ("FILE.1"); together at most
// `limit_bytes`. Appending only fills a buffer, which flush() writes. Safe from every thread.
// Losing the last lines in a crash is accepted: a log is not the record of an execution.
#pragma once

#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/descriptor.h"

namespace tandem {

class RollingFile {
public:
    RollingFile(std::filesystem::path file, size_t limit_bytes);
    ~RollingFile() { flush(); }
    void append(std::string_view lines);
    void flush();
    /// Oldest first, at most `limit_bytes` from the end, from the beginning of a line.
    std::string tail(size_t limit_bytes);

private:
    void flush_locked();
    std::filesystem::path older() const { return file_.string() + ".1"; }

    const std::filesystem::path file_;
    const size_t generation_bytes_;
    std::mutex mutex_;
    std::string buffer_;
    std::optional<Descriptor> open_;
    size_t written_ = 0;  // in the current generation
};

}  // namespace tandem
