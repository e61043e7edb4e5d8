#include "exec/pool/function_log.h"

#include <unistd.h>

#include <cerrno>
#include <cmath>

#include "base/limits.h"

namespace tandem::pool {
namespace {

constexpr size_t kLineBytesMax = 256 * 1024;
// Per call: a function that writes without pause must not hold up the other workers.
constexpr int kReadsPerDrain = 16;

/// With two digits after the point: printf takes longer than the rest of a short call.
void add_hundredths(double value, std::string& out) {
    const int64_t hundredths = std::llround(value * 100);
    out += std::to_string(hundredths / 100);
    out += '.';
    out += char('0' + hundredths / 10 % 10);
    out += char('0' + hundredths % 10);
}

}  // namespace

std::string start_line(std::string_view request_id, std::string_view version) {
    std::string line = "START RequestId: ";
    line += request_id;
    line += " Version: ";
    line += version;
    line += '\n';
    return line;
}

std::string report_lines(const InvocationReport& report) {
    std::string lines;
    lines.reserve(256);
    lines += "END RequestId: ";
    lines += report.request_id;
    lines += "\nREPORT RequestId: ";
    lines += report.request_id;
    lines += "\tDuration: ";
    add_hundredths(report.duration_ms, lines);
    lines += " ms\tBilled Duration: ";
    lines += std::to_string(int64_t(std::ceil(std::max(report.duration_ms, 1.0))));
    lines += " ms\tMemory Size: ";
    lines += std::to_string(report.memory_mb);
    lines += " MB\tMax Memory Used: ";
    lines += std::to_string((report.max_memory_bytes + (1 << 20) - 1) >> 20);
    lines += " MB\t";
    if (report.init_ms >= 0) {
        lines += "Init Duration: ";
        add_hundredths(report.init_ms, lines);
        lines += " ms\t";
    }
    if (!report.status.empty()) {
        lines += "Status: ";
        lines += report.status;
    }
    return lines + "\n";
}

void WorkerOutput::attach(Fd pipe) {
    const std::lock_guard lock(mutex_);
    pipe_ = std::move(pipe);
}

bool WorkerOutput::drain() {
    const std::lock_guard lock(mutex_);
    return drain_locked();
}

bool WorkerOutput::drain_locked() {
    char buffer[16 * 1024];
    for (int i = 0; pipe_ && i < kReadsPerDrain; i++) {
        const ssize_t n = ::read(pipe_.get(), buffer, sizeof buffer);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno == EAGAIN;
        if (n == 0) return false;
        add(std::string_view(buffer, size_t(n)));
        if (size_t(n) < sizeof buffer) return true;  // saves the read that would answer EAGAIN
    }
    return bool(pipe_);
}

void WorkerOutput::add(std::string_view bytes) {
    tail_ += bytes;
    if (tail_.size() > 4 * kLogTailBytes) tail_.erase(0, tail_.size() - kLogTailBytes);
    const size_t line_end = bytes.rfind('\n');
    if (line_end == std::string_view::npos) {
        partial_ += bytes;
        if (partial_.size() > kLineBytesMax) end_partial_line();
        return;
    }
    partial_ += bytes.substr(0, line_end + 1);
    log_->append(partial_);
    partial_ = bytes.substr(line_end + 1);
}

void WorkerOutput::end_partial_line() {
    if (partial_.empty()) return;
    tail_ += '\n';
    log_->append(partial_ + "\n");
    partial_.clear();
}

void WorkerOutput::begin(std::string_view line) {
    const std::lock_guard lock(mutex_);
    end_partial_line();
    tail_.clear();
    tail_ += line;
    log_->append(line);
}

void WorkerOutput::note(std::string_view line) {
    const std::lock_guard lock(mutex_);
    drain_locked();
    end_partial_line();
    tail_ += line;
    log_->append(line);
}

std::string WorkerOutput::end(std::string_view lines) {
    const std::lock_guard lock(mutex_);
    drain_locked();
    end_partial_line();
    tail_ += lines;
    log_->append(lines);
    if (tail_.size() > kLogTailBytes) tail_.erase(0, tail_.size() - kLogTailBytes);
    return std::exchange(tail_, {});
}

}  // namespace tandem::pool
